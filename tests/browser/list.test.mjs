// The list of instances: filters by what a state says besides, many at once, and changes as they happen.
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

for (const script of [true, false]) {
  test(`many are connected and logged out after a preview ${script ? "with" : "without"} JavaScript`, async () => {
    const names = ["a", "b", "c"].map((name) => `${name}-${script}`);
    for (const name of names) await berth.create(name);
    await berth.link(names[2]);
    const page = await reader(browser, berth, { script });
    await page.getByRole("searchbox").fill(`-${script}`);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: names[0] }).waitFor();
    if (script) await page.getByLabel("Choose all of this page").check();
    else for (const name of names) await page.getByLabel(`Choose ${name}`).check();
    await page.getByRole("button", { name: "Show QR codes" }).click();
    await page.getByText("This will happen to 2 instances:").waitFor();
    await page.getByText("A phone is linked already.").waitFor();
    if (script) await seen(page, "bulk-preview");
    await page.getByRole("button", { name: "Show QR codes" }).click();
    await page.getByText("This happened to 2 instances:").waitFor();
    if (script) await sound(page, "what happened to many");
    await page.getByRole("link", { name: "Back to the start" }).click();
    await page.getByRole("link", { name: names[2] }).waitFor();
    for (const name of names) await page.getByLabel(`Choose ${name}`).check();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("This will happen to 3 instances:").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("This happened to 3 instances:").waitFor();
    const { state } = await berth.api("GET", `/instances/${names[2]}`);
    assert.equal(state, "logged_out");
    await page.getByRole("link", { name: "Back to the start" }).click();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("Nothing was chosen.").waitFor();
  });
}

test("the list hears of changes, and asks where it cannot hear", async () => {
  await berth.create("heard");
  const page = await reader(browser, berth);
  await page.getByRole("link", { name: "heard" }).waitFor();
  const { webhooks } = await berth.api("GET", "/instances/heard");
  assert.equal(webhooks, "silent");
  await berth.eventually(() => page.evaluate(() => performance.getEntriesByType("resource").length > 0));
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

test("an instance is renamed", async () => {
  const { id } = await berth.create("old-name");
  await berth.create("taken-name");
  const page = await reader(browser, berth);
  await page.goto(`${berth.address}/console/i/${id}`);
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("taken-name");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("This name is taken: choose another.").waitFor();
  await page.getByRole("textbox", { name: "Name" }).fill("new-name");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("It has another name now.").waitFor();
  await page.getByRole("heading", { name: "new-name" }).waitFor();
  await seen(page, "settings");
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
