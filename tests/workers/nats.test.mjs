// Several connectors on NATS, and workers that come to them over sockets or over NATS itself: links change hands between them, and
// stay where their keys are.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Stage } from "./stage.mjs";

for (const speakNats of [false, true]) {
  describe(`workers that speak over ${speakNats ? "NATS" : "sockets"}`, () => {
    let stage;
    before(async () => {
      stage = await Stage.start({ onNats: 2, speakNats });
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

    test("a worker that is killed has its links back when it is back", async () => {
      const jid = await stage.linked("bakery", "5511900000041");
      await stage.killWorker();
      await stage.lost("bakery");
      stage.startWorker(stage.workers[0]);
      await stage.open("bakery");
      assert.deepEqual(stage.edge.connected, [jid]);
      await stage.post("bakery", "logout");
      await stage.unlinked("bakery");
      await stage.nothingIsLeft();
    });

    test("a server of NATS that is killed costs no link", async () => {
      const jid = await stage.linked("harbour", "5511900000042");
      const before = logins();
      await stage.killNats();
      await stage.startNats();
      await stage.eventually("it is shown as open", async () => (await stage.get("harbour")).connection === "open");
      assert.deepEqual([logins(), stage.edge.connected], [before, [jid]]);
      await stage.post("harbour", "logout");
      await stage.unlinked("harbour");
      await stage.nothingIsLeft();
    });
  });
}
