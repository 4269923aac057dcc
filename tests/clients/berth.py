"""A Berth for the clients: the real binary, embedded, with a folder of its own, and who plays the phone."""

import json
import os
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ACCOUNT_TOKEN = "clients-account-token-0001"
ROOT_KEY = "clients-root-key-0001"
PHONE = "5511987654321"
PUSH_NAME = "Ana Beatriz Quiterio"
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


class Berth:
    """A running server; `stop` ends it and removes its folder."""

    def __init__(self, **settings):
        self._folder = tempfile.TemporaryDirectory(prefix="berth-clients-")
        self._lines = []
        self._from = 0
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BERTH_")}
        environment |= {
            "BERTH_ROOT_KEY": ROOT_KEY,
            "BERTH_ACCOUNT_TOKEN": ACCOUNT_TOKEN,
            "BERTH_WEBHOOK_ALLOW": "127.0.0.0/8",
            "BERTH_HTTP": "127.0.0.1:0",
            "BERTH_DATA": self._folder.name,
        } | settings
        self._process = subprocess.Popen(
            [os.environ["BERTH_TEST_BINARY"], "serve"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._said = []
        self._readers = [
            threading.Thread(target=into.extend, args=[pipe], daemon=True)
            for pipe, into in ((self._process.stdout, self._said), (self._process.stderr, self._lines))
        ]
        for reader in self._readers:
            reader.start()
        try:
            self.url = eventually("the server listens", self._listens)
        except BaseException:
            self.stop()
            raise

    def _listens(self):
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}:\n{''.join(self._lines)}")
        said = re.search(r"^berth serve listens on (http://\S+)$", "".join(self._said), re.MULTILINE)
        return said and said[1]

    def log(self):
        """What was logged since `mark`."""
        return "".join(self._lines[self._from :])

    def mark(self):
        """A test begins here."""
        self._from = len(self._lines)

    def alive(self):
        return self._process.poll() is None

    def stop(self):
        """Asks it to end, insists after a while, and gives its exit code."""
        self._process.terminate()
        try:
            code = self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for reader in self._readers:
            reader.join()
        self._process.stdout.close()
        self._process.stderr.close()
        self._folder.cleanup()
        return code

    def native(self, method, path, body=None, token=ACCOUNT_TOKEN):
        """A request to the native API that must succeed, and the JSON of its answer."""
        return self.ask(method, path, body, {"Authorization": f"Bearer {token}"})

    def ask(self, method, path, body, headers):
        """A request that must succeed, and the JSON of its answer."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=headers | {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def simulate(self, instance, action, **arguments):
        """Plays the phone or the network."""
        return self.native("POST", f"/v1/instances/{instance}/simulate", {"action": action} | arguments)

    def scan(self, instance):
        """The phone scans the code that is shown."""
        self.simulate(instance, "scan", phone=PHONE, push_name=PUSH_NAME)
        self.until_open(instance)

    def until_open(self, instance):
        def is_open():
            return self.native("GET", f"/v1/instances/{instance}")["connection"] == "open"

        eventually(f"the connection of {instance} is open", is_open)


class BerthTest(unittest.TestCase):
    """Tests of one server."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.berth = Berth(**cls.settings)

    @classmethod
    def tearDownClass(cls):
        code = cls.berth.stop()
        assert code == 0, f"the server ended with {code}:\n{cls.berth.log()}"

    def setUp(self):
        self.berth.mark()
