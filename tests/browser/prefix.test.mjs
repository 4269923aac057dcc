// Behind a proxy that ends TLS elsewhere, puts a prefix before every path and does not pass the browser's host on.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { after, before, test } from "node:test";

import { ACCOUNT, Berth } from "./berth.mjs";
import { launch, reader, signIn, sound, withoutPolls } from "./browser.mjs";

let berth, browser, proxy, under;
before(async () => {
  proxy = createServer((incoming, answer) => {
    if (!incoming.url.startsWith("/berth/")) {
      answer.writeHead(404).end();
      return;
    }
    const { port } = new URL(berth.address);
    const headers = { ...incoming.headers, host: `127.0.0.1:${port}` };
    const path = incoming.url.slice("/berth".length);
    const onward = request({ port, host: "127.0.0.1", method: incoming.method, path, headers }, (told) => {
      answer.writeHead(told.statusCode, told.headers);
      told.pipe(answer);
    });
    incoming.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  under = { address: `http://127.0.0.1:${proxy.address().port}/berth` };
  [berth, browser] = await Promise.all([Berth.start({ BERTH_PUBLIC_URL: under.address }), launch()]);
});
after(async () => {
  proxy?.close();
  await Promise.all([browser?.close(), berth?.stop()]);
});

test("the console works under a prefix", async () => {
  const page = await reader(browser, under, { token: null });
  await page.goto(`${under.address}/console/new`);
  await page.getByLabel("Token", { exact: true }).fill(ACCOUNT);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Name").fill("proxied");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("link", { name: "Open the instance" }).click();
  await page.getByRole("button", { name: "Show a QR code" }).click();
  await page.getByRole("button", { name: "Scan the code" }).click();
  await page.getByText(/the connection is open/).waitFor();
  for (const tab of ["Timeline", "Webhooks", "Token and delete", "Overview"]) {
    await page.getByRole("link", { name: tab }).click();
    await sound(page, tab);
  }
  await page.getByRole("button", { name: "Español" }).click();
  await page.getByText("Vinculada a Ana").waitFor();
  assert.ok(page.url().startsWith(under.address));
  await page.getByRole("button", { name: "Salir" }).click();
  await page.getByText("Ha salido.").waitFor();
});

test("a link and the documentation work under a prefix", async () => {
  const page = await reader(browser, under, { token: null });
  await signIn(page, under, ACCOUNT);
  await berth.create("shared");
  await berth.api("POST", "/instances/shared/connect", {});
  await page.goto(`${under.address}/console/`);
  await page.getByRole("link", { name: "shared" }).click();
  await page.getByRole("button", { name: "Send a link" }).click();
  const address = await page.getByLabel("Link").inputValue();
  assert.ok(address.startsWith(`${under.address}/link/`), address);
  const customer = await reader(browser, under, { token: null, width: "phone" });
  await withoutPolls(customer);
  await customer.goto(address);
  await customer.getByRole("button", { name: "Show me the code" }).click();
  await customer.getByAltText("QR code that links the phone").waitFor();
  await berth.api("POST", "/instances/shared/simulate", { action: "scan", phone: "5511912345678", push_name: "Rui" });
  await customer.getByText("Linked. You can close this page.").waitFor();

  for (const path of ["docs", "docs/evolution", "v1/nothing/at/all"]) {
    await page.goto(`${under.address}/${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const styled = await page.evaluate(() => getComputedStyle(document.body).maxWidth);
    assert.notEqual(styled, "none", `${path} has its style`);
  }
  await page.getByRole("link", { name: "The documentation of the API" }).click();
  await page.goto(`${under.address}/docs#list_instances`);
  await page.getByLabel("Token", { exact: true }).fill(ACCOUNT);
  const box = page.locator("#list_instances");
  for (const input of await box.locator("form input").all()) await input.fill("");
  await box.getByRole("button", { name: "Send" }).click();
  await box.getByRole("status").getByText(/^200 OK/).waitFor();
  await sound(page, "the documentation under a prefix");
});
