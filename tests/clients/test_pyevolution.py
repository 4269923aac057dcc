"""Another client of Evolution API from PyPI, `pyevolutionapi`, unmodified: it reads every answer into a typed model."""

from pyevolutionapi import EvolutionClient
from pyevolutionapi.exceptions import AuthenticationError, NotFoundError, ValidationError

from berth import ACCOUNT_TOKEN, PHONE, PUSH_NAME, BerthTest


class PyEvolution(BerthTest):
    def setUp(self):
        super().setUp()
        self.client = EvolutionClient(base_url=self.berth.url, api_key=ACCOUNT_TOKEN)

    def state(self):
        return self.client.instance.connection_state("shop")["instance"]["state"]

    def test_create_to_delete(self):
        instances = self.client.instance
        made = instances.create("shop", qrcode=True, reject_call=True)
        self.assertEqual((made.instance.instance_name, made.instance.status), ("shop", "connecting"))
        self.assertTrue(made.hash)
        self.assertTrue(made.qr_code_base64.startswith("data:image/png;base64,iVBOR"))
        self.assertTrue(instances.connect("shop").code)
        self.assertTrue(instances.connect("shop", number=PHONE).code)
        self.assertEqual(self.state(), "connecting")
        self.berth.scan("shop")
        self.assertEqual(instances.connect("shop").instance.state, "open")
        (row,) = instances.fetch_instances(instance_name="shop")
        self.assertEqual(row.profile_name, PUSH_NAME)
        self.assertTrue(row.Setting["rejectCall"])
        self.assertEqual(instances.restart("shop").instance.instance_name, "shop")
        self.berth.until_open("shop")
        self.assertEqual(instances.set_presence("shop"), {"presence": "available"})

        transports = self.client.webhook
        for kind in ("websocket", "rabbitmq", "sqs"):
            getattr(transports, f"set_{kind}")("shop", enabled=True)
            self.assertTrue(getattr(transports, f"find_{kind}")("shop")["enabled"], kind)

        self.assertEqual(instances.logout("shop")["status"], "SUCCESS")
        with self.assertRaises(ValidationError):
            instances.logout("shop")
        self.assertTrue(instances.restart("shop").error)
        self.assertEqual(instances.delete("shop")["status"], "SUCCESS")
        with self.assertRaises(NotFoundError):
            instances.delete("shop")
        with self.assertRaises(AuthenticationError):
            EvolutionClient(base_url=self.berth.url, api_key="wrong").instance.fetch_instances()
