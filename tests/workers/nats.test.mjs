// Several connectors on NATS: links change hands between them, and stay where their keys are.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./stage.mjs";

let stage;
before(async () => {
  stage = await Stage.start({ onNats: 2 });
});
after(() => stage.stop());

const logins = () => stage.edge.seen.filter((line) => line.includes("logs in")).length;
const opened = async () => (await stage.history("shop")).filter(({ type }) => type === "ConnectionOpened").length;

test("a link goes over to the other connector, and back, without a new login", async () => {
  const jid = await stage.linked("shop", "5511900000040");
  const before = logins();
  // Whoever owns the link is one of the two: with both killed in turn it has changed hands.
  for (const berth of [...stage.berths]) {
    await stage.killBerth(berth);
    await stage.eventually("somebody owns the links", async () => (await stage.get("shop")).connection === "open");
    await stage.startBerth(berth);
  }
  await stage.eventually("another one has said that it is open", async () => (await opened()) > 1);
  assert.deepEqual([logins(), stage.edge.connected], [before, [jid]]);
  await stage.post("shop", "logout");
  await stage.unlinked("shop");
  await stage.nothingIsLeft();
});
