// Processes that are killed: a worker, Berth, both. What is linked goes on where its keys are, what is not ends.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Stage } from "./stage.mjs";

let stage;
beforeEach(async () => {
  stage = await Stage.start({ workers: 2 });
});
afterEach(() => stage.stop());

test("a link is lost with its worker and comes back with it", async () => {
  const jid = await stage.linked("shop", "5511900000030");
  const worker = await stage.owner();
  await stage.killWorker(worker);
  await stage.lost("shop");
  assert.ok(!stage.edge.connected.includes(jid), "nobody else has its keys");
  stage.startWorker(worker);
  await stage.open("shop");
  // A logout while nobody can unlink: it waits for whoever has the keys.
  await stage.killWorker(worker);
  assert.equal((await stage.post("shop", "logout")).state, "logged_out");
  stage.startWorker(worker);
  await stage.unlinked("shop");
  await stage.nothingIsLeft();
});

test("an attempt ends with its worker, and the next one goes to whoever is there", async () => {
  await stage.create("shop");
  await stage.qr("shop");
  // One of them has it: whichever it is, the attempt must end with it.
  await Promise.all(stage.workers.map((worker) => stage.killWorker(worker)));
  await stage.eventually("it ends", async () => (await stage.last("shop", "ConnectEnded"))?.reason === "owner_lost");
  stage.startWorker(stage.workers[1]);
  await stage.link("shop", "5511900000031");
  stage.startWorker(stage.workers[0]);
  await stage.post("shop", "logout");
  await stage.unlinked("shop");
  await stage.nothingIsLeft();
});

test("a link outlives Berth, and goes on without a new login", async () => {
  const jid = await stage.linked("shop", "5511900000032");
  const logins = () => stage.edge.seen.filter((line) => line.includes("logs in")).length;
  const before = logins();
  await stage.killBerth();
  await stage.startBerth();
  await stage.eventually("it is owned again", async () => (await stage.history("shop")).filter(({ type }) => type === "ConnectionOpened").length === 2);
  assert.deepEqual([logins(), stage.edge.connected], [before, [jid]]);
  await stage.post("shop", "logout");
  await stage.unlinked("shop");
  await stage.nothingIsLeft();
});

test("an attempt ends with Berth, and a device that was linked without its knowledge is unlinked", async () => {
  await stage.create("shop");
  const qr = await stage.qr("shop");
  await stage.killBerth();
  try {
    stage.edge.scan(qr, "5511900000033");
  } catch {
    // The worker may have closed the attempt already: then there is nothing to unlink.
  }
  await stage.startBerth();
  await stage.eventually("it ends", async () => (await stage.last("shop", "ConnectEnded"))?.reason === "owner_lost");
  await stage.nothingIsLeft();
});

test("both are killed at once, and everything goes on", async () => {
  await stage.linked("shop", "5511900000034");
  await stage.create("half");
  await stage.qr("half");
  await Promise.all([stage.killBerth(), ...stage.workers.map((worker) => stage.killWorker(worker))]);
  await stage.startBerth();
  stage.workers.forEach((worker) => stage.startWorker(worker));
  await stage.eventually("the attempt ends", async () => (await stage.last("half", "ConnectEnded"))?.reason === "owner_lost");
  await stage.open("shop");
  await stage.post("shop", "logout");
  await stage.unlinked("shop");
  await stage.nothingIsLeft();
});
