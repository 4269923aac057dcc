// Names that try to be more than names, on every page that shows what somebody else has chosen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Berth } from "./berth.mjs";
import { EVIL, harmless, launch, reader, sound } from "./browser.mjs";

const WORSE = `</small><script>document.title='owned'</script>`;

let berth, browser;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start(), launch()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

test("a name is a name, whatever it looks like", async () => {
  const { id } = await berth.create(EVIL);
  const { id: webhook } = await berth.api("POST", `/instances/${id}/webhooks`, {
    url: "http://127.0.0.1:9999/?q=<script>document.title='owned'</script>&\"'", label: EVIL,
  });
  await berth.link(id, WORSE, "5511912345678");
  const page = await reader(browser, berth);
  for (const path of ["", `?q=${encodeURIComponent(EVIL)}`, `i/${id}`, `i/${id}/webhooks`, `i/${id}/danger`, `i/${id}/timeline?at=5`,
    `i/${id}/settings`, `i/${id}/deliveries`, `i/${id}/webhooks/${webhook}/deliveries`, `i/${id}/webhooks/${webhook}/secret`,
    "audit", `audit?instance=${encodeURIComponent(EVIL)}`, `qr/${id}`]) {
    await page.goto(`${berth.address}/console/${path}`);
    await harmless(page, path);
  }
  await page.getByRole("link", { name: "Token and delete" }).click();
  await page.getByLabel("Type the name to confirm").fill(EVIL);
  await page.getByRole("button", { name: "Delete for ever" }).click();
  await page.getByText("Deleted.").waitFor();
  await page.goto(`${berth.address}/console/i/${id}/timeline`);
  await page.getByText("It was deleted.").waitFor();
  await sound(page, "a deleted instance");
});

test("a name is a name where it is made, refused and given another token", async () => {
  const page = await reader(browser, berth);
  const name = `${EVIL} anew`;
  const fill = async () => {
    await page.goto(`${berth.address}/console/new`);
    await page.getByLabel("Name").fill(name);
    await page.getByRole("button", { name: "Create" }).click();
  };
  await fill();
  await page.getByRole("link", { name: "Open the instance" }).waitFor();
  await harmless(page, "created");
  await fill();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Name").inputValue(), name);
  assert.equal(await page.locator("img[src=x]").count(), 0);
  await sound(page, "a name that is taken");
  const { instances } = await berth.api("GET", "/instances");
  const { id } = instances.find((it) => it.name === name);
  await page.goto(`${berth.address}/console/i/${id}/danger`);
  await page.getByRole("button", { name: "Make a new token" }).click();
  await page.getByRole("heading", { name: "The new token" }).waitFor();
  await harmless(page, "a new token");
});

test("a link to share shows the name to its owner as a name, and to the customer not at all", async () => {
  const { id } = await berth.create(`${EVIL} shared`);
  await berth.api("POST", `/instances/${id}/connect`, {});
  const page = await reader(browser, berth);
  await page.goto(`${berth.address}/console/i/${id}`);
  await page.getByRole("button", { name: "Send a link" }).click();
  const address = await page.getByLabel("Link").inputValue();
  await harmless(page, "a link to share");
  const customer = await reader(browser, berth, { token: null, width: "phone" });
  const nameless = async (what) => {
    assert.ok(!(await customer.content()).includes("owned"), what);
    await sound(customer, what);
  };
  await customer.goto(address);
  await customer.getByRole("button", { name: "Show me the code" }).waitFor();
  await nameless("a link that nobody has");
  await customer.getByRole("button", { name: "Show me the code" }).click();
  await customer.getByAltText("QR code that links the phone").waitFor();
  await nameless("a link with a code");
  await berth.api("POST", `/instances/${id}/simulate`, { action: "scan", phone: "5511912345679", push_name: WORSE });
  await customer.getByText("Linked. You can close this page.").waitFor();
  await nameless("a link that linked");
});

test("names of many are names before and after what happens to them", async () => {
  const { id } = await berth.create(`${EVIL} many 1`);
  await berth.create(`${EVIL} many 2`);
  await berth.link(id, WORSE, "5511912345670");
  const page = await reader(browser, berth);
  await page.goto(`${berth.address}/console/?q=many`);
  for (const at of [1, 2]) await page.getByRole("link", { name: `${EVIL} many ${at}` }).waitFor();
  await page.getByLabel("Choose all of this page").check();
  await page.getByRole("button", { name: "Show QR codes" }).click();
  await page.getByText("This will happen to one instance:").waitFor();
  await harmless(page, "what will happen to many");
  await page.getByRole("button", { name: "Show QR codes" }).click();
  await page.getByText("This happened to one instance:").waitFor();
  await harmless(page, "what happened to many");
});
