// Many links at once.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./stage.mjs";

const COUNT = 50;
const names = Array.from({ length: COUNT }, (_, index) => `shop-${index}`);

let stage;
before(async () => {
  stage = await Stage.start({ workers: 2 });
});
after(() => stage.stop());

test(`${COUNT} devices are linked at once, outlive a worker and Berth, and are unlinked`, async () => {
  await Promise.all(names.map((name, index) => stage.linked(name, `55119100000${String(index).padStart(2, "0")}`)));
  assert.equal(stage.edge.devices.size, COUNT);
  assert.equal(new Set(stage.edge.connected).size, COUNT);
  await stage.killWorker();
  await Promise.all([stage.killBerth()]);
  await stage.startBerth();
  stage.startWorker(stage.workers[0]);
  await stage.eventually("all are connected", () => new Set(stage.edge.connected).size === COUNT);
  await Promise.all(names.map((name) => stage.open(name)));
  await Promise.all(names.map((name) => stage.post(name, "logout")));
  await Promise.all(names.map((name) => stage.unlinked(name)));
  await stage.nothingIsLeft();
});
