"""A device: whatsmeow, and what it says in the words of reports. neonize has no way to end an attempt whose codes are still shown but
to end its process."""

import ctypes
import logging
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from keys import Keys

PAIRING = ("qr", "code")
# How long a code can be used: the first QR code, those after it, a pairing code. How long a removal may take.
FIRST_QR_MS, NEXT_QR_MS, PAIRING_CODE_MS, UNLINK_S = 60_000, 20_000, 180_000, 15
# How much earlier than said the last code may run out.
EARLY_S = 1
# How often keys are sealed that have changed (there must be no device without any), and the part of the time that it may take.
UNLINKED_S, LINKED_S, SEALING_PART = 0.02, 0.2, 0.1
# WhatsApp's failures after which another try does not help, and those after which whatsmeow tries again itself.
REFUSALS = {400, 401, 402, 403, 405, 406, 409, 501, *range(410, 420)}
PASSING = {500, 503}


class Device(logging.Handler):
    def __init__(self, sealed, task: str, phone: str | None, report) -> None:
        super().__init__()
        from neonize import _binder, client, events
        from neonize.utils.log import _log_queue, log

        self.task, self.phone, self.report = task, phone, report
        self.code, self.codes, self.valid_until = 0, 0, 0.0
        self.logged = _log_queue
        self.keys = Keys(_binder.gocode, sealed)
        if task not in PAIRING:
            self.keys.load()
        self.is_linked = task not in PAIRING
        self.client = client.NewClient(Keys.NAME, uuid="device")
        self.client.qr(self.shown)
        # It says here how an attempt ended, and nowhere else.
        self.client._NewClient__onLoginStatus = self.ended
        for event, heard in (
            (events.PairStatusEv, self.linked),
            (events.ConnectedEv, self.connected),
            (events.DisconnectedEv, self.disconnected),
            (events.LoggedOutEv, lambda _, out: out.OnConnect or self.report("removed", code=401)),
            (events.StreamErrorEv, lambda _, error: error.Code == "516" and self.report("removed", code=516)),
            (events.StreamReplacedEv, lambda _, __: self.report("replaced")),
        ):
            self.client.event(event)(heard)
        log.setLevel(logging.INFO)
        logging.getLogger("whatsmeow.Client").addHandler(self)

    def live(self) -> None:
        threading.Thread(target=self.keep, daemon=True).start()
        self.client.connect()

    def close(self) -> None:
        self.client.disconnect()
        self.save()

    def keep(self) -> None:
        while True:
            began = time.monotonic()
            self.save()
            took_s = time.monotonic() - began
            time.sleep(max(LINKED_S if self.is_linked else UNLINKED_S, took_s / SEALING_PART))

    # Without keys that are kept it must not go on.
    def save(self) -> None:
        try:
            self.keys.save()
        except Exception as error:
            self.report("failed", why=type(error).__name__)
            os._exit(0)

    def shown(self, _, text: bytes) -> None:
        self.codes += 1
        valid_ms = FIRST_QR_MS if self.codes == 1 else NEXT_QR_MS
        self.valid_until = time.monotonic() + valid_ms / 1000
        self.report("qr", text=text.decode(), valid_ms=valid_ms)
        if self.codes == 1 and self.phone:
            threading.Thread(target=self.ask_for_code, daemon=True).start()

    def ask_for_code(self) -> None:
        try:
            text = self.client.PairPhone(self.phone, True).replace("-", "")
            self.report("pairing_code", text=text, valid_ms=PAIRING_CODE_MS)
        except Exception as error:
            code = re.search(r"status (\d+)", str(error))
            self.report("pairing_code_refused", code=int(code[1]) if code else 0)

    def ended(self, _, how: int) -> None:
        match ctypes.string_at(how):
            case b"error":
                self.report("attempt_ended", reason="pair_error")
            case b"timeout" if time.monotonic() > self.valid_until - EARLY_S:
                self.report("attempt_ended", reason="codes_exhausted")
            case b"timeout":
                os._exit(0)

    def linked(self, _, paired) -> None:
        if paired.Status != paired.SUCCESS:
            return
        self.save()
        self.is_linked = True
        name, lid = paired.BusinessName, self.client.get_me().LID
        named = {"business_name": name} if name else {}
        self.report("linked", device={"jid": written(paired.ID), "lid": written(lid), "platform": paired.Platform, **named})

    def connected(self, *_) -> None:
        if self.task == "unlink":
            threading.Thread(target=self.unlink, daemon=True).start()
        else:
            self.report("open")

    def unlink(self) -> None:
        try:
            ThreadPoolExecutor(1).submit(self.client.logout).result(UNLINK_S)
            self.report("unlinked")
        except Exception as error:
            self.report("unlink_failed", source_code=type(error).__name__)

    # whatsmeow opens a linked device again, with pauses.
    def disconnected(self, *_) -> None:
        self.logged.join()
        self.report("lost", code=self.code)
        self.code = 0

    # Codes of failures are nowhere else than in what whatsmeow logs, and neonize cannot say those that it does not know.
    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if line.startswith("Failed to reconnect after 515"):
            os._exit(0)
        code = re.search(r'reason="(\d+)"|^Got (\d+)|\((\d+)\) connect', line) if "connect failure" in line else None
        if code:
            self.failed(int(code[1] or code[2] or code[3]), dict(re.findall(r'(code|expire)="(\d+)"', line)))

    def failed(self, code: int, ban: dict[str, str]) -> None:
        if code in REFUSALS:
            self.report("refused", code=code, ban_code=int(ban.get("code", 0)), ban_seconds=int(ban.get("expire", 0)))
        elif code in PASSING:
            self.code = code
        else:
            self.report("lost", code=code)
            os._exit(0)


def written(jid) -> str:
    return f"{jid.User}:{jid.Device}@{jid.Server}"
