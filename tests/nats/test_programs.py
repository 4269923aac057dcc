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
        acme, other = self.stage.acme, self.stage.other
        self.live(acme, "shop")
        self.live(other, "theirs")
        wanted = self.happened(acme, "shop")
        half = len(wanted) // 2
        read = asyncio.run(self.read(acme, half))
        self.assertEqual([one["id"] for one in read], wanted[:half])
        for one in read:
            self.assertEqual(one["event"]["source"], f"/v1/accounts/{acme.id}")
            self.assertNotIn(PHONE, json.dumps(one))
        # The place belongs to the consumer: another program, in another language, goes on there.
        rest = acme.node("read", "BERTH_EVENTS", f"{acme.id}-1", str(len(wanted) - half))
        self.assertEqual([one["id"] for one in rest], wanted[half:])
        # Nobody reads while more happens.
        self.live(acme, "second")
        wanted = self.happened(acme, "second")
        away = asyncio.run(self.read(acme, len(wanted)))
        self.assertEqual([one["id"] for one in away], wanted)
        feed = acme.http("GET", f"/v1/events/feed?after={away[-1]['sequence']}")
        self.assertFalse(feed["missed"])

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
