// The operator's accounts, and the link for whoever has the phone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Berth, ROOT } from "./berth.mjs";
import { launch, reader, seen, signIn, sound, withoutPolls } from "./browser.mjs";

let berth, browser;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start(), launch()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

test("the operator makes an account, works in it and closes it", async () => {
  const page = await reader(browser, berth, { token: ROOT });
  await page.getByRole("heading", { name: "Accounts" }).waitFor();
  await page.getByLabel("Name").fill("harbour office");
  await page.getByRole("button", { name: "Create" }).click();
  const token = await page.getByLabel("Token of the account").inputValue();
  await sound(page, "an account's token");
  await page.getByRole("link", { name: "Accounts" }).click();
  await page.getByRole("link", { name: "harbour office" }).waitFor();
  await seen(page, "accounts");
  await page.getByRole("link", { name: "harbour office" }).click();
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByText("No instance yet").waitFor();
  await page.getByRole("link", { name: "New instance" }).first().click();
  await page.getByLabel("Name").fill("quay");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("link", { name: "Open the instance" }).click();
  await page.getByRole("link", { name: "Timeline" }).click();
  await page.getByText("Operator · console · 127.0.0.1").waitFor();
  await page.getByRole("button", { name: "Leave the account" }).click();
  await page.getByRole("link", { name: "harbour office" }).click();
  await page.getByLabel("Name", { exact: true }).fill("harbour master");
  await page.getByRole("region", { name: "Rename" }).getByRole("button", { name: "Save" }).click();
  await page.getByText("The account is changed.").waitFor();
  await seen(page, "account");
  const own = await reader(browser, berth, { token });
  await own.getByRole("link", { name: "quay" }).waitFor();
  await own.goto(`${berth.address}/console/accounts`);
  await own.getByRole("heading", { name: "That was not done" }).waitFor();
  await page.getByLabel("Type the name to confirm").fill("harbour master");
  await page.getByRole("button", { name: "Close the account" }).click();
  await page.getByText("The account is closed.").waitFor();
});

test("a link shows the code to the first browser, on a phone, until the phone is linked", async () => {
  const { id } = await berth.create("customer");
  await berth.api("POST", "/instances/customer/connect", {});
  const page = await reader(browser, berth);
  const link = async () => {
    await page.goto(`${berth.address}/console/i/${id}`);
    await page.getByRole("button", { name: "Send a link" }).click();
    return page.getByLabel("Link").inputValue();
  };
  const revoked = await link();
  await sound(page, "a link is made");
  await page.getByRole("button", { name: "Take back all links" }).click();
  await page.getByText("Links to this attempt are taken back.").waitFor();
  const address = await link();
  assert.ok(address.startsWith(`${berth.address}/link/`));

  const customer = await reader(browser, berth, { token: null, width: "phone" });
  await customer.goto(revoked);
  await customer.getByText("This link is over.").waitFor();
  await customer.goto(address);
  await customer.getByRole("button", { name: "Show me the code" }).click();
  await customer.getByAltText("QR code that links the phone").waitFor();
  await seen(customer, "link");
  await customer.reload();
  await customer.getByAltText("QR code that links the phone").waitFor();

  const second = await reader(browser, berth, { token: null });
  await second.goto(address);
  await second.getByRole("button", { name: "Show me the code" }).click();
  await second.getByText("opened in another browser already").waitFor();
  await sound(second, "a link that is taken");

  await berth.api("POST", "/instances/customer/simulate", { action: "scan", phone: "5511912345678", push_name: "Rui" });
  await customer.getByText("Linked. You can close this page.").waitFor();
  await sound(customer, "linked by a link");
  await berth.api("POST", "/instances/customer/logout", {});
  await customer.reload();
  await customer.getByText("This link is over.").waitFor();
  await customer.goto(`${berth.address}/link/AAAA`);
  await customer.getByText("This link is over.").waitFor();
});

test("a link ends with the instance's token", async () => {
  const { id, token } = await berth.create("rotated");
  await berth.api("POST", "/instances/rotated/connect", {});
  const page = await reader(browser, berth, { token: null });
  await signIn(page, berth, token);
  await page.getByRole("button", { name: "Send a link" }).click();
  const address = await page.getByLabel("Link").inputValue();
  await page.goto(address);
  await page.getByRole("button", { name: "Show me the code" }).click();
  await page.getByAltText("QR code that links the phone").waitFor();
  await berth.api("POST", `/instances/${id}/token`, {});
  await page.getByText("This link is over.").waitFor();
});

test("a link ends with the attempt and with the instance", async () => {
  const page = await reader(browser, berth);
  for (const [name, end] of [
    ["given-up", (id) => berth.api("POST", `/instances/${id}/disconnect`, {})],
    ["gone", (id) => berth.api("DELETE", `/instances/${id}`)],
  ]) {
    const { id } = await berth.create(name);
    await berth.api("POST", `/instances/${id}/connect`, {});
    await page.goto(`${berth.address}/console/i/${id}`);
    await page.getByRole("button", { name: "Send a link" }).click();
    const address = await page.getByLabel("Link").inputValue();
    await end(id);
    await page.goto(address);
    await page.getByText("This link is over.").waitFor();
    await sound(page, `the link of what is ${name}`);
  }
});

// The page of a link, in a browser that has it.
const claimed = async (page, name) => {
  const { id } = await berth.create(name);
  await berth.api("POST", `/instances/${name}/connect`, {});
  const own = await reader(browser, berth);
  await own.goto(`${berth.address}/console/i/${id}`);
  await own.getByRole("button", { name: "Send a link" }).click();
  await page.goto(await own.getByLabel("Link").inputValue());
  await page.getByRole("button", { name: "Show me the code" }).click();
  await page.getByAltText("QR code that links the phone").waitFor();
  return own;
};

test("an open link hears of changes, and asks where it cannot hear", async () => {
  const customer = await reader(browser, berth, { token: null, width: "phone" });
  await withoutPolls(customer);
  const own = await claimed(customer, "followed");
  // Links are taken back beside the history of the instance.
  await own.getByRole("button", { name: "Take back all links" }).click();
  await customer.getByText("This link is over.").waitFor();
  await claimed(customer, "followed-too");
  await berth.api("POST", "/instances/followed-too/simulate", { action: "scan", phone: "5511900000003", push_name: "Rui" });
  await customer.getByText("Linked. You can close this page.").waitFor();
  await sound(customer, "a link that was heard of");

  const deaf = await reader(browser, berth, { token: null, width: "phone" });
  await deaf.route("**/changes", (route) => route.abort());
  await claimed(deaf, "not-followed");
  await berth.api("POST", "/instances/not-followed/disconnect", {});
  await deaf.getByText("This link is over.").waitFor();
});

test("a link ends with the time of its attempt", async () => {
  const hurried = await Berth.start({ BERTH_DEVICE_TIME_SCALE: "10" });
  try {
    await hurried.create("late");
    await hurried.api("POST", "/instances/late/connect", {});
    const page = await reader(browser, hurried);
    await page.getByRole("link", { name: "late" }).click();
    await page.getByRole("button", { name: "Send a link" }).click();
    await page.goto(await page.getByLabel("Link").inputValue());
    await page.getByRole("button", { name: "Show me the code" }).click();
    await page.getByText("This link is over.").waitFor({ timeout: 30_000 });
    await sound(page, "a link whose time is over");
  } finally {
    await hurried.stop();
  }
});

// A name that tries to be more than a name.
const EVIL = `"'><img src=x onerror="document.title='owned'">{{7*7}}`;

test("the operator keeps attributes and a webhook with an account, and moves an instance into it", async () => {
  const page = await reader(browser, berth, { token: ROOT });
  const account = await berth.api("POST", "/accounts", { name: EVIL }, ROOT);
  const { id } = await berth.create("to-be-moved");
  await page.goto(`${berth.address}/console/accounts/${account.id}`);
  await page.getByLabel("JSON").fill(`{"plan": "<script>document.title='owned'</script>"}`);
  await page.getByLabel("JSON").locator("xpath=ancestor::form").getByRole("button", { name: "Save" }).click();
  await page.getByText("The account is changed.").waitFor();
  assert.match(await page.getByLabel("JSON").inputValue(), /owned/);
  await page.getByLabel("JSON").fill("{plan}");
  await page.getByLabel("JSON").locator("xpath=ancestor::form").getByRole("button", { name: "Save" }).click();
  await page.getByText("JSON is expected").waitFor();
  await page.goto(`${berth.address}/console/accounts/${account.id}`);
  await page.getByLabel("Address").fill("http://127.0.0.1:9999/business");
  await page.getByLabel("Address").locator("xpath=ancestor::form").getByRole("button", { name: "Save" }).click();
  await page.getByText("The account is changed.").waitFor();
  assert.equal(await page.getByLabel("Address").inputValue(), "http://127.0.0.1:9999/business");
  await page.getByLabel("Id of the instance").fill(id);
  await page.getByRole("button", { name: "Move", exact: true }).click();
  await page.getByText("The instance belongs to this account now.").waitFor();
  await seen(page, "account-full");
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByText("The account is changed.").waitFor();
  assert.equal(await page.getByLabel("Address").inputValue(), "");
  for (const path of [`accounts/${account.id}`, "accounts", "audit"]) {
    await page.goto(`${berth.address}/console/${path}`);
    if (path !== "audit") await page.getByText("owned").first().waitFor();
    assert.ok(!(await page.title()).startsWith("owned"), path);
    assert.equal(await page.locator("img[src=x]").count(), 0, path);
    await sound(page, path);
  }
  await page.goto(`${berth.address}/console/accounts/${account.id}`);
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByRole("link", { name: "to-be-moved" }).waitFor();
});

test("the cluster's page shows who does what", async () => {
  const page = await reader(browser, berth, { token: ROOT });
  await page.getByRole("link", { name: "Cluster" }).click();
  await page.getByText("partitions with an owner: 64 of 64").first().waitFor();
  await page.getByText("Partitions, owners and epochs").first().click();
  await page.getByRole("columnheader", { name: "Epoch" }).waitFor();
  await page.getByRole("cell", { name: "0–63" }).waitFor();
  await page.getByText(/The log has \d+ commits/).waitFor();
  await page.getByRole("img", { name: /The last hour: \d+ commits/ }).waitFor();
  const configuration = await page.locator("pre").textContent();
  assert.match(configuration, /BERTH_WEBHOOK_ALLOW/);
  assert.ok(!configuration.includes(ROOT), "secrets are hidden");
  await seen(page, "cluster");
  for (const [language, words] of [["Português", "Crescimento do registro"], ["Español", "Crecimiento del registro"]]) {
    await page.getByRole("button", { name: language }).click();
    await page.getByRole("heading", { name: words }).waitFor();
    await sound(page, `the cluster, ${language}`);
  }
  const own = await reader(browser, berth);
  assert.equal(await own.getByRole("link", { name: "Cluster" }).count(), 0);
  await own.goto(`${berth.address}/console/cluster`);
  await own.getByRole("heading", { name: "That was not done" }).waitFor();
});
