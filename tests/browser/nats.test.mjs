// The console of a deployment on NATS: the same pages, and the streams on the cluster's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Berth, ROOT } from "./berth.mjs";
import { launch, reader, seen, sound } from "./browser.mjs";
import { Receiver } from "./receiver.mjs";

let berth, browser, receiver;
before(async () => {
  [berth, browser, receiver] = await Promise.all([Berth.on("NATS"), launch(), Receiver.start()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop(), receiver?.stop()]);
});

test("an instance lives on NATS as it does elsewhere", async () => {
  const page = await reader(browser, berth);
  await page.getByRole("link", { name: "New instance" }).first().click();
  await page.getByLabel("Name").fill("harbour");
  await page.getByLabel("Webhook (optional)").fill(`${receiver.address}/hook`);
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("link", { name: "Open the instance" }).click();
  await page.getByRole("button", { name: "Show a QR code" }).click();
  await page.getByAltText("QR code that links the phone").waitFor();
  await page.getByRole("button", { name: "Scan the code" }).click();
  await page.getByText(/the connection is open/).waitFor();
  await page.getByRole("link", { name: "Deliveries" }).click();
  await page.getByText("Delivered", { exact: true }).first().waitFor();
  await sound(page, "deliveries on NATS");
  await page.getByRole("link", { name: "Timeline" }).click();
  await page.getByRole("button", { name: "Verify the history" }).click();
  await page.getByText("The history holds").waitFor();
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByText("Log out…").click();
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByText("Logged out. Webhooks are silent.").waitFor();
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByLabel("Event").selectOption("LoggedOut");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("table").first().getByText("LoggedOut").waitFor();
  await page.getByRole("link", { name: "Instances" }).click();
  await page.getByRole("link", { name: "harbour" }).waitFor();
});

test("the cluster's page shows the streams", async () => {
  const page = await reader(browser, berth, { token: ROOT, whole: true });
  await page.getByRole("link", { name: "Cluster" }).click();
  await page.getByRole("heading", { name: "Roles and their partitions" }).waitFor();
  await page.getByText("partitions with an owner: 64 of 64").first().waitFor();
  await page.getByText("BERTH_LOG_0", { exact: true }).waitFor();
  const alone = page.locator(".notice").filter({ hasText: /One server keeps \d+ streams/ });
  await alone.getByText("BERTH_DEPLOYMENT").waitFor({ state: "hidden" });
  await alone.getByText(/^all \d+ streams$/).click();
  await alone.getByText("BERTH_DEPLOYMENT").waitFor();
  await alone.getByText(/^all \d+ streams$/).click();
  await page.locator(".notice").getByText("The log is not signed").waitFor();
  assert.equal(await page.locator("dd").getByText("not signing").count(), 0, "it is said once");
  await seen(page, "cluster-nats");
  assert.ok(await page.getByText(/NATS JetStream \d+\./).isVisible());
});
