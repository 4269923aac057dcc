"""GREEN-API's official SDK from PyPI, `whatsapp-api-client-python`, unmodified."""

import asyncio
import logging
import threading

from whatsapp_api_client_python.API import GreenApi, GreenApiPartner

from berth import ACCOUNT_TOKEN, PHONE, PUSH_NAME, BerthTest, eventually
from receiver import Receiver

# It tells of every refusal, and those that are provoked here are no news.
logging.getLogger("whatsapp-api-client-python").disabled = True


class Green(BerthTest):
    def setUp(self):
        super().setUp()
        self.partner = GreenApiPartner(ACCOUNT_TOKEN, host=self.berth.url)

    def create(self, **settings):
        made = self.ok(self.partner.partner.createInstance(settings))
        self.assertEqual(made["typeInstance"], "whatsapp")
        return made

    def api(self, made):
        return GreenApi(str(made["idInstance"]), made["apiTokenInstance"], host=self.berth.url)

    def ok(self, response):
        self.assertEqual(response.code, 200, response.error)
        return response.data

    def state(self, api):
        return self.ok(api.account.getStateInstance())["stateInstance"]

    def listed(self, made):
        rows = self.ok(self.partner.partner.getInstances())
        return [row for row in rows if row["idInstance"] == made["idInstance"]]

    def test_create_to_delete(self):
        made = self.create(name="loja São João", stateWebhook="yes")
        api = self.api(made)
        number = made["idInstance"]
        row = eventually("it is listed", lambda: self.listed(made))[0]
        self.assertEqual((row["name"], row["deleted"]), ("loja São João", False))
        self.assertEqual(self.state(api), "notAuthorized")
        self.assertEqual(self.ok(api.account.getStatusInstance())["statusInstance"], "offline")
        code = self.ok(api.account.qr())
        self.assertEqual(code["type"], "qrCode")
        self.assertTrue(code["message"].startswith("iVBOR"))

        self.berth.scan(number)
        self.assertEqual(self.state(api), "authorized")
        self.assertEqual(self.ok(api.account.getStatusInstance())["statusInstance"], "online")
        self.assertEqual(self.ok(api.account.qr())["type"], "alreadyLogged")
        account = self.ok(api.account.getWaSettings())
        self.assertEqual((account["phone"], account["stateInstance"]), (PHONE, "authorized"))
        self.assertEqual(self.ok(api.account.getSettings())["wid"], f"{PHONE}@c.us")
        self.assertEqual(self.ok(api.account.reboot()), {"isReboot": True})
        self.berth.until_open(number)

        self.assertEqual(self.ok(api.account.logout()), {"isLogout": True})
        self.assertEqual(self.ok(api.account.logout()), {"isLogout": True})
        self.assertEqual(self.state(api), "notAuthorized")
        history = self.ok(api.account.getStateInstanceHistory(10))
        self.assertEqual({row["stateInstance"] for row in history}, {"authorized", "notAuthorized"})

        self.assertEqual(self.ok(self.partner.partner.deleteInstanceAccount(number)), {"deleteInstanceAccount": True})
        repeated = self.ok(self.partner.partner.deleteInstanceAccount(number))
        self.assertEqual(repeated["code"], 404)
        self.assertEqual(api.account.getStateInstance().code, 401)
        eventually("it is listed as deleted", lambda: self.listed(made)[0]["deleted"])

    def test_settings(self):
        api = self.api(self.create(name="settings"))
        self.assertEqual(self.ok(api.account.getSettings())["stateWebhook"], "no")
        wanted = {"stateWebhook": "yes", "delaySendMessagesMilliseconds": 1000, "incomingWebhook": "yes"}
        self.assertEqual(self.ok(api.account.setSettings(wanted)), {"saveSettings": True})
        found = self.ok(api.account.getSettings())
        self.assertEqual(found | wanted, found)
        refused = api.account.setSettings({"delaySendMessagesMilliseconds": "soon"})
        self.assertEqual(refused.code, 400)
        self.assertNotIn(api.apiTokenInstance, refused.error)

    def test_a_code_to_type_and_a_new_token(self):
        made = self.create(name="typed")
        api = self.api(made)
        code = self.ok(api.account.getAuthorizationCode(int(PHONE)))
        self.assertTrue(code["status"])
        self.assertEqual(len(code["code"]), 8)
        self.berth.simulate(made["idInstance"], "enter_code", phone=PHONE, push_name=PUSH_NAME)
        self.berth.until_open(made["idInstance"])
        self.assertEqual(self.state(api), "authorized")
        token = self.ok(api.account.updateApiToken())["apiTokenInstance"]
        self.assertEqual(api.account.getStateInstance().code, 401)
        renewed = self.api(made | {"apiTokenInstance": token})
        self.assertEqual(self.state(renewed), "authorized")
        self.assertEqual(self.ok(renewed.queues.clearWebhooksQueue())["isCleared"], True)
        self.assertEqual(self.ok(renewed.queues.showMessagesQueue()), [])
        self.assertEqual(self.ok(renewed.queues.clearMessagesQueue())["isCleared"], True)

    def test_notifications_are_polled(self):
        made = self.create(name="polled", stateWebhook="yes")
        api = self.api(made)
        seen = []

        def on_event(type_webhook, body):
            seen.append((type_webhook, body))
            if body.get("stateInstance") == "notAuthorized" and len(seen) > 1:
                api.webhooks.stopReceivingNotifications()

        poller = threading.Thread(target=api.webhooks.startReceivingNotifications, args=[on_event], daemon=True)
        poller.start()
        other = self.api(made)
        self.ok(other.account.qr())
        self.berth.scan(made["idInstance"])
        eventually("the authorization is told", lambda: any(b.get("stateInstance") == "authorized" for _, b in seen))
        self.ok(other.account.logout())
        poller.join(30)
        self.assertFalse(poller.is_alive(), seen)
        self.assertEqual(seen[-1][0], "stateInstanceChanged")
        self.assertEqual(seen[-1][1]["instanceData"], {"idInstance": made["idInstance"], "wid": "", "typeInstance": "whatsapp"})
        self.assertIsNone(self.ok(api.receiving.receiveNotification(5)), "the queue is empty")
        self.assertEqual(self.ok(api.receiving.deleteNotification(1)), {"result": False})

    def test_notifications_are_pushed(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        made = self.create(webhookUrl=receiver.url, webhookUrlToken="of-the-receiver", stateWebhook="yes")
        api = self.api(made)
        self.ok(api.account.qr())
        self.berth.scan(made["idInstance"])
        self.ok(api.account.logout())
        came = receiver.until(
            "the logout is told",
            lambda all: all and all[-1].json().get("stateInstance") == "notAuthorized",
        )
        self.assertEqual({one.headers.get("authorization") for one in came}, {"Bearer of-the-receiver"})
        self.assertLessEqual(
            {one.json()["typeWebhook"] for one in came}, {"stateInstanceChanged", "statusInstanceChanged"}
        )

    def test_the_asynchronous_half(self):
        async def story():
            made = self.ok(await self.partner.partner.createInstanceAsync({"name": "async", "stateWebhook": "yes"}))
            api = self.api(made)
            self.assertEqual(self.ok(await api.account.qrAsync())["type"], "qrCode")
            await asyncio.to_thread(self.berth.scan, made["idInstance"])
            received = self.ok(await api.receiving.receiveNotificationAsync())
            self.assertEqual(received["body"]["typeWebhook"], "stateInstanceChanged")
            # The SDK sends the receipt as the body of this request instead of in its path.
            deleted = await api.receiving.deleteNotificationAsync(received["receiptId"])
            self.assertEqual(self.ok(deleted), {"result": True})
            following = self.ok(await api.receiving.receiveNotificationAsync())
            self.assertNotEqual(following["receiptId"], received["receiptId"])
            self.assertEqual(self.ok(await api.account.logoutAsync()), {"isLogout": True})
            rows = self.ok(await self.partner.partner.getInstancesAsync())
            self.assertTrue(rows)
            gone = await self.partner.partner.deleteInstanceAccountAsync(made["idInstance"])
            self.assertEqual(self.ok(gone), {"deleteInstanceAccount": True})

        asyncio.run(story())

    def test_refusals(self):
        made = self.create(name="refused")
        stranger = self.api(made | {"apiTokenInstance": "wrong"})
        self.assertEqual(stranger.account.logout().code, 401)
        nowhere = self.api(made | {"idInstance": 1})
        self.assertEqual(nowhere.account.logout().code, 403)
        outsider = GreenApiPartner("wrong", host=self.berth.url)
        self.assertEqual(outsider.partner.getInstances().data, {"code": 401, "description": "Unauthorized"})
