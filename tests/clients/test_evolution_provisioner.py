"""What others built over Evolution API, from PyPI and unmodified: `cogno-gateway`, which makes and watches instances, and
`evolution-whatsapp`, which reads webhooks into typed models."""

import asyncio

from cogno_gateway.evolution import EvolutionChannel
from cogno_gateway.provisioning import EvolutionWhatsAppProvisioner
from cogno_gateway.types import ChannelConfig
from evolution_api import AsyncEvoClient, EvoClient
from evolution_api.exceptions import EvolutionAPIError
from evolution_api.webhooks import parse_webhook

from berth import ACCOUNT_TOKEN, BerthTest
from receiver import Receiver


class Provisioner(BerthTest):
    def test_accounts_are_connected_watched_and_removed(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)

        def provisioner(secret):
            return EvolutionWhatsAppProvisioner(
                base_url=self.berth.url,
                api_key=ACCOUNT_TOKEN,
                webhook_base=receiver.url,
                webhook_secret=secret,
                instance_template="app_{account}",
            )

        async def story():
            mine = provisioner("secret-of-the-channel")
            made = await mine.connect("a")
            self.assertEqual((made.instance_name, made.status), ("app_a", "connected"))
            self.assertTrue(made.qrcode_base64.startswith("data:image/png;base64,iVBORw0K"))
            status = await mine.status("a")
            self.assertEqual((status.state, status.webhook_ok, status.auto_healed), ("connecting", True, False))
            await asyncio.to_thread(self.berth.scan, "app_a")
            self.assertEqual((await mine.status("a")).state, "open")
            came = await asyncio.to_thread(receiver.until, "the connection is told", bool)
            channel = EvolutionChannel(ChannelConfig(**mine.channel_credentials("a")))
            for one in came:
                self.assertTrue(channel.verify(headers=one.headers, body=one.body))
            # Another secret is seen in the headers that the webhook shows.
            self.assertFalse((await provisioner("another").status("a")).webhook_ok)
            # It makes it anew under its name, at once after the delete.
            again = await mine.connect("a", force=True)
            self.assertTrue(again.qrcode_base64)
            self.assertTrue(await mine.disconnect("a"))
            self.assertFalse(await mine.disconnect("a"))
            self.assertEqual((await mine.status("a")).state, "close")

        asyncio.run(story())

    def test_models_of_webhooks(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        hook = {"enabled": True, "url": receiver.url, "events": []}
        made = self.berth.native("POST", "/v1/instances", {"name": "typed"})
        client = EvoClient(self.berth.url, made["token"], "typed")
        self.addCleanup(client.close)
        self.assertEqual(client.connection_state()["instance"], {"instanceName": "typed", "state": "close"})
        for key, name, status in (("wrong", "typed", 401), (ACCOUNT_TOKEN, "nobody", 404)):
            with EvoClient(self.berth.url, key, name) as stranger:
                with self.assertRaises(EvolutionAPIError) as refused:
                    stranger.connection_state()
            self.assertEqual(refused.exception.status, status)

        async def once_more():
            async with AsyncEvoClient(self.berth.url, made["token"], "typed") as client:
                return await client.connection_state()

        self.assertEqual(asyncio.run(once_more())["instance"]["state"], "close")
        self.evolution("webhook/set/typed", {"webhook": hook}, made["token"])
        self.evolution("instance/connect/typed", None, made["token"])
        receiver.until("the code is told", bool)
        self.berth.scan("typed")
        came = receiver.until(
            "the open connection is told",
            lambda all: any((one.json()["data"] or {}).get("state") == "open" for one in all),
        )
        read = [parse_webhook(one.json()) for one in came]
        self.assertEqual(read[0].event_type, "QRCODE_UPDATED")
        self.assertTrue(read[0].data.qrcode["base64"].startswith("data:image/png"))
        opened = next(one for one in read if one.event_type == "CONNECTION_UPDATE" and one.data.state == "open")
        self.assertEqual((opened.data.status_reason, opened.instance), (200, "typed"))

    def evolution(self, path, body, token):
        """A request of this dialect that these clients do not make."""
        return self.berth.ask("GET" if body is None else "POST", f"/{path}", body, {"apikey": token})
