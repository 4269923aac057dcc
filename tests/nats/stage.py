"""A NATS server with the permissions of `berth provision`, a Berth on it, and the customers whose programs are let in."""

import asyncio
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import nats

ROOT_KEY = "programs-root-key-0001"
ROLES = ["GATEWAY", "SESSION_AGGREGATE", "PROJECTIONS", "WEBHOOKS", "CONNECTOR", "OPERATOR"]
DEPLOYED = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "nats"
# How long anything is waited for, and how often it is looked at, in seconds.
DEADLINE = 30
PAUSE = 0.05


def eventually(what, ask, deadline=DEADLINE):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + deadline
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not so after {deadline} s; last seen: {answer!r}")
        time.sleep(PAUSE)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Customer:
    """An account, with a program in Python and one in Node."""

    def __init__(self, stage, made):
        self.stage, self.id, self.token = stage, made["id"], made["token"]
        self.password = f"password-of-{self.id}"

    def http(self, method, path, body=None, headers=None):
        return self.stage.http(method, path, body, self.token, headers)

    async def connect(self, **options):
        return await nats.connect(self.stage.nats_url, user=self.id, password=self.password, **options)

    def node(self, *arguments):
        command = ["node", os.environ["BERTH_TEST_PROGRAM"], self.stage.nats_url, self.id, self.password, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * DEADLINE)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)


class Stage:
    """Everything that runs; `stop` ends it and removes its folder."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="berth-nats-")
        self.folder = pathlib.Path(self._folder.name)
        self._log = open(self.folder / "log", "w+")
        self.processes = []
        port, self._http = free_port(), f"127.0.0.1:{free_port()}"
        self.nats_url = f"nats://127.0.0.1:{port}"
        for file in ("single.conf", "permissions.conf"):
            shutil.copy(DEPLOYED / file, self.folder)
        passwords = {f"BERTH_NATS_{role}_PASSWORD": f"password-of-{role}" for role in ROLES}
        server = [os.environ["BERTH_TEST_NATS_SERVER"], "-c", self.folder / "single.conf", "-a", "127.0.0.1"]
        server += ["-p", str(port), "-m", str(free_port())]
        self._server = self._start(server, passwords | {"BERTH_NATS_STORE": str(self.folder / "store")})
        self._settings = {
            "BERTH_NATS_URL": self.nats_url.replace("//", "//operator:password-of-OPERATOR@"),
            "BERTH_MASTER_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "BERTH_ROOT_KEY": ROOT_KEY,
            "BERTH_ACCOUNT_TOKEN": "programs-account-token-0001",
            "BERTH_HTTP": self._http,
            "BERTH_DATA": str(self.folder / "data"),
            "BERTH_DEVICE_TIME_SCALE": "20",
        }
        try:
            self._start([os.environ["BERTH_TEST_BINARY"], "serve"], self._settings)
            eventually("berth is ready", lambda: self._is_ready())
            customers = [Customer(self, self.account(name)) for name in ("acme", "other", "reading")]
            self.acme, self.other, self.reading = customers
            self._let_in(customers)
        except BaseException:
            self.stop()
            raise

    def _start(self, command, settings):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BERTH_")}
        process = subprocess.Popen(command, env=environment | settings, stdout=self._log, stderr=self._log)
        self.processes.append(process)
        return process

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self._http}/readyz") as answer:
                return answer.status == 200
        except OSError:
            return False

    def _let_in(self, customers):
        accounts = [word for customer in customers for word in ("--account", customer.id)]
        text = self.provision("--permissions", *accounts)
        for customer in customers:
            variable = f"$BERTH_NATS_ACCOUNT_{customer.id.upper()}_PASSWORD"
            text = text.replace(variable, f'"{customer.password}"')
        (self.folder / "permissions.conf").write_text(text)
        self._reload(customers)
        # What is new to each other counts from the second time on: docs/operation.md.
        self._reload(customers)
        self.provision(*accounts)

    def _reload(self, customers):
        before = self._reloads()
        self._server.send_signal(signal.SIGHUP)
        eventually("the configuration is read", lambda: self._reloads() > before)
        for customer in customers:
            eventually("the customer is let in", lambda: asyncio.run(self._is_let_in(customer)))

    def _reloads(self):
        return (self.folder / "log").read_text().count("Reloaded server configuration")

    async def _is_let_in(self, customer):
        try:
            connection = await customer.connect(allow_reconnect=False, error_cb=_quiet)
        except (nats.errors.Error, OSError):
            return False
        await connection.close()
        return True

    def provision(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BERTH_")}
        command = [os.environ["BERTH_TEST_BINARY"], "provision", *arguments]
        done = subprocess.run(command, env=environment | self._settings, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout

    def account(self, name):
        return self.http("POST", "/v1/accounts", {"name": name}, ROOT_KEY)

    def http(self, method, path, body, token, headers=None):
        """A request that must succeed, and the JSON of its answer."""
        request = urllib.request.Request(
            f"http://{self._http}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | (headers or {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def stop(self):
        """Asks everything to end, the server last; gives the exit code of Berth and what was logged."""
        codes = []
        for process in reversed(self.processes):
            process.terminate()
            try:
                codes.append(process.wait(DEADLINE))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        self._log.seek(0)
        log = self._log.read()
        self._log.close()
        self._folder.cleanup()
        return codes, log


async def _quiet(_error):
    """What is refused until the server has read its configuration is no news."""
