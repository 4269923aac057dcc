// Mega's QR page, opened in a browser as somebody knows its address.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Berth } from "./berth.mjs";
import { launch, reader, sound } from "./browser.mjs";

let berth, browser;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start(), launch()]);
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

test("whoever opens Mega's QR page in a browser signs in once and sees the code", async () => {
  const { token } = await berth.create("loja 1");
  const page = await reader(browser, berth, { token: null });
  const address = `${berth.address}/rest/instance/qrcode/loja%201`;
  await page.goto(address);
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "loja 1" }).waitFor();
  await page.getByRole("button", { name: "Show a QR code" }).click();
  await page.getByAltText("QR code that links the phone").waitFor();
  await sound(page, "Mega's page in a browser");
  await page.goto(address);
  await page.getByAltText("QR code that links the phone").waitFor();
  // A program is answered as before.
  const asked = (headers) => fetch(address, { headers, redirect: "manual" });
  assert.equal((await asked({})).status, 401);
  const own = await asked({ authorization: `Bearer ${token}` });
  assert.match(await own.text(), /<img src="data:image\/png/);
});
