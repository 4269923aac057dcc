// Who did what: searched, exported, and what is signed about it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Berth, ROOT } from "./berth.mjs";
import { launch, reader, seen, sound } from "./browser.mjs";

let berth, browser;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start({ BERTH_EVIDENCE_INTERVAL: "1" }), launch()]);
  await berth.create("harbour");
  await berth.link("harbour");
  await berth.api("POST", "/instances/harbour/logout", { wait: "unlinked" });
  for (let at = 0; at < 60; at += 1) await berth.create(`quay-${at}`);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

for (const script of [true, false]) {
  test(`a logout is found by event, actor and instance ${script ? "with" : "without"} JavaScript`, async () => {
    const page = await reader(browser, berth, { script });
    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByRole("link", { name: "quay-59" }).first().waitFor();
    if (script) await seen(page, "audit");
    await page.getByRole("link", { name: "Older" }).click();
    await page.getByRole("link", { name: "quay-0", exact: true }).first().waitFor();
    await page.getByText("The account was created.").waitFor();
    await page.getByLabel("Instance").fill("harbour");
    await page.getByLabel("Who").selectOption("Account");
    await page.getByLabel("Door").selectOption("native");
    await page.getByLabel("Event").selectOption("LoggedOut");
    await page.getByRole("button", { name: "Search" }).click();
    const row = page.getByRole("row").filter({ hasText: "The session ended (command)." });
    await row.getByText("native · 127.0.0.1").waitFor();
    assert.equal(await page.locator(".audit tbody tr").count(), 1);
    // In the reader's own time where the moments of the list are in it.
    await page.getByLabel(script ? "From" : "From (UTC)", { exact: true }).fill("2099-01-01T00:00");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("Nothing like that happened.").waitFor();
    assert.equal(new URL(page.url()).searchParams.get("from"), script ? "2099-01-01T03:00" : "2099-01-01T00:00");
    assert.equal(await page.locator("#from").inputValue(), "2099-01-01T00:00");
    await page.getByLabel("Instance").fill("nobody-has-this-name");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("alert").waitFor();
    if (script) await sound(page, "an instance that is not there");
    await page.goto(`${berth.address}/console/audit?type=LoggedOut`);
    const [download] = await Promise.all([
      page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "audit.csv");
    const lines = page.request.get(`${berth.address}/console/audit/export?format=ndjson&type=LoggedOut`);
    const events = (await (await lines).text()).trim().split("\n").map(JSON.parse);
    assert.deepEqual(events.map((event) => event.type), ["LoggedOut"]);
  });
}

test("the operator searches all accounts and sees what is signed", async () => {
  const page = await reader(browser, berth, { token: ROOT });
  await berth.eventually(async () => {
    await page.goto(`${berth.address}/console/audit?type=LoggedOut`);
    return page.getByText("Public key 1").isVisible();
  }, "a checkpoint");
  const { id } = await berth.api("GET", "/instances/harbour");
  await page.getByRole("link", { name: id }).waitFor();
  assert.equal(await page.getByText("harbour").count(), 0, "the root key sees no names");
  await seen(page, "audit-root");
});

test("an instance's token searches nothing here", async () => {
  const { token } = await berth.create("alone");
  const page = await reader(browser, berth, { token: null });
  await page.goto(`${berth.address}/console/`);
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "alone" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Audit" }).count(), 0);
  await page.goto(`${berth.address}/console/audit`);
  await page.getByRole("heading", { name: "That was not done" }).waitFor();
});
