"""The client of Evolution API from PyPI, `evolutionapi`, unmodified."""

from evolutionapi.client import EvolutionClient
from evolutionapi.exceptions import EvolutionAPIError, EvolutionAuthenticationError, EvolutionNotFoundError
from evolutionapi.models.instance import InstanceConfig, WebhookConfig
from evolutionapi.models.presence import PresenceStatus
from evolutionapi.models.websocket import WebSocketConfig
from evolutionapi.typing.webhook import WebhookProcessor

from berth import ACCOUNT_TOKEN, BerthTest, eventually
from receiver import Receiver


class Evolution(BerthTest):
    def setUp(self):
        super().setUp()
        self.client = EvolutionClient(self.berth.url, ACCOUNT_TOKEN)

    def create(self, name, **config):
        made = self.client.instances.create_instance(
            InstanceConfig(instanceName=name, integration="WHATSAPP-BAILEYS", **config)
        )
        self.assertEqual(made["instance"]["instanceName"], name, made)
        self.assertIsInstance(made["hash"], str)
        return made

    def state(self, name, token):
        return self.client.instance_operations.get_connection_state(name, token)["instance"]["state"]

    def test_create_to_delete(self):
        operations = self.client.instance_operations
        made = self.create("loja", qrcode=True, token="token-of-the-evolution-client", rejectCall=True)
        token = made["hash"]
        self.assertEqual(token, "token-of-the-evolution-client")
        self.assertTrue(made["qrcode"]["base64"].startswith("data:image/png;base64,iVBOR"))
        self.assertTrue(made["settings"]["rejectCall"])
        self.assertEqual(self.state("loja", token), "connecting")

        code = operations.connect("loja", token)
        self.assertTrue(code["code"])
        self.berth.scan("loja")
        self.assertEqual(self.state("loja", token), "open")
        self.assertEqual(operations.connect("loja", token)["instance"]["state"], "open")
        # The list is a projection and follows.
        row = eventually(
            "the list says that it is open",
            lambda: [one for one in self.client.instances.fetch_instances() if one["connectionStatus"] == "open"],
        )[0]
        self.assertEqual((row["name"], row["token"]), ("loja", token))
        self.assertEqual(operations.set_presence("loja", PresenceStatus.AVAILABLE, token), {"presence": "available"})
        self.assertEqual(operations.restart("loja", token)["instance"]["instanceName"], "loja")
        self.berth.until_open("loja")

        out = operations.logout("loja", token)
        self.assertEqual((out["status"], out["error"]), ("SUCCESS", False))
        self.assertEqual(self.state("loja", token), "close")
        with self.assertRaisesRegex(EvolutionAPIError, "instance is not connected"):
            operations.logout("loja", token)

        deleted = operations.delete("loja", token)
        self.assertEqual(deleted["response"]["message"], "Instance deleted")
        with self.assertRaises(EvolutionNotFoundError):
            operations.get_connection_state("loja", ACCOUNT_TOKEN)

    def test_errors(self):
        operations = self.client.instance_operations
        token = self.create("first")["hash"]
        self.create("second")
        taken = self.client.instances.create_instance(InstanceConfig("first", "WHATSAPP-BAILEYS"))
        self.assertEqual(taken["response"]["message"], ['This name "first" is already in use.'])
        with self.assertRaises(EvolutionAuthenticationError):
            operations.get_connection_state("first", "wrong")
        with self.assertRaises(EvolutionAuthenticationError):
            operations.logout("second", token)
        with self.assertRaises(EvolutionNotFoundError):
            operations.logout("nobody", ACCOUNT_TOKEN)

    def test_settings_and_websocket(self):
        token = self.create("settings")["hash"]
        wanted = {
            "rejectCall": True,
            "msgCall": "agora não",
            "groupsIgnore": True,
            "alwaysOnline": False,
            "readMessages": False,
            "readStatus": False,
            "syncFullHistory": False,
        }
        saved = self.client.post("settings/set/settings", wanted, token)
        self.assertEqual(saved["settings"] | wanted, saved["settings"])
        found = self.client.get("settings/find/settings", token)
        self.assertEqual(found | wanted, found)
        # This client sends the flat form of the configuration.
        self.client.websocket.set_websocket("settings", WebSocketConfig(True, ["CONNECTION_UPDATE"]), token)
        info = self.client.websocket.find_websocket("settings", token)
        self.assertEqual((info.enabled, info.events), (True, ["CONNECTION_UPDATE"]))

    def test_webhooks(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        token = self.create("hooked")["hash"]
        events = ["QRCODE_UPDATED", "STATUS_INSTANCE", "LOGOUT_INSTANCE", "CONNECTION_UPDATE"]
        config = WebhookConfig(receiver.url, headers={"authorization": "Bearer of-the-receiver"}, events=events)
        saved = self.client.post(
            "webhook/set/hooked", {"webhook": config.__dict__ | {"enabled": True}}, token
        )
        self.assertEqual((saved["url"], saved["enabled"]), (receiver.url, True))
        self.assertEqual(self.client.get("webhook/find/hooked", token)["url"], receiver.url)

        self.client.instance_operations.connect("hooked", token)
        receiver.until("the code is told", lambda all: any(one.json()["event"] == "qrcode.updated" for one in all))
        self.berth.scan("hooked")
        self.client.instance_operations.logout("hooked", token)
        came = receiver.until(
            "the last notice of the logout",
            lambda all: all and (all[-1].json()["data"] or {}).get("statusReason") == 401,
        )
        self.assertEqual({one.headers.get("authorization") for one in came}, {"Bearer of-the-receiver"})
        seen = []
        processor = WebhookProcessor()
        for event in ("qrcode.updated", "connection.update", "status.instance", "logout.instance"):
            processor.register_handler(event, seen.append)
        for one in came:
            self.assertTrue(processor.process_webhook(one.body), one)
        codes = [self.client.process_qrcode_update(one["data"]) for one in seen if one["event"] == "qrcode.updated"]
        self.assertTrue(codes and all(code["code"] and code["base64"] for code in codes))
        self.assertEqual(
            [one["event"] for one in seen[-3:]], ["status.instance", "logout.instance", "connection.update"]
        )
        self.assertEqual({one["instance"] for one in seen}, {"hooked"})
