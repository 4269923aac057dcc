"""schemathesis against each document that the server serves.

No 5xx, no undeclared status, no body outside its schema. The run is seeded and bounded. `BERTH_FUZZ_EXAMPLES` and
`BERTH_FUZZ_SEED` choose a longer and another one, `BERTH_FUZZ_TELL` shows which statuses each operation answered.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from berth import ROOT_KEY, Berth, BerthTest

CONFIG = pathlib.Path(__file__).resolve().with_name("schemathesis.toml")
# Requests that are made up for an operation, beside those of the systematic phase.
EXAMPLES = os.environ.get("BERTH_FUZZ_EXAMPLES", "10")
SEED = os.environ.get("BERTH_FUZZ_SEED", "20")
# Seconds for one request: more than the longest wait that a dialect has for a code.
REQUEST_TIMEOUT = "70"
# Seconds for one document before it counts as failed: many times what one takes.
DEADLINE = 300
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]

# Operations that have no success here, each with its reason.
WITHOUT_SUCCESS = {
    "GET /waInstance{idInstance}/scanqrcode/{apiTokenInstance}": "a WebSocket, which is not spoken here",
    "GET /ws/{instance}": "a WebSocket, which is not spoken here",
    "PATCH /api/v2/business/{businessId}/instance/move-whatsapp": "always 501",
    "GET /v1/checkpoints/{s}/checkpoint": "nothing is signed in the first minute",
    "GET /v1/checkpoints/{s}/tile/{t}": "nothing is signed in the first minute",
    "GET /v1/instances/{i}/proof": "nothing is signed in the first minute",
    "GET /v1/events/feed": "without NATS nothing is kept there",
    "GET /v1/export": "nothing is signed in the first minute",
    "GET /v1/gate/segment/{n}": "the path that it asks about is in a header of the proxy's",
    "GET /v1/instances/{i}/webhooks/{w}/deliveries/{d}": "what was never linked is told nothing",
    "POST /v1/instances/{i}/webhooks/{w}/deliveries/{d}/resend": "what was never linked is told nothing",
    "POST /v1/instances/{i}/webhooks/{w}/recover": "what was never linked is told nothing",
    "POST /v1/instances/{i}/webhooks/{w}/test": "what was never linked is told nothing",
    "POST /v1/deliveries/recover": "no moment of the last two weeks is guessed",
    "POST /v1/upstreams/{u}/adopt": "there is no upstream",
    "POST /v1/upstreams/{u}/heard/{i}": "there is no upstream, and its secret is guessed by nobody",
} | {
    f"{method} /rest/{{group}}/{{rest}}": "messages are not this service's"
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
}


class Documents(BerthTest):
    """A server for each document: what an address may guess wrongly is bounded, and schemathesis guesses."""

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        self.berth = Berth()
        self.addCleanup(self.berth.stop)

    def holds(self, dialect, *more):
        """The server keeps to its document, and every operation was seen to succeed at least once."""
        url = f"{self.berth.url}/docs/{dialect}/openapi.json"
        # It keeps what it learned in the folder where it runs.
        with tempfile.TemporaryDirectory() as folder:
            answers = pathlib.Path(folder, "answers.json")
            told = self.run_schemathesis(dialect, url, answers, *more)
            self.assertEqual(told.returncode, 0, f"\n{told.stdout}{told.stderr}")
            answered = json.loads(answers.read_text())
        if os.environ.get("BERTH_FUZZ_TELL"):
            print(*(f"{operation} {statuses}" for operation, statuses in sorted(answered.items())), sep="\n")
        never = [
            f"{operation}: {statuses}"
            for operation, statuses in sorted(answered.items())
            if operation not in WITHOUT_SUCCESS and not any(status < "400" for status in statuses)
        ]
        self.assertEqual(never, [], "operations that never succeeded")

    def run_schemathesis(self, dialect, url, answers, *more):
        environment = os.environ | {
            "BERTH_URL": self.berth.url,
            "BERTH_ROOT_KEY": ROOT_KEY,
            "BERTH_DIALECT": dialect,
            "BERTH_FUZZ_ANSWERS": str(answers),
            "SCHEMATHESIS_HOOKS": "fuzz_pool",
            "PYTHONPATH": os.pathsep.join(str(pathlib.Path(entry).resolve()) for entry in sys.path),
        }
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", url]
        command += ["--checks", ",".join(CHECKS), "--seed", SEED, "--max-examples", EXAMPLES]
        command += ["--request-timeout", REQUEST_TIMEOUT, "--no-color", *more]
        return subprocess.run(
            command, env=environment, cwd=answers.parent, timeout=DEADLINE, capture_output=True, text=True
        )

    def test_native(self):
        # Its streams of events have no end.
        streams = ["/v1/events/stream", "/v1/instances/{i}/events/stream"]
        self.holds("native", *(word for path in streams for word in ("--exclude-path", path)))

    def test_evolution(self):
        self.holds("evolution")

    def test_evolution_go(self):
        self.holds("evolution-go")

    def test_ryze(self):
        self.holds("ryze")

    def test_codechat(self):
        self.holds("codechat")

    def test_mega(self):
        self.holds("mega")

    def test_green(self):
        self.holds("green")
