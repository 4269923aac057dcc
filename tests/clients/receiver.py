"""A receiver of webhooks on a free port, which keeps what comes and answers 200."""

import http.server
import json
import threading
from dataclasses import dataclass

from berth import eventually


@dataclass
class Received:
    path: str
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class Receiver:
    def __init__(self):
        self.received = []
        kept = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.append(Received(self.path, dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def until(self, what, enough):
        """Waits until what came is enough, and gives it."""
        return eventually(what, lambda: enough(list(self.received)) and list(self.received))

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
