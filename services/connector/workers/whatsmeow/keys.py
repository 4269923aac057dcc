"""The keys of a device: whatsmeow's database, which is only in memory, and a copy of it in the attempt's folder, sealed."""

import ctypes
import fcntl
import os
import threading
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
BUSY_MS = 5000
# Flags of SQLite: read, write, create, a URI, a mutex; memory that it frees itself; a row.
OPEN, FREE_ON_CLOSE, ROW = 0x2 | 0x4 | 0x40 | 0x10000, 1, 100


def path(folder: str) -> Path:
    return Path(folder, "keys")


class Keys:
    # What whatsmeow opens. It appends `?…` to it, which must be the value of something.
    NAME = "/keys?vfs=memdb&_foreign_keys=on&unused="

    def __init__(self, sqlite: ctypes.CDLL, folder: str, key: bytes) -> None:
        self.sqlite, self.folder, self.cipher = sqlite, folder, AESGCM(key)
        self.about, self.saved, self.saving = os.path.basename(folder).encode(), None, threading.Lock()
        for name in ("sqlite3_malloc64", "sqlite3_backup_init", "sqlite3_serialize"):
            getattr(sqlite, name).restype = ctypes.c_void_p
        # It stays open: the database is gone with its last connection.
        self.memory = self._open(b"file:/keys?vfs=memdb")

    def load(self) -> None:
        self._lock()
        sealed = path(self.folder).read_bytes()
        plain = self.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self.about)
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
                self._seal()
                self.saved = version

    def _seal(self) -> None:
        size = ctypes.c_int64()
        copy = ctypes.c_void_p(self.sqlite.sqlite3_serialize(self.memory, b"main", ctypes.byref(size), 0))
        plain = ctypes.string_at(copy, size.value)
        self.sqlite.sqlite3_free(copy)
        if self.saved is None and not os.path.isdir(self.folder):
            os.makedirs(self.folder, mode=0o700)
            self._lock()
        nonce = os.urandom(NONCE_BYTES)
        new = Path(self.folder, "keys.new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(nonce + self.cipher.encrypt(nonce, plain, self.about))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path(self.folder))

    # One process for a device: that of a worker that was killed may be about to end.
    def _lock(self) -> None:
        fcntl.flock(os.open(self.folder, os.O_RDONLY), fcntl.LOCK_EX)

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
