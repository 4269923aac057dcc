// The list of instances and one of them: filters by what a state says besides, and changes as they happen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Berth } from "./berth.mjs";
import { launch, reader, seen, sound, withoutPolls } from "./browser.mjs";

let berth, browser;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start(), launch()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

const open = (page) => page.goto(`${berth.address}/console/`);

test("linked and paused instances are told apart by their connection and their reason", async () => {
  for (const name of ["dry", "wet"]) {
    await berth.create(name);
    await berth.link(name);
  }
  await berth.api("POST", "/instances/wet/simulate", { action: "drop" });
  await berth.create("barred");
  await berth.link("barred");
  await berth.api("POST", "/instances/barred/simulate", { action: "ban" });
  const page = await reader(browser, berth);
  await page.getByRole("link", { name: /Linked/ }).click();
  await page.getByRole("link", { name: "connection lost" }).click();
  await page.getByRole("link", { name: "wet" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "dry" }).count(), 0);
  await page.getByRole("searchbox").fill("dry");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("No instance matches.").waitFor();
  await open(page);
  await page.getByRole("link", { name: /Paused/ }).click();
  await page.getByRole("link", { name: "number banned" }).click();
  await page.getByRole("link", { name: "barred" }).waitFor();
  await seen(page, "instances-filtered");
  await page.getByRole("link", { name: "stopped by a command" }).click();
  await page.getByText("No instance matches.").waitFor();
});

test("an open list hears of changes, and asks where it cannot hear", async () => {
  await berth.create("heard");
  const page = await reader(browser, berth);
  await withoutPolls(page);
  await open(page);
  await page.getByLabel("Choose heard").check();
  await berth.link("heard", "Hana", "5511900000001");
  await page.getByText("Hana, +5511900000001").waitFor();
  assert.ok(await page.getByLabel("Choose heard").isChecked(), "what was chosen is still chosen");
  await sound(page, "a list that hears");

  const deaf = await reader(browser, berth, { token: null });
  await deaf.route("**/console/changes", (route) => route.abort());
  await deaf.goto(`${berth.address}/console/`);
  await deaf.getByLabel("Token", { exact: true }).fill("browser-account-token-0001");
  await deaf.getByRole("button", { name: "Sign in" }).click();
  await deaf.getByRole("link", { name: "heard" }).waitFor();
  await berth.api("POST", "/instances/heard/simulate", { action: "replace" });
  await deaf.getByText("taken over elsewhere").waitFor();
});

test("an open instance hears of changes, and asks where it cannot hear", async () => {
  const { id } = await berth.create("watched");
  const page = await reader(browser, berth);
  await withoutPolls(page);
  await page.goto(`${berth.address}/console/i/${id}`);
  await berth.api("POST", "/instances/watched/connect", {});
  await page.getByAltText("QR code that links the phone").waitFor();
  await berth.api("POST", "/instances/watched/simulate", { action: "scan", phone: "5511900000002", push_name: "Wim" });
  await page.getByText(/Linked to Wim, \+5511900000002 .*; the connection is open/).waitFor();
  await berth.api("DELETE", `/instances/${id}`);
  await page.getByText("What was personal is erased.").waitFor();

  const { id: other } = await berth.create("not-heard");
  const deaf = await reader(browser, berth);
  await deaf.route("**/changes", (route) => route.abort());
  await deaf.goto(`${berth.address}/console/i/${other}`);
  await berth.api("POST", "/instances/not-heard/connect", {});
  await deaf.getByAltText("QR code that links the phone").waitFor();
});

test("a button that is pressed while something changes does what it says", async () => {
  const { id } = await berth.create("pressed");
  await berth.link("pressed");
  const page = await reader(browser, berth);
  const looked = () => page.waitForResponse(/\/panel\?/);
  const first = looked();
  await page.goto(`${berth.address}/console/i/${id}`);
  await first;
  await page.getByRole("button", { name: "Lose the connection" }).hover();
  await page.mouse.down();
  const swapped = page.evaluate(() =>
    new Promise((done) => document.addEventListener("htmx:afterRequest", () => done(), { once: true })),
  );
  await berth.api("POST", `/instances/${id}/webhooks`, { url: "http://127.0.0.1:9999/hook" });
  await swapped;
  await page.mouse.up();
  await page.getByText(/the connection is lost since/).waitFor();
});

test("what waits for the endpoints of an instance stands in the list and leads to it", async () => {
  const { id } = await berth.create("in-debt");
  // Nobody listens there.
  await berth.api("POST", `/instances/${id}/webhooks`, { url: "http://127.0.0.1:9999/hook" });
  await berth.link("in-debt", "Ida", "5511900000003");
  const page = await reader(browser, berth);
  await page.goto(`${berth.address}/console/?q=in-debt`);
  await page.getByRole("link", { name: "2 notices wait" }).waitFor();
  await seen(page, "instances-owed");
  await page.getByRole("link", { name: "2 notices wait" }).click();
  await page.getByText("No connection").first().waitFor();
});

test("keys alone do all of it", async () => {
  await berth.create("by-keys");
  const page = await reader(browser, berth);
  await page.getByRole("link", { name: "by-keys" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("by-keys");
  await page.keyboard.press("Enter");
  await page.getByText(/^1 (of 1|shown)$/).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "by-keys" }).waitFor();
  const press = async (name) => {
    for (let steps = 0; steps < 60; steps += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => document.activeElement.textContent.trim());
      if (focused.startsWith(name)) {
        await page.keyboard.press("Enter");
        return;
      }
    }
    assert.fail(`${name} cannot be reached`);
  };
  await press("Show a QR code");
  await page.getByAltText("QR code that links the phone").waitFor();
  await press("Scan the code");
  await page.getByText(/the connection is open/).waitFor();
  await press("Log out…");
  await press("Log out");
  await page.getByText("Logged out. Webhooks are silent.").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("u");
  await page.getByRole("heading", { name: "Audit" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await page.getByRole("heading", { name: "Instances" }).waitFor();
});
