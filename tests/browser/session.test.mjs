// Signing in and out, the instances, and the life of one, with and without JavaScript.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACCOUNT, Berth } from "./berth.mjs";
import { launch, reader, seen, shoot, signIn, sound } from "./browser.mjs";

let berth, browser;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start(), launch()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

test("a token signs in once, a wrong one does not, and the way back is kept", async () => {
  const page = await reader(browser, berth, { token: null });
  await page.goto(`${berth.address}/console`);
  await seen(page, "sign-in");
  await page.getByLabel("Token", { exact: true }).fill("nobody-has-this-one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await sound(page, "a wrong token");
  await page.goto(`${berth.address}/console/new`);
  await page.getByLabel("Token", { exact: true }).fill(ACCOUNT);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "New instance" }).waitFor();
  const [cookie] = (await page.context().cookies()).filter((it) => it.name === "berth-console");
  assert.equal(cookie.httpOnly && cookie.sameSite, "Strict");
  assert.ok(!cookie.value.includes(ACCOUNT));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("Signed out.").waitFor();
  await page.goto(`${berth.address}/console/`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("an instance is created, linked by a scan, stopped, logged out and deleted", async () => {
  const page = await reader(browser, berth);
  await seen(page, "instances-none");
  await page.getByRole("link", { name: "New instance" }).first().click();
  await page.getByLabel("Name").fill("harbour");
  await page.getByLabel("Webhook (optional)").fill("http://127.0.0.1:9999/hook");
  await seen(page, "create");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("harbour is created").waitFor();
  assert.match(await page.getByLabel("Token of the instance").inputValue(), /^\S{20,}$/);
  assert.match(await page.getByLabel("Signing secret").inputValue(), /^whsec_/);
  await shoot(page, "created");
  await sound(page, "created");
  await page.getByRole("link", { name: "Open the instance" }).click();
  await page.getByText("No phone was ever linked.").waitFor();
  await seen(page, "instance-created");

  await page.getByRole("button", { name: "Show a QR code" }).click();
  await page.getByAltText("QR code that links the phone").waitFor();
  await page.getByText(/\d+ s left/).waitFor();
  await seen(page, "instance-linking");
  await page.getByRole("button", { name: "Scan the code" }).click();
  await page.getByText(/Linked to Ana, \+5511987654321 since .*; the connection is open/).waitFor();
  await seen(page, "instance-linked");

  await page.getByRole("button", { name: "Lose the connection" }).click();
  await page.getByText(/the connection is lost since/).waitFor();
  await page.getByRole("button", { name: "Let it come back" }).click();
  await page.getByText(/the connection is open/).waitFor();
  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.getByText(/stopped by a command since/).waitFor();
  await seen(page, "instance-paused");
  await page.getByRole("button", { name: "Reconnect" }).click();
  await page.getByText(/the connection is open/).waitFor();
  await page.getByText("Log out…").click();
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByText("Logged out. Webhooks are silent.").waitFor();
  await page.getByText(/the device of attempt 1 is unlinked/).waitFor();
  await seen(page, "instance-logged-out");

  await page.getByRole("link", { name: "Token and delete" }).click();
  await seen(page, "danger");
  await page.getByLabel("Type the name to confirm").fill("harbor");
  await page.getByRole("button", { name: "Delete for ever" }).click();
  await page.getByText("That is not the name").waitFor();
  await page.getByLabel("Type the name to confirm").fill("harbour");
  await page.getByRole("button", { name: "Delete for ever" }).click();
  await page.getByText("Deleted.").waitFor();
});

test("a pairing code is shown and typed on the phone", async () => {
  const { id } = await berth.create("by-code");
  const page = await reader(browser, berth);
  await page.goto(`${berth.address}/console/i/${id}`);
  await page.getByLabel("Or type a code on the phone").fill("+55 11 98765-4321");
  await page.getByRole("button", { name: "Get a code" }).click();
  await page.getByText(/^[A-Z0-9]{4}-[A-Z0-9]{4}$/).waitFor();
  await seen(page, "instance-pairing-code");
  await page.getByRole("button", { name: "Type the code" }).click();
  await page.getByText(/the connection is open/).waitFor();
});

test("everything can be done without JavaScript", async () => {
  const page = await reader(browser, berth, { script: false });
  await page.getByRole("link", { name: "New instance" }).first().click();
  await page.getByLabel("Name").fill("plain");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("link", { name: "Open the instance" }).click();
  await page.getByRole("button", { name: "Show a QR code" }).click();
  await berth.eventually(async () => {
    await page.reload();
    return page.getByAltText("QR code that links the phone").isVisible();
  }, "a code");
  await shoot(page, "without-javascript");
  await page.getByRole("button", { name: "Scan the code" }).click();
  await berth.eventually(async () => {
    await page.reload();
    return page.getByText(/the connection is open/).isVisible();
  }, "the link");
  await page.getByText("Log out…").click();
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByText("Logged out. Webhooks are silent.").waitFor();
  await page.getByRole("button", { name: "Español" }).click();
  await page.getByRole("button", { name: "Salir" }).click();
  await page.getByText("Ha salido.").waitFor();
});

test("the list filters, searches, pages and stays up to date, and keys move in it", async () => {
  for (let at = 0; at < 55; at += 1) await berth.create(`shop-${String(at).padStart(2, "0")}`);
  await berth.link("shop-03", "Zoë & <b>Söhne</b>", "4915112345678");
  const page = await reader(browser, berth);
  await page.getByRole("link", { name: "shop-00" }).waitFor();
  await seen(page, "instances");
  await page.getByRole("link", { name: "Next page" }).click();
  await page.getByRole("link", { name: "shop-54" }).waitFor();
  await page.getByRole("link", { name: "First page" }).click();
  await page.getByRole("searchbox").fill("zoë");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("Zoë & <b>Söhne</b>, +4915112345678").waitFor();
  await page.getByRole("link", { name: "Show all" }).click();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await berth.link("shop-00", "Bea", "5511900000000");
  await page.getByText("Bea, +5511900000000").waitFor();
  const focused = await page.evaluate(() => document.activeElement.textContent);
  assert.match(focused, /plain|by-code|shop/, "the row that was chosen is still chosen");
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await sound(page, "the keys");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Português" }).click();
  await page.getByRole("heading", { name: "Instâncias" }).waitFor();
  await sound(page, "em português");
});

test("a session ends with the token, and an instance's token shows that one alone", async () => {
  const { id, token } = await berth.create("alone");
  const { id: other } = await berth.create("another");
  const page = await reader(browser, berth, { token: null });
  await signIn(page, berth, token);
  await page.getByRole("heading", { name: "alone" }).waitFor();
  await page.goto(`${berth.address}/console/i/${other}`);
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await sound(page, "nothing here");
  await berth.api("POST", `/instances/${id}/token`, {});
  await page.goto(`${berth.address}/console/i/${id}`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});
