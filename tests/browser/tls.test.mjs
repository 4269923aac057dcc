// Behind nginx, which ends TLS and puts a prefix before every path.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACCOUNT, Berth } from "./berth.mjs";
import { launch, reader, sound, withoutPolls } from "./browser.mjs";
import { Nginx, freePort } from "./nginx.mjs";

let berth, browser, nginx;
before(async () => {
  const port = await freePort();
  [berth, browser] = await Promise.all([
    Berth.start({ BERTH_PUBLIC_URL: `https://localhost:${port}/berth` }), launch(),
  ]);
  nginx = await Nginx.start(port, berth.address);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop(), nginx?.stop()]);
});

test("the console works over TLS under a prefix, and hears of changes", async () => {
  const page = await reader(browser, nginx, { token: null, ignoreHTTPSErrors: true });
  await berth.eventually(() => page.goto(`${nginx.address}/console/new`), "nginx");
  await page.getByLabel("Token", { exact: true }).fill(ACCOUNT);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Name").fill("proxied");
  await page.getByRole("button", { name: "Create" }).click();
  const [cookie] = (await page.context().cookies()).filter((it) => it.name === "__Host-berth-console");
  assert.ok(cookie.secure && cookie.httpOnly && cookie.sameSite === "Strict");
  await page.getByRole("link", { name: "Open the instance" }).click();
  await page.getByRole("button", { name: "Show a QR code" }).click();
  await page.getByAltText("QR code that links the phone").waitFor();
  await page.getByRole("button", { name: "Send a link" }).click();
  const link = await page.getByLabel("Link").inputValue();
  assert.ok(link.startsWith(`${nginx.address}/link/`), link);
  const customer = await reader(browser, nginx, { token: null, ignoreHTTPSErrors: true, width: "phone" });
  await customer.goto(link);
  await customer.getByRole("button", { name: "Show me the code" }).click();
  await customer.getByAltText("QR code that links the phone").waitFor();
  await sound(customer, "a link over TLS");
  await withoutPolls(page);
  await page.goto(`${nginx.address}/console/`);
  await berth.api("POST", "/instances/proxied/simulate", { action: "scan", phone: "5511912345678", push_name: "Rui" });
  await page.getByText("Rui, +5511912345678").waitFor();
  for (const path of ["audit", ""]) {
    await page.goto(`${nginx.address}/console/${path}`);
    await sound(page, `over TLS: ${path}`);
  }
  assert.ok(page.url().startsWith(nginx.address));
});
