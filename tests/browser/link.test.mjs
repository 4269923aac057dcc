// The link for whoever has the phone: who has it, what it hears of, and what ends it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Berth, ENGINES, SCRIPTS } from "./berth.mjs";
import { comes, launch, reader, seen, signIn, sound, withOrWithout, withoutPolls } from "./browser.mjs";

for (const engine of ENGINES) {
  describe(`on ${engine}`, () => {
    let berth, browser;
    before(async () => {
      [berth, browser] = await Promise.all([Berth.on(engine), launch()]);
    });
    after(async () => {
      await Promise.all([browser?.close(), berth?.stop()]);
    });

    for (const script of SCRIPTS[engine]) {
      test(`a link shows the code to the first browser, on a phone, until the phone is linked ${withOrWithout(script)}`, async () => {
        const name = `customer-${script}`;
        const { id } = await berth.create(name);
        await berth.api("POST", `/instances/${name}/connect`, {});
        const page = await reader(browser, berth, { script });
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

        const customer = await reader(browser, berth, { token: null, width: "phone", script });
        await customer.goto(revoked);
        await customer.getByText("This link is over.").waitFor();
        await customer.goto(address);
        await customer.getByRole("button", { name: "Show me the code" }).click();
        await comes(customer, berth, customer.getByAltText("QR code that links the phone"));
        await seen(customer, "link");
        await customer.reload();
        await comes(customer, berth, customer.getByAltText("QR code that links the phone"));

        const second = await reader(browser, berth, { token: null, script });
        await second.goto(address);
        await second.getByRole("button", { name: "Show me the code" }).click();
        await second.getByText("opened in another browser already").waitFor();
        await sound(second, "a link that is taken");

        await berth.api("POST", `/instances/${name}/simulate`, { action: "scan", phone: "5511912345678", push_name: "Rui" });
        await comes(customer, berth, customer.getByText("Linked. You can close this page."));
        await sound(customer, "linked by a link");
        await berth.api("POST", `/instances/${name}/logout`, {});
        await customer.reload();
        await customer.getByText("This link is over.").waitFor();
        await customer.goto(`${berth.address}/link/AAAA`);
        await customer.getByText("This link is over.").waitFor();
      });
    }

    for (const script of SCRIPTS[engine]) {
      test(`a link ends with the instance's token ${withOrWithout(script)}`, async () => {
        const { id, token } = await berth.create(`rotated-${script}`);
        await berth.api("POST", `/instances/${id}/connect`, {});
        const page = await reader(browser, berth, { token: null, script });
        await signIn(page, berth, token);
        await page.getByRole("button", { name: "Send a link" }).click();
        const address = await page.getByLabel("Link").inputValue();
        await page.goto(address);
        await page.getByRole("button", { name: "Show me the code" }).click();
        await comes(page, berth, page.getByAltText("QR code that links the phone"));
        await berth.api("POST", `/instances/${id}/token`, {});
        await comes(page, berth, page.getByText("This link is over."));
      });
    }

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

    // Half of it is waiting, whatever keeps the log.
    if (engine === "embedded") {
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
    }
  });
}
