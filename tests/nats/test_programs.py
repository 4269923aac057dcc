"""Programs of customers, with nats-py and with nats.js."""

import asyncio
import json
import unittest

from stage import DEADLINE, Stage

PHONE = "5511987654321"


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()

    @classmethod
    def tearDownClass(cls):
        codes, log = cls.stage.stop()
        assert codes[0] == 0, log

    def happened(self, customer, name):
        """The ids that the events of an instance have in public, and their types there."""
        instance = customer.http("GET", f"/v1/instances/{name}")["id"]
        ids, before = [], (0, 0)
        for event in customer.http("GET", f"/v1/instances/{name}/events")["events"]:
            before = (event["version"], before[1] + 1 if event["version"] == before[0] else 0)
            ids.append(f"{instance}-{before[0]}-{before[1]}")
        return ids

    def live(self, customer, name):
        """An instance is made, linked, and logged out."""
        customer.http("POST", "/v1/instances", {"name": name})
        customer.http("POST", f"/v1/instances/{name}/connect", {})
        customer.http("POST", f"/v1/instances/{name}/simulate", {"action": "scan", "phone": PHONE})
        customer.http("POST", f"/v1/instances/{name}/logout", {"wait": "unlinked"})

    def test_readers_in_two_languages_share_what_happened_and_miss_nothing_while_they_are_away(self):
        ours, other = self.stage.reading, self.stage.other
        self.live(ours, "shop")
        self.live(other, "theirs")
        wanted = self.happened(ours, "shop")
        half = len(wanted) // 2
        read = asyncio.run(self.read(ours, half))
        self.assertEqual([one["id"] for one in read], wanted[:half])
        for one in read:
            self.assertEqual(one["event"]["source"], f"/v1/accounts/{ours.id}")
            self.assertNotIn(PHONE, json.dumps(one))
        # The place belongs to the consumer: another program, in another language, goes on there.
        rest = ours.node("read", "BERTH_EVENTS", f"{ours.id}-1", str(len(wanted) - half))
        self.assertEqual([one["id"] for one in rest], wanted[half:])
        # Nobody reads while more happens.
        self.live(ours, "second")
        wanted = self.happened(ours, "second")
        away = asyncio.run(self.read(ours, len(wanted)))
        self.assertEqual([one["id"] for one in away], wanted)
        feed = ours.http("GET", f"/v1/events/feed?after={away[-1]['sequence']}")
        self.assertFalse(feed["missed"])

    def test_programs_ask_what_clients_ask_over_http(self):
        acme = self.stage.acme
        made = acme.http("POST", "/v1/instances", {"name": "till"})
        asked = asyncio.run(self.ask(acme, "connect", "till", {"method": "qr"}))
        self.assertEqual((asked["headers"]["Berth-Status"], asked["body"]["state"]), ("200", "pairing"))
        self.assertTrue(asked["body"]["qr"]["text"])
        acme.http("POST", "/v1/instances/till/simulate", {"action": "scan", "phone": PHONE})
        for verb, state in (("disconnect", "paused"), ("reconnect", "linked"), ("restart", "linked")):
            done = acme.node("ask", self.subject(acme, verb, "till"), "", "{}")
            self.assertEqual((done["headers"]["berth-status"], done["body"]["state"]), ("200", state), done)
        shown = asyncio.run(self.ask(acme, "get", made["id"], None))
        self.assertEqual(shown["body"]["device"]["phone"], PHONE)

        # One key is one command, in both languages and over HTTP.
        body, key = {"wait": "unlinked"}, {"Idempotency-Key": "bye-1", "X-Request-Id": "till-1"}
        out = acme.node("ask", self.subject(acme, "logout", "till"), json.dumps(body), json.dumps(key))
        self.assertEqual((out["headers"]["berth-status"], out["headers"]["x-request-id"]), ("200", "till-1"))
        again = asyncio.run(self.ask(acme, "logout", "till", body, key))
        self.assertEqual(again["headers"]["idempotency-replayed"], "true")
        self.assertIn("account-commands", again["headers"]["ratelimit-policy"])
        acme.http("POST", "/v1/instances/till/logout", body, key)
        events = acme.http("GET", "/v1/instances/till/events")["events"]
        outs = [event for event in events if event["type"] == "LoggedOut"]
        self.assertEqual(len(outs), 1)
        command = outs[0]["command"]
        self.assertEqual((command["via"], command["principal"]), ("nats", "account"))

        for verb, instance, body, status, code in (
            ("reconnect", "till", {}, "409", "no_session"),
            ("get", "nobody", None, "404", "not_found"),
            ("logout", "till", {"what": 1}, "400", "invalid_request"),
            ("connect", "till", {"method": "pairing_code"}, "400", "invalid_request"),
        ):
            refused = asyncio.run(self.ask(acme, verb, instance, body))
            self.assertEqual(refused["headers"]["Berth-Status"], status, refused)
            self.assertEqual(refused["headers"]["Nats-Service-Error"], code)
            self.assertEqual(refused["body"]["code"], code)
            self.assertEqual(refused["headers"]["content-type"], "application/problem+json")

    def test_the_server_itself_refuses_what_is_somebody_elses(self):
        acme, other = self.stage.acme, self.stage.other
        other.http("POST", "/v1/instances", {"name": "private"})
        subject = self.subject(other, "get", "private")
        self.assertIn("permissions violation", asyncio.run(self.refusal(acme, subject)))
        refused = acme.node("ask", subject, "", "{}")
        self.assertIn("error", refused)
        asked = asyncio.run(self.ask(other, "get", "private", None))
        self.assertEqual(asked["headers"]["Berth-Status"], "200")
        # An instance of another account does not exist for it.
        asked = asyncio.run(self.ask(acme, "get", "private", None))
        self.assertEqual(asked["headers"]["Berth-Status"], "404")

    def subject(self, customer, verb, instance):
        return f"berth.v1.api.{customer.id}.{verb}.{instance}"

    async def ask(self, customer, verb, instance, body, headers=None):
        """A request and its answer."""
        connection = await customer.connect()
        try:
            payload = b"" if body is None else json.dumps(body).encode()
            subject = self.subject(customer, verb, instance)
            answer = await connection.request(subject, payload, timeout=DEADLINE, headers=headers)
            return {"headers": answer.headers, "body": json.loads(answer.data)}
        finally:
            await connection.close()

    async def refusal(self, customer, subject):
        """What the server says against a request."""
        said = asyncio.get_running_loop().create_future()

        async def hear(error):
            if not said.done():
                said.set_result(str(error))

        connection = await customer.connect(error_cb=hear)
        try:
            await connection.publish(subject, b"")
            await connection.flush()
            return (await asyncio.wait_for(said, DEADLINE)).lower()
        finally:
            await connection.close()

    async def read(self, customer, count):
        """The next events of the account's durable consumer, each acknowledged."""
        connection = await customer.connect()
        try:
            jetstream = connection.jetstream(prefix="JS.berth.API")
            reader = await jetstream.pull_subscribe_bind(f"{customer.id}-1", stream="BERTH_EVENTS")
            read = []
            while len(read) < count:
                for message in await reader.fetch(1, timeout=DEADLINE):
                    sequence = message.metadata.sequence.stream
                    identity = message.headers["Nats-Msg-Id"]
                    read.append({"sequence": sequence, "id": identity, "event": json.loads(message.data)})
                    await message.ack_sync()
            return read
        finally:
            await connection.close()


if __name__ == "__main__":
    unittest.main()
