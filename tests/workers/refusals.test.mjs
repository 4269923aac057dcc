// What WhatsApp refuses, what it never answers, and what another connection takes away.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Stage } from "./stage.mjs";

let stage, jid;
before(async () => {
  stage = await Stage.start();
});
beforeEach(() => stage.edge.calm());
after(() => stage.stop());

// Refuses the next login of a device that is open.
async function refuse(failure) {
  stage.edge.failure = failure;
  stage.edge.drop(jid);
}

test("an old version and a refusal pause the link, and it opens again when asked", async () => {
  jid = await stage.linked("refused", "5511900000010");
  for (const [failure, reason, code] of [
    [{ reason: "405" }, "outdated", 405],
    [{ reason: "400" }, "refused", 400],
    [{ reason: "501" }, "refused", 501],
  ]) {
    await refuse(failure);
    await stage.is("refused", reason, ({ pause }) => pause?.reason === reason && pause.code === code);
    assert.ok(!stage.edge.connected.includes(jid));
    stage.edge.failure = null;
    await stage.post("refused", "reconnect");
    await stage.open("refused");
  }
});

test("a connection that is taken over is paused and not tried again", async () => {
  stage.edge.replace(jid);
  await stage.is("refused", "replaced", ({ pause }) => pause?.reason === "replaced");
  await stage.post("refused", "reconnect");
  await stage.open("refused");
});

test("a failure that passes is only a lost connection", async () => {
  for (const reason of ["503", "429"]) {
    await refuse({ reason });
    await stage.lost("refused");
    stage.edge.failure = null;
    await stage.open("refused");
  }
});

test("an unlink that is not answered is tried again until it is", async () => {
  stage.edge.swallowsUnlinks = true;
  await stage.post("refused", "logout");
  await stage.eventually("it is asked for twice", () =>
    stage.edge.seen.filter((line) => line.includes("asks to be unlinked")).length > 1);
  assert.equal((await stage.get("refused")).unlinks.at(-1).status, "pending");
  stage.edge.swallowsUnlinks = false;
  await stage.unlinked("refused");
  await stage.nothingIsLeft();
});

test("a ban pauses the link until it ends, and a logout ends it at once", async () => {
  jid = await stage.linked("banned", "5511900000011");
  await refuse({ reason: "402", code: "103", expire: "3600" });
  await stage.is("banned", "banned", ({ pause }) => pause?.reason === "banned" && pause.code === 103 && pause.until);
  await assert.rejects(stage.post("banned", "reconnect"), /409/);
  await stage.post("banned", "logout");
  stage.edge.failure = null;
  await stage.unlinked("banned");
  await stage.nothingIsLeft();
});

test("a session that WhatsApp ends is logged out by the server", async () => {
  for (const [name, code] of [["forbidden", 403], ["gone", 406], ["unknown", 401]]) {
    jid = await stage.linked(name, `55119000001${code}`);
    await refuse({ reason: String(code) });
    await stage.is(name, "logged out", ({ state }) => state === "logged_out");
    const out = await stage.last(name, "LoggedOut");
    assert.deepEqual([out.origin, out.code], ["server", code]);
    stage.edge.failure = null;
    stage.edge.forget(jid);
  }
  await stage.nothingIsLeft();
});

test("a logout is decided while WhatsApp refuses every login, and the device is unlinked when it does not", async () => {
  jid = await stage.linked("during", "5511900000020");
  await refuse({ reason: "503" });
  await stage.lost("during");
  assert.equal((await stage.post("during", "logout")).state, "logged_out");
  assert.equal(stage.edge.devices.size, 1);
  stage.edge.failure = null;
  await stage.unlinked("during");
  await stage.nothingIsLeft();
});
