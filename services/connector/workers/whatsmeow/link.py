"""One device link: a process with the device, and what is reported of it. What that comes to is decided by Berth."""

import asyncio
import multiprocessing
import os
import shutil
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

import device
import keys

# Pauses before a connection is opened again, in seconds, and how many an attempt without a device has.
PAUSES = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 900]
PAIRING_TRIES = 5
# How long a new device may take to come back, and a process to end.
COMING_BACK_S, END_S = 30, 3
processes = multiprocessing.get_context("forkserver")
# What a device loads that may be shared. Not neonize: a Go program does not outlive a fork.
processes.set_forkserver_preload(
    ["__main__", "cryptography.hazmat.primitives.ciphers.aead", "google.protobuf.internal.builder", "httpx", "linkpreview"]
    + ["magic", "phonenumbers", "PIL.Image", "PIL.ImageSequence", "requests", "segno", "tqdm"]
)
tasks = set()


def spawn(work) -> None:
    task = asyncio.ensure_future(work)
    tasks.add(task)
    task.add_done_callback(done)


def done(task: asyncio.Task) -> None:
    tasks.discard(task)
    if not task.cancelled() and task.exception():
        failed(type(task.exception()).__name__)


# Without what it holds: the error of a library may quote a key.
def failed(why: str) -> None:
    print(f"a link failed: {why}", file=sys.stderr)


class Link:
    def __init__(self, folder: str, key: bytes, gone) -> None:
        self.folder, self.key, self.gone = folder, key, gone
        self.owner = self.process = self.pipe = self.timer = self.closing = None
        self.is_open, self.is_lost, self.tries = False, False, 0
        # What is closed meanwhile must not go on with what it had begun.
        self.turn = 0

    @property
    def is_linked(self) -> bool:
        return keys.path(self.folder).exists()

    async def begin(self, task: str, phone: str | None, owner) -> None:
        """`qr`, `code`, `resume`, `reopen` or `unlink`, for somebody who hears what comes of it."""
        self.owner, self.task, self.phone, self.is_lost, self.tries = owner, task, phone, False, 0
        if self.is_open and task == "unlink":
            with suppress(OSError):
                return self.pipe.send("unlink")
        if self.is_open and task == "resume":
            return self.report("open")
        if await self.close() != self.turn:
            return None
        if task in device.PAIRING:
            self.wipe()
        elif not self.is_linked:
            return self.report("no_device")
        return self.start()

    # Two sockets of one device would replace each other: the next is opened when the last is closed.
    async def close(self) -> int:
        self.later(None)
        self.turn += 1
        turn = self.turn
        process, pipe, self.process, self.pipe, self.is_open = self.process, self.pipe, None, None, False
        if process:
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            self.closing = asyncio.ensure_future(asyncio.to_thread(end, process, pipe))
        if self.closing:
            await asyncio.shield(self.closing)
        return turn

    def wipe(self) -> None:
        if os.path.isdir(self.folder):
            shutil.rmtree(self.folder)

    def start(self) -> None:
        pipe, theirs = processes.Pipe()
        task = "resume" if self.is_linked and self.task != "unlink" else self.task
        process = processes.Process(target=device.run, args=(theirs, self.folder, self.key, task, self.phone), daemon=True)
        process.start()
        theirs.close()
        self.process, self.pipe = process, pipe
        asyncio.get_running_loop().add_reader(pipe.fileno(), self.read, pipe)

    def read(self, pipe: Connection) -> None:
        try:
            self.heard(*pipe.recv())
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            spawn(self.ended(pipe))

    def heard(self, report: str, fields: dict) -> None:
        if report == "failed":
            return failed(fields["why"])
        if report == "lost":
            return self.lost(fields["code"])
        if report == "linked":
            self.later(COMING_BACK_S, lambda pipe: spawn(self.ended(pipe)), self.pipe)
        if report in ("refused", "removed", "replaced"):
            self.is_open = False
        if report == "open":
            self.later(None)
            self.is_open, self.is_lost, self.tries = True, False, 0
        return self.report(report, fields)

    def lost(self, code: int) -> None:
        self.is_open = False
        if self.task == "unlink":
            self.report("unlink_failed", {"code": code})
        elif self.is_linked and not self.is_lost or code:
            self.is_lost = True
            self.report("lost", {"code": code})

    # whatsmeow opens again what is linked; only what it gave up ends its process.
    async def ended(self, pipe: Connection) -> None:
        if pipe is not self.pipe:
            return None
        self.lost(0)
        if await self.close() != self.turn:
            return None
        if not self.is_linked and self.tries >= PAIRING_TRIES:
            return self.report("attempt_ended", {"reason": "unreachable"})
        self.tries += 1
        return self.later(PAUSES[min(self.tries, len(PAUSES)) - 1], self.start)

    def later(self, pause_s: float | None, *what) -> None:
        if self.timer:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(pause_s, *what) if what else None

    def report(self, report: str, fields: dict | None = None) -> None:
        if self.owner:
            spawn(self.say(self.owner, {"report": report, **(fields or {})}))

    # One after the other; what to do next is done before anything else is said.
    async def say(self, owner, said: dict) -> None:
        async with owner.turn:
            following = await owner.report(said) if owner is self.owner else "continue"
            if following == "continue" or owner is not self.owner:
                return
            self.owner = None
            await self.close()
            if following == "wipe":
                self.wipe()
            if not self.owner:
                self.gone(following == "wipe")


def end(process, pipe: Connection) -> None:
    with suppress(OSError):
        pipe.send("close")
    process.join(END_S)
    process.kill()
    process.join()
    pipe.close()
