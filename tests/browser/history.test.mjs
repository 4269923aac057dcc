// The timeline, the webhooks of an instance, and names that try to be more than names.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Berth } from "./berth.mjs";
import { launch, reader, seen, sound } from "./browser.mjs";

let berth, browser;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start(), launch()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

test("the timeline says who did what, holds, and shows how it was", async () => {
  const { id } = await berth.create("harbour");
  await berth.link("harbour");
  await berth.api("POST", "/instances/harbour/logout", { wait: "unlinked" });
  const page = await reader(browser, berth);
  await page.goto(`${berth.address}/console/i/${id}`);
  await page.getByRole("link", { name: "Timeline" }).click();
  await page.getByText("The session ended (command).").waitFor();
  await page.getByText("Account · native · 127.0.0.1").first().waitFor();
  await seen(page, "timeline");
  await page.getByRole("button", { name: "Verify the history" }).click();
  await page.getByText("The history holds: 7 entries").waitFor();
  await page.getByRole("link", { name: "5", exact: true }).click();
  await page.getByRole("heading", { name: "After version 5" }).waitFor();
  await page.getByText(/the connection is open/).waitFor();
  assert.equal(await page.locator("mark").first().textContent(), "Logged out");
  await seen(page, "timeline-then");
  await page.getByLabel("How it stood after version").fill("1");
  await page.getByRole("heading", { name: "After version 1" }).waitFor();
  await page.getByText("No phone was ever linked.").waitFor();
});

test("endpoints are added, switched, changed and removed", async () => {
  const { id } = await berth.create("with-webhooks");
  const page = await reader(browser, berth);
  await page.goto(`${berth.address}/console/i/${id}/webhooks`);
  await page.getByLabel("Address").fill("http://10.0.0.1/hook");
  await page.getByRole("button", { name: "Add an endpoint" }).click();
  await page.getByText("the address is not one of the public internet").waitFor();
  await page.getByLabel("Address").fill("http://127.0.0.1:9999/hook");
  await page.getByLabel("instance.linked").check();
  await page.getByRole("button", { name: "Add an endpoint" }).click();
  assert.match(await page.getByLabel("Signing secret").inputValue(), /^whsec_/);
  await page.getByRole("main").getByRole("link", { name: "Webhooks" }).last().click();
  await page.getByText("http://127.0.0.1:9999/hook").waitFor();
  await seen(page, "webhooks");
  await page.getByRole("button", { name: "Switch off" }).click();
  await page.getByRole("button", { name: "Switch on" }).click();
  await page.getByText("Change the address…").click();
  await page.getByLabel("Address").first().fill("http://127.0.0.1:9998/other");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("http://127.0.0.1:9998/other").waitFor();
  await page.getByText("Remove…").click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("No endpoint yet.").waitFor();
});

// Whatever somebody can choose and somebody else is shown.
const EVIL = `"'><img src=x onerror="document.title='owned'">{{7*7}}`;
const WORSE = `</small><script>document.title='owned'</script>`;

test("a name is a name, whatever it looks like", async () => {
  const { id } = await berth.create(EVIL);
  const { id: webhook } = await berth.api("POST", `/instances/${id}/webhooks`, {
    url: "http://127.0.0.1:9999/?q=<script>document.title='owned'</script>&\"'", label: EVIL,
  });
  await berth.link(id, WORSE, "5511912345678");
  const page = await reader(browser, berth);
  const whole = async (what) => {
    await page.getByText("owned").first().waitFor();
    assert.ok(!(await page.title()).startsWith("owned"), what);
    assert.equal(await page.locator("img[src=x]").count(), 0, what);
    await sound(page, what);
  };
  for (const path of ["", `?q=${encodeURIComponent(EVIL)}`, `i/${id}`, `i/${id}/webhooks`, `i/${id}/danger`, `i/${id}/timeline?at=5`,
    `i/${id}/settings`, `i/${id}/deliveries`, `i/${id}/webhooks/${webhook}/deliveries`, `i/${id}/webhooks/${webhook}/secret`,
    "audit", `audit?instance=${encodeURIComponent(EVIL)}`, `qr/${id}`]) {
    await page.goto(`${berth.address}/console/${path}`);
    await whole(path);
  }
  await page.getByRole("link", { name: "Token and delete" }).click();
  await page.getByLabel("Type the name to confirm").fill(EVIL);
  await page.getByRole("button", { name: "Delete for ever" }).click();
  await page.getByText("Deleted.").waitFor();
  await page.goto(`${berth.address}/console/i/${id}/timeline`);
  await page.getByText("It was deleted.").waitFor();
  await sound(page, "a deleted instance");
});
