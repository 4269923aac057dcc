"""A worker: it connects to the connectors, is told which links to run, and reports what happens on them."""

import asyncio
import base64
import os
import signal
import sys
import uuid
from functools import partial
from multiprocessing.forkserver import ensure_running
from time import monotonic

from .link import Link
from .process import context
from .tasks import spawn
from .wires import OverNats, over_websocket


def serve(device, *, library: str, version: str, capacity: int, preload: list[str] | None = None) -> None:
    """Serves links with a library until SIGTERM, as the variables of the environment say.

    `device` is the class that the README describes, `capacity` that of a worker that is given none, and `preload` names modules that
    all processes of devices may share: what does not outlive a fork must not be among them.
    """
    context.set_forkserver_preload(["__main__", *(preload or [])])
    asyncio.run(Worker(device, library, version, capacity).run())


class Owner:
    """Who asked for a link, on one connection, and hears of it."""

    def __init__(self, berth: "Berth", place: dict) -> None:
        self.berth, self.place, self.number, self.turn = berth, place, 0, asyncio.Lock()

    async def report(self, said: dict) -> str:
        self.number += 1
        answer = self.berth.asked[self.place["run"]] = asyncio.get_running_loop().create_future()
        await self.berth.send({"kind": "report", **self.place, "number": self.number, **said})
        return await answer


class Berth:
    """A session with one connector."""

    def __init__(self, worker: "Worker", where: str, send, end) -> None:
        self.worker, self.where, self.send, self.end = worker, where, send, end
        self.asked, self.unowned_s, self.beat, self.heard_at = {}, 0, None, monotonic()

    def heard(self, message: dict) -> None:
        self.heard_at = monotonic()
        match message.pop("kind"):
            case "welcome":
                print(f"connected to {self.where}", flush=True)
                self.unowned_s = message["unowned_ms"] / 1000
                self.beat = asyncio.ensure_future(self.beats(message["heartbeat_ms"] / 1000))
            case "refused":
                print(f"refused by {self.where}: {message['code']}: {message['message']}", file=sys.stderr)
                self.end()
            case "run":
                self.worker.begin(self, message, message.pop("start"), message.pop("phone", None))
            case "unlink":
                self.worker.begin(self, message, "unlink", None)
            case "stop":
                self.worker.stop(self, message)
            case "answer" if answer := self.asked.pop(message["run"], None):
                answer.set_result(message["next"])

    async def beats(self, pause_s: float) -> None:
        while monotonic() - self.heard_at <= 3 * pause_s:
            await self.send({"kind": "heartbeat"})
            await asyncio.sleep(pause_s)
        self.end()

    def left(self) -> None:
        if self.beat:
            self.beat.cancel()
        self.worker.left(self)


class Worker:
    """Every link of this process."""

    def __init__(self, device, library: str, version: str, capacity: int) -> None:
        self.device, self.data = device, setting("BERTH_WORKER_DATA", "worker-data")
        self.key = base64.b64decode(setting("BERTH_WORKER_KEY"))
        if len(self.key) != 32:
            sys.exit("BERTH_WORKER_KEY is not 32 bytes in base64: `openssl rand -base64 32` makes some")
        self.hello = {
            "kind": "hello", "contracts": [1], "worker": setting("BERTH_WORKER_NAME"), "process": str(uuid.uuid4()),
            "library": library, "version": version, "capacity": int(setting("BERTH_WORKER_CAPACITY", str(capacity))),
        }  # fmt: skip
        # What runs, by device, and the highest epoch that each was asked for under.
        self.running, self.epochs = {}, {}

    def begin(self, berth: Berth, message: dict, task: str, phone: str | None) -> None:
        place = {name: message[name] for name in ("run", "instance", "attempt", "epoch")}
        name = f"{place['instance']}-{place['attempt']}"
        # Whoever asks has lost this link to another connector, and does not know it yet.
        if place["epoch"] < self.epochs.get(name, 0):
            return
        self.epochs[name] = place["epoch"]

        def gone(is_wiped: bool) -> None:
            self.running.pop(name, None)
            if is_wiped:
                self.epochs.pop(name, None)

        known = self.running.get(name)
        if known and known["unowned"]:
            known["unowned"].cancel()
        link = known["link"] if known else Link(self.device, os.path.join(self.data, name), self.key, gone)
        owner = Owner(berth, place)
        self.running[name] = {"link": link, "owner": owner, "unowned": None}
        spawn(link.begin(task, phone, owner))

    def stop(self, berth: Berth, place: dict) -> None:
        name = f"{place['instance']}-{place['attempt']}"
        known = self.running.get(name)
        if known and known["owner"].berth is berth and known["owner"].place["run"] == place["run"]:
            spawn(self.over(name, known))

    # A device that is linked may be asked for again, by whoever owns it next; everything else is over.
    def left(self, berth: Berth) -> None:
        for name, known in self.running.items():
            if known["owner"].berth is berth and not known["unowned"]:
                link = known["link"]
                may_go_on, link.owner = link.is_linked and link.task != "unlink", None
                pause_s = berth.unowned_s if may_go_on else 0
                over = lambda name=name, known=known: spawn(self.over(name, known))
                known["unowned"] = asyncio.get_running_loop().call_later(pause_s, over)
        for answer in berth.asked.values():
            answer.cancel()
        berth.asked.clear()

    async def over(self, name: str, known: dict) -> None:
        known["link"].owner = None
        await known["link"].close()
        if self.running.get(name) is known:
            del self.running[name]

    async def run(self) -> None:
        ensure_running()
        stopping = asyncio.Event()
        for asked in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(asked, stopping.set)
        opened = partial(Berth, self)
        if urls := os.environ.get("BERTH_NATS_URL"):
            spawn(OverNats(self.hello, opened).run(urls))
        else:
            token = setting("BERTH_WORKER_TOKEN")
            for url in setting("BERTH_URL", "ws://127.0.0.1:8480").split(","):
                spawn(over_websocket(url, token, self.hello, opened))
        await stopping.wait()
        await asyncio.gather(*(known["link"].close() for known in self.running.values()))


def setting(name: str, otherwise: str | None = None) -> str:
    return os.environ.get(name) or otherwise or sys.exit(f"{name} is not set")

