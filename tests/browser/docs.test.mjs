// The documentation of the API as a reader meets it: found, linked to, copied and tried, at any width; and the page for an
// address that nobody has.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACCOUNT, Berth } from "./berth.mjs";
import { launch, reader, seen, sound } from "./browser.mjs";

let berth, browser;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start(), launch()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

test("an operation is found, linked to, copied as a command and tried with a token that stays in the page", async () => {
  await berth.create("documented");
  const page = await reader(browser, berth, { token: null });
  const policy = await page.goto(`${berth.address}/docs`);
  assert.match(policy.headers()["content-security-policy"], /default-src 'none'|script-src 'self'/);
  assert.equal(policy.headers()["x-content-type-options"], "nosniff");
  const headings = page.getByRole("heading", { level: 2 });
  await headings.first().waitFor();
  const order = await headings.allTextContents();
  assert.ok(order.indexOf("instances") < order.indexOf("accounts"), `${order}`);
  await seen(page, "docs");

  await page.getByRole("searchbox", { name: "Search" }).fill("list instances");
  await page.getByRole("status").getByText(/^\d+ operations?$/).waitFor();
  await page.goto(`${berth.address}/docs#list_instances`);
  const box = page.locator("#list_instances");
  await box.getByRole("heading", { name: "Try it" }).waitFor();
  assert.match(await box.getByLabel("Command").textContent(), /^curl '.*\/v1\/instances.*\$TOKEN/s);
  await seen(page, "docs-operation");
  await page.getByLabel("Token", { exact: true }).fill(ACCOUNT);
  // What the example gives for a page and a filter is not what is looked for.
  for (const input of await box.locator("form input").all()) await input.fill("");
  await box.getByRole("button", { name: "Send" }).click();
  await box.getByRole("status").getByText(/^200 OK/).waitFor();
  assert.match(await box.getByLabel("Answer").textContent(), /"name": "documented"/);
  assert.ok(!(await box.getByLabel("Command").textContent()).includes(ACCOUNT), "a command never has the token");
  assert.ok(!page.url().includes(ACCOUNT));
  const kept = await page.evaluate(() => [document.cookie, ...Object.values(localStorage), ...Object.values(sessionStorage)].join());
  assert.ok(!kept.includes(ACCOUNT), "nothing is kept");
  await page.reload();
  assert.equal(await page.getByLabel("Token", { exact: true }).inputValue(), "");
  // The address still leads there.
  await box.getByRole("heading", { name: "Try it" }).waitFor();
});

test("every document stays within 390 px and can be read by everybody", async () => {
  const page = await reader(browser, berth, { token: null });
  for (const path of ["docs", "docs/evolution", "docs/evolution-go", "docs/ryze", "docs/codechat", "docs/mega", "docs/green"]) {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${berth.address}/${path}`);
    const operation = page.locator("details.operation").first();
    await operation.waitFor();
    await operation.locator("summary").click();
    await operation.getByRole("heading", { name: "Answers" }).waitFor();
    const out = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(out <= 0, `${path}: ${out} px stick out`);
    await sound(page, path);
  }
});

test("a browser gets a page at an address that nobody has, and a program a problem", async () => {
  const page = await reader(browser, berth, { token: null });
  for (const path of ["nothing", "v1/nothing", "docs/nothing"]) {
    const answer = await page.goto(`${berth.address}/${path}`);
    assert.equal(answer.status(), 404);
    await page.getByRole("heading", { name: "Nothing is here" }).waitFor();
    await sound(page, path);
  }
  await seen(page, "missing");
  await page.getByRole("link", { name: "The documentation of the API" }).click();
  await page.getByRole("heading", { name: "instances" }).waitFor();
  const program = await fetch(`${berth.address}/v1/nothing`);
  assert.match(program.headers.get("content-type"), /json/);
});
