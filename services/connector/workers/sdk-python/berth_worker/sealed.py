"""What is kept of a device: one file in a folder of its own, sealed with the key of the worker."""

import fcntl
import os
import shutil
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Sealed:
    def __init__(self, folder: str, key: bytes) -> None:
        self.folder, self.cipher, self.is_locked = Path(folder), AESGCM(key), False
        self.path, self.about = self.folder / "keys", self.folder.name.encode()

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def load(self) -> bytes:
        self._lock()
        sealed = self.path.read_bytes()
        return self.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self.about)

    def save(self, plain: bytes) -> None:
        """The former is replaced by it whole, and it is on the disk when this is over."""
        if not self.is_locked:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock()
        nonce = os.urandom(NONCE_BYTES)
        new = self.folder / "keys.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(nonce + self.cipher.encrypt(nonce, plain, self.about))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)

    def wipe(self) -> None:
        if self.folder.is_dir():
            shutil.rmtree(self.folder)

    # One process for a device: that of a worker that was killed may be about to end.
    def _lock(self) -> None:
        if not self.is_locked:
            fcntl.flock(os.open(self.folder, os.O_RDONLY), fcntl.LOCK_EX)
            self.is_locked = True
