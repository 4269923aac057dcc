"""The life of one link, which is the same with every library: what Berth asks for, what is reported of it and in which order, and
when its process is started again. What it comes to is decided by Berth."""

import asyncio
from contextlib import suppress
from multiprocessing.connection import Connection

from . import process
from .sealed import Sealed
from .tasks import failed, spawn

PAIRING = ("qr", "code")
# Pauses before a process is started again, in seconds, and how many an attempt without a device has.
PAUSES = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 900]
PAIRING_TRIES = 5
# How long a new device may take to come back.
COMING_BACK_S = 30


class Link:
    def __init__(self, device, folder: str, key: bytes, gone) -> None:
        self.device, self.folder, self.key, self.gone = device, folder, key, gone
        self.sealed = Sealed(folder, key)
        self.owner = self.process = self.pipe = self.timer = self.closing = None
        self.is_open, self.is_lost, self.tries = False, False, 0
        # What is closed meanwhile must not go on with what it had begun.
        self.turn = 0

    @property
    def is_linked(self) -> bool:
        return self.sealed.exists

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
        if task in PAIRING:
            self.sealed.wipe()
        elif not self.is_linked:
            return self.report("no_device")
        return self.start()

    # Two sockets of one device would replace each other: the next is opened when the last is closed.
    async def close(self) -> int:
        self.later(None)
        self.turn += 1
        turn = self.turn
        running, pipe, self.process, self.pipe, self.is_open = self.process, self.pipe, None, None, False
        if running:
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            self.closing = asyncio.ensure_future(asyncio.to_thread(process.end, running, pipe))
        if self.closing:
            await asyncio.shield(self.closing)
        return turn

    def start(self) -> None:
        task = "resume" if self.is_linked and self.task != "unlink" else self.task
        self.process, self.pipe = process.start(self.device, self.folder, self.key, task, self.phone)
        asyncio.get_running_loop().add_reader(self.pipe.fileno(), self.read, self.pipe)

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

    # A device opens its connection again itself; only when it gave that up its process ends.
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
                self.sealed.wipe()
            if not self.owner:
                self.gone(following == "wipe")
