"""What carries the messages of a session with a connector: each wire opens sessions for ever."""

import asyncio
import json
import os
import sys
from urllib.parse import urljoin

import nats
from nats.errors import Error as NatsError
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from .tasks import spawn

RECONNECT_S, HELLO_S, ANSWER_S = 1, 10, 10
MESSAGE_BYTES = 16 * 1024


async def over_websocket(url: str, token: str, hello: dict, open_session) -> None:
    at = urljoin(url, "/workers/v1")
    headers = {"Authorization": f"Bearer {token}"}
    while True:
        session = None
        try:
            async with connect(at, additional_headers=headers, max_size=MESSAGE_BYTES, ping_interval=None) as socket:

                async def send(message: dict) -> None:
                    try:
                        await socket.send(json.dumps(message))
                    except WebSocketException:
                        pass

                session = open_session(at, send, lambda: spawn(socket.close()))
                await send(hello)
                async for text in socket:
                    session.heard(json.loads(text))
        except (OSError, ValueError, WebSocketException) as error:
            print(f"{at}: {type(error).__name__}", file=sys.stderr)
        if session:
            session.left()
        await asyncio.sleep(RECONNECT_S)


class OverNats:
    """Every message is a request. Whoever takes it answers with nothing; any other answer, and none, means that the session is over."""

    def __init__(self, hello: dict, open_session) -> None:
        self.hello, self.open_session, self.sessions = hello, open_session, {}
        self.subject, self.again = f"berth.v1.worker.{hello['worker']}", None

    async def run(self, urls: str) -> None:
        options = {"inbox_prefix": f"_INBOX_worker-{self.hello['worker']}", "max_reconnect_attempts": -1}
        try:
            self.client = await nats.connect(urls.split(","), closed_cb=self.closed, **options)
        except (NatsError, OSError) as error:
            print(f"NATS: {type(error).__name__}", file=sys.stderr)
            await self.closed()
        await self.client.subscribe(f"{self.subject}.told.{self.hello['process']}.*.*", cb=self.told)
        while True:
            await self.greet()
            await asyncio.sleep(HELLO_S)

    # It connects again by itself, unless it may not: whoever watches over this process starts it again.
    async def closed(self) -> None:
        print("the connection to NATS is closed", file=sys.stderr, flush=True)
        os._exit(1)

    async def ask(self, to: str, message: dict) -> str:
        """Why it was not taken, if it was not."""
        try:
            said = json.dumps(message).encode()
            answer = await self.client.request(f"{self.subject}.{to}", said, timeout=ANSWER_S)
            return answer.data.decode()
        except (NatsError, asyncio.TimeoutError) as error:
            return type(error).__name__

    # All connectors hear it; who has no session with this process opens one.
    async def greet(self) -> None:
        if why := await self.ask("hello", self.hello):
            print(f"no connector on NATS: {why}", file=sys.stderr)

    def open(self, place: str):
        async def send(message: dict) -> None:
            if await self.ask(f"said.{place}", message):
                end()

        def end() -> None:
            if self.sessions.pop(place, None):
                session.left()
                self.greet_again()

        session = self.sessions[place] = self.open_session(f"NATS, session {place}", send, end)
        return session

    def greet_again(self) -> None:
        if self.again:
            self.again.cancel()
        self.again = asyncio.get_running_loop().call_later(RECONNECT_S, lambda: spawn(self.greet()))

    async def told(self, message) -> None:
        place = ".".join(message.subject.split(".")[-2:])
        said = json.loads(message.data)
        session = self.sessions.get(place)
        if said["kind"] == "refused":
            await message.respond(b"")
            print(f"refused on NATS: {said['code']}: {said['message']}", file=sys.stderr)
            if self.sessions.pop(place, None):
                session.left()
        elif session or said["kind"] == "welcome":
            session = session or self.open(place)
            await message.respond(b"")
            session.heard(said)
        else:
            # This side ended it, and the other one did not know: now it does.
            await message.respond(b"over")
            self.greet_again()
