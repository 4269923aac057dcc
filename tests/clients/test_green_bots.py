"""GREEN-API's own libraries for bots, `whatsapp-chatbot-python` and `whatsapp-api-webhook-server-python`, unmodified."""

import asyncio
import logging
import socket
import threading

import tornado.httpserver  # The second library uses it without importing it.
from whatsapp_api_client_python.API import GreenApiPartner
from whatsapp_api_webhook_server_python.webhooksHandler import startServer
from whatsapp_chatbot_python import GreenAPIBot

from berth import ACCOUNT_TOKEN, PHONE, BerthTest, eventually

for name in ("whatsapp-chatbot-python", "whatsapp-api-client-python"):
    logging.getLogger(name).disabled = True


class Bots(BerthTest):
    def setUp(self):
        super().setUp()
        self.partner = GreenApiPartner(ACCOUNT_TOKEN, host=self.berth.url)

    def create(self, **settings):
        return self.partner.partner.createInstance(settings).data

    def test_a_bot_polls(self):
        made = self.create(name="bot", stateWebhook="yes")
        # It reads the settings, switches the notices of messages on and empties the queue before it starts.
        bot = GreenAPIBot(
            str(made["idInstance"]), made["apiTokenInstance"], host=self.berth.url, raise_errors=True
        )
        self.assertEqual(bot.api.account.getSettings().data["incomingWebhook"], "yes")
        seen = []
        bot.router.route_event = seen.append
        threading.Thread(target=bot.run_forever, daemon=True).start()
        account = GreenAPIBot(
            str(made["idInstance"]),
            made["apiTokenInstance"],
            host=self.berth.url,
            settings={"keepOnlineStatus": "yes"},
            delete_notifications_at_startup=False,
        ).api.account
        self.assertEqual(account.qr().data["type"], "qrCode")
        self.berth.scan(made["idInstance"])
        eventually("the bot sees the account", lambda: any(one.get("stateInstance") == "authorized" for one in seen))
        self.assertEqual(account.logout().data, {"isLogout": True})
        eventually("the bot sees the logout", lambda: seen[-1].get("stateInstance") == "notAuthorized")

    def test_a_server_is_pushed_to(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        seen = Seen()
        loop = asyncio.new_event_loop()

        async def listen():
            startServer("127.0.0.1", port, seen.told, startLoop=False)

        loop.run_until_complete(listen())
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(loop.call_soon_threadsafe, loop.stop)
        made = self.create(webhookUrl=f"http://127.0.0.1:{port}/", stateWebhook="yes")
        self.berth.native("POST", f"/v1/instances/{made['idInstance']}/connect", {})
        self.berth.scan(made["idInstance"])
        told = eventually(
            "the account is told", lambda: [one for one in seen.all if one.get("stateInstance") == "authorized"]
        )
        self.assertEqual(
            told[0]["instanceData"],
            {"idInstance": made["idInstance"], "wid": f"{PHONE}@c.us", "typeInstance": "whatsapp"},
        )


class Seen:
    def __init__(self):
        self.all = []

    def told(self, kind, body):
        assert kind == body["typeWebhook"]
        self.all.append(body)
