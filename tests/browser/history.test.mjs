// The timeline and the webhooks of an instance.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Berth, ENGINES, SCRIPTS } from "./berth.mjs";
import { launch, reader, seen, withOrWithout } from "./browser.mjs";

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
      test(`the timeline says who did what, holds, and shows how it was ${withOrWithout(script)}`, async () => {
        const { id } = await berth.create(`harbour-${script}`);
        await berth.link(id);
        await berth.api("POST", `/instances/${id}/logout`, { wait: "unlinked" });
        const page = await reader(browser, berth, { script });
        await page.goto(`${berth.address}/console/i/${id}`);
        await page.getByRole("link", { name: "Timeline" }).click();
        await page.getByText("The session ended (command).").waitFor();
        await page.getByText("Account · native · 127.0.0.1").first().waitFor();
        await seen(page, "timeline");
        await page.getByRole("button", { name: "Verify the history" }).click();
        await page.getByText("The history holds: 7 entries").waitFor();
        await page.getByRole("link", { name: "5", exact: true }).click();
        await page.getByRole("heading", { name: "After version 5" }).waitFor();
        await page.getByText(/the connection is open/).waitFor();
        assert.equal(await page.locator("mark").first().textContent(), "Logged out");
        await seen(page, "timeline-then");
        await page.getByLabel("How it stood after version").fill("1");
        // It is sent when the slider is let go, where something listens to that.
        if (!script) await page.getByRole("button", { name: "Show" }).click();
        await page.getByRole("heading", { name: "After version 1" }).waitFor();
        await page.getByText("No phone was ever linked.").waitFor();
      });
    }

    for (const script of SCRIPTS[engine]) {
      test(`endpoints are added, switched, changed and removed ${withOrWithout(script)}`, async () => {
        const { id } = await berth.create(`with-webhooks-${script}`);
        const page = await reader(browser, berth, { script });
        await page.goto(`${berth.address}/console/i/${id}/webhooks`);
        await page.getByLabel("Address").fill("http://10.0.0.1/hook");
        await page.getByRole("button", { name: "Add an endpoint" }).click();
        await page.getByText("the address is not one of the public internet").waitFor();
        await page.getByLabel("Address").fill("http://127.0.0.1:9999/hook");
        await page.getByLabel("instance.linked").check();
        await page.getByRole("button", { name: "Add an endpoint" }).click();
        assert.match(await page.getByLabel("Signing secret").inputValue(), /^whsec_/);
        await page.getByRole("main").getByRole("link", { name: "Webhooks" }).last().click();
        await page.getByText("http://127.0.0.1:9999/hook").waitFor();
        await seen(page, "webhooks");
        await page.getByRole("button", { name: "Switch off" }).click();
        await page.getByRole("button", { name: "Switch on" }).click();
        await page.getByText("Change the address…").click();
        await page.getByLabel("Address").first().fill("http://127.0.0.1:9998/other");
        await page.getByRole("button", { name: "Save" }).click();
        await page.getByText("http://127.0.0.1:9998/other").waitFor();
        await page.getByText("Remove…").click();
        await page.getByRole("button", { name: "Remove", exact: true }).click();
        await page.getByText("No endpoint yet.").waitFor();
      });
    }
  });
}
