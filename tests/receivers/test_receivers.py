"""The receivers of docs/receivers.md, as they stand there: each believes what Berth sends, and nothing else."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

from berth import BerthTest, eventually
from receiver import Receiver

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ["BERTH_RECEIVERS"])
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def snippets():
    """The programs of the page by their language, in their order."""
    page = (ROOT / "docs/receivers.md").read_text()
    found = {}
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        found.setdefault(language, []).append(text)
    return found


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def built(*command, **named):
    done = subprocess.run(command, capture_output=True, text=True, **named)
    assert done.returncode == 0, f"{command}:\n{done.stderr}"


def python():
    return [sys.executable, str(written(FOLDER / "receiver.py", snippets()["python"][0]))]


def node():
    return ["node", str(written(FOLDER / "node/receiver.mjs", snippets()["js"][0]))]


def go():
    source = written(FOLDER / "go/receiver.go", snippets()["go"][0])
    environment = os.environ | {"GOCACHE": str(FOLDER / "go/cache"), "GO111MODULE": "off", "CGO_ENABLED": "0"}
    built(os.environ["BERTH_TEST_GO"], "vet", str(source), env=environment)
    built(os.environ["BERTH_TEST_GO"], "build", "-o", str(FOLDER / "go/receiver"), str(source), env=environment)
    return [str(FOLDER / "go/receiver")]


def rust():
    written(FOLDER / "rust/src/main.rs", snippets()["rust"][0])
    built("cargo", "build", "--locked", "--quiet", cwd=FOLDER / "rust",
          env={name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"})
    return [str(FOLDER / "rust/target/debug/berth-receiver")]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Program:
    """A receiver that runs, and what it printed."""

    def __init__(self, command):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        environment = os.environ | {"PORT": str(self.port), "WEBHOOK_SECRET": SECRET}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        eventually("it listens", self._listens)

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line.strip())

    def _listens(self):
        assert self._process.poll() is None, "it ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def post(self, body, headers):
        """The status of the answer."""
        request = urllib.request.Request(self.url, method="POST", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def close(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


def signed(body, secret=SECRET, message="msg_story", at=None):
    """The headers of a notice, made as the specification says and not as Berth does."""
    at = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b".".join([message.encode(), at.encode(), body]), hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        "content-type": "application/json",
    }


class Receivers(BerthTest):
    def believes(self, command):
        program = Program(command)
        self.addCleanup(program.close)
        name = self._testMethodName
        made = self.berth.native("POST", "/v1/instances", {
            "name": name, "webhooks": [{"url": program.url, "secret": SECRET, "ed25519": True}],
        })
        instance = made["id"]
        self.berth.native("POST", f"/v1/instances/{instance}/connect", {})
        self.berth.scan(instance)
        eventually("it is told of the link", lambda: f"instance.open {name}" in program.lines)
        self.berth.native("POST", f"/v1/instances/{instance}/logout")
        eventually("it is told of the end", lambda: f"instance.logged_out {name}" in program.lines)
        told = [line.split()[0] for line in program.lines if "qr" not in line]
        self.assertEqual(told, ["instance.linked", "instance.open", "instance.logged_out"])

        # Two secrets sign for a while: one that fits is enough.
        body = json.dumps({"type": "story", "data": {"name": "é"}}).encode()
        mine = signed(body)
        other = signed(body, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
        both = mine | {"webhook-signature": f"{other['webhook-signature']} v1a,AAAA {mine['webhook-signature']}"}
        self.assertEqual((program.post(body, both), program.post(body, mine)), (204, 204))
        eventually("it is told of it once", lambda: "story é" in program.lines)
        for refused in [
            other,
            signed(body, at=time.time() - 600),
            signed(body, at=time.time() + 600),
            signed(body + b" "),
            mine | {"webhook-id": "msg_other"},
            mine | {"webhook-signature": ""},
            {"content-type": "application/json"},
        ]:
            self.assertEqual(program.post(body, refused), 401, refused)
        self.assertEqual(program.lines.count("story é"), 1)

    def test_python(self):
        self.believes(python())

    def test_node(self):
        self.believes(node())

    def test_go(self):
        self.believes(go())

    def test_rust(self):
        self.believes(rust())

    def test_the_page_names_what_the_rust_receiver_is_built_with(self):
        dependencies = (ROOT / "tests/receivers/Cargo.toml").read_text().split("[dependencies]\n")[1]
        self.assertEqual(snippets()["toml"][0], "[dependencies]\n" + dependencies)

    def test_a_public_key_checks_what_it_cannot_sign(self):
        module = written(FOLDER / "node/public.mjs", snippets()["js"][1])
        check = written(FOLDER / "node/check.mjs", (
            'import { verified } from "./public.mjs";\n'
            "const [key, headers, body] = process.argv.slice(2);\n"
            "console.log(verified(key, JSON.parse(headers), body));\n"
        ))
        receiver = Receiver()
        self.addCleanup(receiver.close)
        made = self.berth.native("POST", "/v1/instances", {
            "name": "public", "webhooks": [{"url": receiver.url, "ed25519": True}],
        })
        instance, webhook = made["id"], made["webhook_secrets"][0]["id"]
        self.berth.native("POST", f"/v1/instances/{instance}/connect", {})
        self.berth.scan(instance)
        came = receiver.until("the link", lambda came: any(one.json()["type"] == "instance.open" for one in came))
        keys = self.berth.native("GET", f"/v1/instances/{instance}/webhooks/{webhook}/secret")
        foreign = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

        def verified(key, headers, body):
            headers = {name.lower(): value for name, value in headers.items()}
            command = ["node", str(check), key, json.dumps(headers), body.decode()]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            return done.stdout.strip() == "true"

        self.assertTrue(module.exists())
        for one in came:
            self.assertTrue(verified(keys["public_key"], one.headers, one.body))
        one = came[0]
        self.assertFalse(verified(foreign, one.headers, one.body))
        self.assertFalse(verified(keys["public_key"], one.headers, one.body + b" "))
        self.assertFalse(verified(keys["public_key"], one.headers | {"webhook-id": "msg_other"}, one.body))


if __name__ == "__main__":
    unittest.main()
