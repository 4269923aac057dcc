"""Native webhooks, verified by the reference library of Standard Webhooks."""

import standardwebhooks

from berth import BerthTest
from receiver import Receiver


class Signatures(BerthTest):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        made = self.berth.native(
            "POST", "/v1/instances", {"name": self._testMethodName, "webhooks": [{"url": self.receiver.url}]}
        )
        self.instance = made["id"]
        self.verifier = standardwebhooks.Webhook(made["webhook_secrets"][0]["secret"])

    def told(self, kind):
        """Waits for a notice; what comes next would take one away that is not delivered yet."""
        return self.receiver.until(kind, lambda came: any(one.json()["type"] == kind for one in came))

    def live(self):
        self.berth.native("POST", f"/v1/instances/{self.instance}/connect", {})
        self.told("instance.qr")
        self.berth.scan(self.instance)
        self.told("instance.open")
        self.berth.native("POST", f"/v1/instances/{self.instance}/logout")
        return self.told("instance.logged_out")

    def test_every_notice_of_a_life_is_signed(self):
        came = self.live()
        types = {self.verifier.verify(one.body, one.headers)["type"] for one in came}
        self.assertLessEqual({"instance.qr", "instance.open", "instance.logged_out"}, types)

    def test_what_was_tampered_with_is_refused(self):
        last = self.live()[-1]
        refused = standardwebhooks.WebhookVerificationError
        with self.assertRaises(refused):
            self.verifier.verify(last.body.replace(b"logged_out", b"logged_oux"), last.headers)
        with self.assertRaises(refused):
            self.verifier.verify(last.body, last.headers | {"webhook-id": "another"})
        with self.assertRaises(refused):
            standardwebhooks.Webhook("whsec_" + "c2VjcmV0IG9mIHNvbWVib2R5IGVsc2U=").verify(last.body, last.headers)
