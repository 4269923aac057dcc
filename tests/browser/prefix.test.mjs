// Behind a proxy that ends TLS elsewhere, puts a prefix before every path and does not pass the browser's host on.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { after, before, test } from "node:test";

import { ACCOUNT, Berth } from "./berth.mjs";
import { launch, reader, sound } from "./browser.mjs";

let berth, browser, proxy;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start(), launch()]);
  const port = new URL(berth.address).port;
  proxy = createServer((incoming, answer) => {
    if (!incoming.url.startsWith("/berth/")) {
      answer.writeHead(404).end();
      return;
    }
    const headers = { ...incoming.headers, host: `127.0.0.1:${port}` };
    const path = incoming.url.slice("/berth".length);
    const onward = request({ port, host: "127.0.0.1", method: incoming.method, path, headers }, (told) => {
      answer.writeHead(told.statusCode, told.headers);
      told.pipe(answer);
    });
    incoming.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  proxy?.close();
  await Promise.all([browser?.close(), berth?.stop()]);
});

test("the console works under a prefix", async () => {
  const under = { address: `http://127.0.0.1:${proxy.address().port}/berth` };
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
