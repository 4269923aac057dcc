"""The keys of a device: whatsmeow's database, which is only in memory, and a copy of it, sealed."""

import ctypes
import threading

BUSY_MS = 5000
# Flags of SQLite: read, write, create, a URI, a mutex; memory that it frees itself; a row.
OPEN, FREE_ON_CLOSE, ROW = 0x2 | 0x4 | 0x40 | 0x10000, 1, 100


class Keys:
    # What whatsmeow opens. It appends `?…` to it, which must be the value of something.
    NAME = "/keys?vfs=memdb&_foreign_keys=on&unused="

    def __init__(self, sqlite: ctypes.CDLL, sealed) -> None:
        self.sqlite, self.sealed = sqlite, sealed
        self.saved, self.saving = None, threading.Lock()
        for name in ("sqlite3_malloc64", "sqlite3_backup_init", "sqlite3_serialize"):
            getattr(sqlite, name).restype = ctypes.c_void_p
        # It stays open: the database is gone with its last connection.
        self.memory = self._open(b"file:/keys?vfs=memdb")

    def load(self) -> None:
        plain = self.sealed.load()
        size = ctypes.c_int64(len(plain))
        buffer = ctypes.c_void_p(self.sqlite.sqlite3_malloc64(size))
        ctypes.memmove(buffer, plain, len(plain))
        copy = self._open(b":memory:")
        self._do(self.sqlite.sqlite3_deserialize(copy, b"main", buffer, size, size, FREE_ON_CLOSE))
        backup = ctypes.c_void_p(self.sqlite.sqlite3_backup_init(self.memory, b"main", copy, b"main"))
        self.sqlite.sqlite3_backup_step(backup, -1)
        self._do(self.sqlite.sqlite3_backup_finish(backup))
        self.sqlite.sqlite3_close(copy)

    def save(self) -> None:
        """Seals what has changed. What was linked once is kept: whatsmeow forgets a device before Berth decides."""
        with self.saving:
            version = self._number(b"PRAGMA data_version")
            if version != self.saved and self._number(b"SELECT count(*) FROM whatsmeow_device"):
                self.sealed.save(self._plain())
                self.saved = version

    def _plain(self) -> bytes:
        size = ctypes.c_int64()
        copy = ctypes.c_void_p(self.sqlite.sqlite3_serialize(self.memory, b"main", ctypes.byref(size), 0))
        plain = ctypes.string_at(copy, size.value)
        self.sqlite.sqlite3_free(copy)
        return plain

    def _open(self, uri: bytes) -> ctypes.c_void_p:
        database = ctypes.c_void_p()
        self._do(self.sqlite.sqlite3_open_v2(uri, ctypes.byref(database), OPEN, None))
        self.sqlite.sqlite3_busy_timeout(database, BUSY_MS)
        return database

    def _number(self, query: bytes) -> int | None:
        rows = ctypes.c_void_p()
        if self.sqlite.sqlite3_prepare_v2(self.memory, query, -1, ctypes.byref(rows), None) != 0:
            return None
        number = self.sqlite.sqlite3_column_int(rows, 0) if self.sqlite.sqlite3_step(rows) == ROW else None
        self.sqlite.sqlite3_finalize(rows)
        return number

    @staticmethod
    def _do(result: int) -> None:
        if result != 0:
            raise OSError(f"SQLite: {result}")
