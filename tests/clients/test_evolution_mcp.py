"""A server of the Model Context Protocol for one instance of Evolution API, `evolution-api-mcp` from PyPI, unmodified.

It finds out whose token it was given, refuses the global key, and says of each failure whether it may be repeated.
"""

import asyncio
import contextlib
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from berth import ACCOUNT_TOKEN, PHONE, PUSH_NAME, BerthTest

# What its operator allows: every tool but this one, which nobody calls.
ALLOWED = {"ALLOW": "*", "DENY": "set_presence", "ALLOW_IRREVERSIBLE": "yes"}


class Refused(Exception):
    """A tool said that it failed."""


class Mcp(BerthTest):
    @contextlib.asynccontextmanager
    async def server(self, token, **settings):
        environment = {"EVOLUTION_API_URL": self.berth.url, "EVOLUTION_INSTANCE_TOKEN": token}
        environment |= {f"EVOLUTION_MCP_{name}": value for name, value in settings.items()}
        environment |= {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
        start = StdioServerParameters(
            command=sys.executable,
            args=["-m", "evolution_api_mcp.server", "--toolsets", "instance,settings,events"],
            env=environment,
        )
        with open(os.devnull, "w") as nowhere:
            async with stdio_client(start, errlog=nowhere) as (read, write), ClientSession(read, write) as session:
                await session.initialize()

                async def tool(name, **arguments):
                    result = await session.call_tool(name, arguments)
                    if result.is_error:
                        raise Refused(result.content[0].text)
                    return [json.loads(one.text) if one.type == "text" else one for one in result.content]

                yield tool

    def test_a_life(self):
        made = self.berth.native("POST", "/v1/instances", {"name": "assistant"})

        async def story(tool):
            (status,) = await tool("get_instance_status")
            self.assertEqual((status["instance"], status["state"]), ("assistant", "close"))
            self.assertEqual((await tool("start_pairing"))[1].mime_type, "image/png")
            (code,) = await tool("start_pairing", phone_number="+55 11 98765-4321")
            self.assertEqual(len(code["pairing_code"]), 8)
            await asyncio.to_thread(
                self.berth.simulate, made["id"], "enter_code", phone=PHONE, push_name=PUSH_NAME
            )
            await asyncio.to_thread(self.berth.until_open, made["id"])
            self.assertEqual((await tool("start_pairing"))[0]["state"], "open")
            (status,) = await tool("get_instance_status")
            self.assertEqual((status["phone_number"], status["profile_name"]), (PHONE, PUSH_NAME))
            (settings,) = await tool("update_instance_settings", reject_calls=True)
            self.assertTrue(settings["reject_calls"])
            self.assertEqual((await tool("get_instance_settings"))[0], settings)
            self.assertEqual((await tool("restart_instance"))[0]["restarted"], True)
            await asyncio.to_thread(self.berth.until_open, made["id"])
            self.assertTrue((await tool("logout_instance"))[0]["logged_out"])
            with self.assertRaisesRegex(Refused, r"refused the request \(400\).*is not connected"):
                await tool("logout_instance")
            with self.assertRaisesRegex(Refused, "could not restart the instance"):
                await tool("restart_instance")

        self.run_with(made["token"], story)

    def test_webhook_channels_and_proxy(self):
        made = self.berth.native("POST", "/v1/instances", {"name": "configured"})

        async def story(tool):
            self.assertEqual((await tool("get_webhook"))[0], {"configured": False})
            url = "http://127.0.0.1:65000/hook"
            (hook,) = await tool("set_webhook", enabled=True, url=url, events=[], headers={"x-a": "b"})
            self.assertEqual((hook["url"], len(hook["events"]), list(hook["headers"])), (url, 31, ["x-a"]))
            self.assertEqual((await tool("get_webhook"))[0], hook)
            for channel in ("websocket", "rabbitmq", "nats", "sqs", "kafka"):
                (never,) = await tool("get_event_channel", channel=channel)
                self.assertFalse(never["configured"])
                (kept,) = await tool("set_event_channel", channel=channel, enabled=True, events=[])
                self.assertEqual((kept["enabled"], len(kept["events"])), (True, 31))
                self.assertEqual((await tool("get_event_channel", channel=channel))[0], kept)
            (proxy,) = await tool("set_proxy", enabled=True, host="proxy.example", port=8080, protocol="http")
            self.assertEqual((proxy["enabled"], proxy["host"]), (True, "proxy.example"))
            (proxy,) = await tool("set_proxy", enabled=False)
            self.assertEqual((proxy["enabled"], proxy["host"]), (False, ""))

        self.run_with(made["token"], story)

    def test_tokens_that_it_refuses(self):
        async def story(tool):
            with self.assertRaises(Refused) as refused:
                await tool("get_instance_status")
            return str(refused.exception)

        self.assertIn("global AUTHENTICATION_API_KEY", self.run_with(ACCOUNT_TOKEN, story))
        self.assertIn("did not accept this token", self.run_with("wrong", story))

    def run_with(self, token, story):
        async def run():
            async with self.server(token, **ALLOWED) as tool:
                return await story(tool)

        return asyncio.run(run())
