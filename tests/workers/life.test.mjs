// The life of a device: linked by QR and by code, dropped, logged out from everywhere.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { LIBRARY, Stage } from "./stage.mjs";

let stage;
before(async () => {
  stage = await Stage.start();
});
beforeEach(() => stage.edge.calm());
after(() => stage.stop());

test("a scanned code links a device, and a logout unlinks it", async () => {
  const jid = await stage.linked("scan", "5511900000001");
  const { device, link } = await stage.get("scan");
  assert.deepEqual(link, { kind: "worker", worker: LIBRARY });
  assert.equal(device.jid, jid);
  assert.equal(device.phone, "5511900000001");
  assert.equal(device.platform, "android");
  assert.ok(stage.edge.connected.includes(jid));
  assert.equal((await stage.post("scan", "logout")).state, "logged_out");
  await stage.unlinked("scan");
  await stage.nothingIsLeft();
});

test("a typed code links a device, and a refused one leaves the QR code", async () => {
  await stage.create("typed");
  const asked = () => stage.post("typed", "connect", { method: "pairing_code", phone: "5511900000002", wait_ms: 40_000 });
  const { pairing_code } = await asked();
  assert.match(pairing_code.code, /^[0-9A-Z]{8}$/);
  stage.edge.type(pairing_code.code, "5511900000002");
  await stage.open("typed");
  await stage.post("typed", "logout");
  await stage.unlinked("typed");
  stage.edge.codeRefusal = 429;
  await stage.post("typed", "connect", { method: "pairing_code", phone: "5511900000002", wait_ms: 0 });
  await stage.eventually("it is refused", async () => (await stage.last("typed", "PairingCodeRefused"))?.code === 429);
  stage.edge.codeRefusal = null;
  await stage.post("typed", "logout");
  await stage.nothingIsLeft();
});

test("a wrong signature ends the attempt, and the next one succeeds", async () => {
  await stage.create("wrong");
  stage.edge.scan(await stage.qr("wrong"), "5511900000003", true);
  await stage.eventually("it ends", async () => (await stage.last("wrong", "ConnectEnded"))?.reason === "pair_error");
  await stage.nothingIsLeft();
  await stage.link("wrong", "5511900000003");
  await stage.post("wrong", "logout");
  await stage.unlinked("wrong");
  await stage.nothingIsLeft();
});

test("a connection that drops before its code is scanned comes back with another code", async () => {
  await stage.create("early");
  const first = await stage.qr("early");
  stage.edge.cut();
  let next;
  await stage.eventually("another code is shown", async () => {
    next = await stage.qr("early");
    return next !== first;
  });
  stage.edge.scan(next, "5511900000009");
  await stage.open("early");
  await stage.post("early", "logout");
  await stage.unlinked("early");
  await stage.nothingIsLeft();
});

test("a connection that drops comes back, unnoticed if at once", async () => {
  const jid = await stage.linked("drops", "5511900000004");
  stage.edge.drop(jid);
  await stage.eventually("it is back", () => stage.edge.connected.includes(jid));
  stage.edge.failure = { reason: "503" };
  stage.edge.drop(jid);
  await stage.lost("drops");
  assert.equal((await stage.last("drops", "ConnectionLost")).code, 503);
  stage.edge.failure = null;
  await stage.open("drops");
  const lost = (await stage.history("drops")).filter(({ type }) => type === "ConnectionLost");
  assert.equal(lost.length, 1, "the short one was none");
  await stage.post("drops", "restart");
  await stage.open("drops");
  await stage.post("drops", "disconnect");
  await stage.eventually("it is closed", () => !stage.edge.connected.includes(jid));
  await stage.post("drops", "reconnect");
  await stage.open("drops");
  await stage.post("drops", "logout");
  await stage.unlinked("drops");
  await stage.nothingIsLeft();
});

test("a device that is removed on the phone is logged out once, and its keys are gone", async () => {
  const jid = await stage.linked("phone", "5511900000005");
  stage.edge.remove(jid);
  await stage.is("phone", "logged out", ({ state }) => state === "logged_out");
  const outs = (await stage.history("phone")).filter(({ type }) => type === "LoggedOut");
  assert.deepEqual(outs.map(({ origin, code }) => [origin, code]), [["phone", 401]]);
  await stage.nothingIsLeft();
});

test("a device that was removed while it was away is logged out by the server", async () => {
  const jid = await stage.linked("away", "5511900000006");
  stage.edge.forget(jid);
  stage.edge.drop(jid);
  await stage.is("away", "logged out", ({ state }) => state === "logged_out");
  const { origin, code } = await stage.last("away", "LoggedOut");
  assert.deepEqual([origin, code], ["server", 401]);
  await stage.nothingIsLeft();
});

test("what a worker keeps of a device can be read by nobody else", async () => {
  const number = "5511900000008";
  const jid = await stage.linked("sealed", number);
  const key = stage.edge.devices.get(jid);
  const files = await stage.files();
  assert.ok(files.length > 0);
  for (const secret of [number, key, key.toString("base64")]) {
    assert.ok(!files.some(({ name, bytes }) => name.includes(secret) || bytes.includes(secret)), "it lies in clear");
  }
  await stage.post("sealed", "logout");
  await stage.unlinked("sealed");
  await stage.nothingIsLeft();
});

test("a delete unlinks too", async () => {
  await stage.linked("deleted", "5511900000007");
  await stage.api("DELETE", "/instances/deleted");
  await stage.nothingIsLeft();
});
