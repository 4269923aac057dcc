// The endpoints of an account: added, tried, their secret changed, switched off and removed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Berth } from "./berth.mjs";
import { launch, reader, seen, sound } from "./browser.mjs";
import { Receiver } from "./receiver.mjs";

let berth, browser, receiver;
before(async () => {
  [berth, browser, receiver] = await Promise.all([Berth.start(), launch(), Receiver.start()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop(), receiver?.stop()]);
});

test("an endpoint of the account is added, tried and removed", async () => {
  receiver.status = 204;
  const page = await reader(browser, berth);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Endpoints" }).click();
  await page.getByText("No endpoint yet").waitFor();
  await sound(page, "no endpoint of the account");
  await page.getByLabel("Address").fill("nowhere");
  await page.getByLabel("Address").evaluate((field) => { field.type = "text"; });
  await page.getByRole("button", { name: "Add an endpoint" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Address").fill(`${receiver.address}/all`);
  await page.getByLabel("Label").fill("the warehouse");
  await page.getByLabel("endpoint.failing", { exact: true }).check();
  await page.getByLabel("instance.open", { exact: true }).check();
  await page.getByRole("button", { name: "Add an endpoint" }).click();
  const secret = await page.getByLabel("Signing secret of the webhook").inputValue();
  assert.match(secret, /^whsec_/);
  await sound(page, "the secret of an endpoint of the account");
  await page.getByRole("main").getByRole("link", { name: "Webhooks", exact: true }).click();
  const card = page.getByRole("region", { name: `${receiver.address}/all` });
  await card.getByText("instance.open, endpoint.failing").waitFor();
  await card.getByText("the warehouse").waitFor();
  await seen(page, "account-webhooks");

  await card.getByRole("button", { name: "Send a test" }).click();
  await page.getByText(/The endpoint took it: Answered 204/).waitFor();
  await sound(page, "a test of an endpoint of the account");
  receiver.status = 500;
  await page.getByRole("button", { name: "Send another test" }).click();
  await page.getByText(/The endpoint did not take it: Answered 500/).waitFor();
  await page.getByRole("main").getByRole("link", { name: "Webhooks", exact: true }).click();

  await card.getByRole("link", { name: "Signing secret" }).click();
  assert.equal(await page.getByLabel("Signs what is sent").inputValue(), secret);
  await page.getByLabel("The former one signs beside it").selectOption("for 3 days");
  await page.getByRole("button", { name: "Make a new secret" }).click();
  await page.getByText("The new secret signs from now on.").waitFor();
  assert.equal(await page.getByLabel("Signs beside it", { exact: true }).inputValue(), secret);
  await page.getByRole("main").getByRole("link", { name: "Webhooks of the account" }).click();

  receiver.status = 204;
  await berth.create("quay");
  await berth.link("quay");
  await berth.eventually(async () => {
    const { deliveries } = await berth.api("GET", "/deliveries?state=delivered");
    return deliveries.some((one) => one.event === "instance.open");
  }, "the delivery");

  await card.getByRole("link", { name: "Deliveries" }).click();
  await page.getByRole("row", { name: /instance\.open/ }).getByRole("link", { name: "quay" }).waitFor();
  await sound(page, "what an endpoint of the account was sent");
  await seen(page, "account-deliveries");
  await page.getByRole("link", { name: "Given up" }).click();
  await page.getByText("Nothing here.").waitFor();
  await page.getByRole("main").getByRole("link", { name: "Webhooks of the account" }).click();

  await card.getByRole("button", { name: "Switch off" }).click();
  await page.getByText("The endpoint is changed.").waitFor();
  await card.getByRole("button", { name: "Send a test" }).click();
  await page.getByRole("heading", { name: "That was not done" }).waitFor();
  await page.goBack();
  await card.getByText("Remove…").click();
  await card.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("The endpoint is removed.").waitFor();
  await page.getByText("No endpoint yet").waitFor();
});

test("an instance's own token sees no endpoint of its account", async () => {
  const { token } = await berth.create("pier");
  const page = await reader(browser, berth, { token });
  assert.equal(await page.getByRole("link", { name: "Endpoints" }).count(), 0);
  await page.goto(`${berth.address}/console/webhooks`);
  await page.getByRole("heading", { name: "That was not done" }).waitFor();
});
