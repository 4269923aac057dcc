// What an instance is set to, its token, and its end.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Berth, ENGINES, SCRIPTS } from "./berth.mjs";
import { launch, reader, seen, sound, withOrWithout } from "./browser.mjs";

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
      test(`an instance is renamed ${withOrWithout(script)}`, async () => {
        const { id } = await berth.create(`old-name-${script}`);
        await berth.create(`taken-name-${script}`);
        const page = await reader(browser, berth, { script });
        await page.goto(`${berth.address}/console/i/${id}`);
        await page.getByRole("link", { name: "Settings" }).click();
        await page.getByRole("textbox", { name: "Name" }).fill(`taken-name-${script}`);
        await page.getByRole("button", { name: "Save" }).click();
        await page.getByText("This name is taken: choose another.").waitFor();
        await page.getByRole("textbox", { name: "Name" }).fill(`new-name-${script}`);
        await page.getByRole("button", { name: "Save" }).click();
        await page.getByText("It has another name now.").waitFor();
        await page.getByRole("heading", { name: `new-name-${script}` }).waitFor();
        await seen(page, "settings");
      });
    }

    for (const script of SCRIPTS[engine]) {
      test(`an instance gets another token and is deleted after its name was typed ${withOrWithout(script)}`, async () => {
        const name = `leaving-${script}`;
        const { id, token } = await berth.create(name);
        await berth.link(id);
        const page = await reader(browser, berth, { script });
        await page.goto(`${berth.address}/console/i/${id}`);
        await page.getByRole("link", { name: "Token and delete" }).click();
        await page.getByRole("button", { name: "Make a new token" }).click();
        await page.getByRole("heading", { name: "The new token" }).waitFor();
        const other = await page.getByLabel("Token of the instance").inputValue();
        await sound(page, "a new token");
        await assert.rejects(berth.api("GET", `/instances/${id}`, undefined, token), /401/);
        assert.equal((await berth.api("GET", `/instances/${id}`, undefined, other)).name, name);
        await page.getByRole("link", { name: "Token and delete" }).click();
        await page.getByText("its session ends, and the phone is unlinked").waitFor();
        await page.getByLabel("Type the name to confirm").fill("something-else");
        await page.getByRole("button", { name: "Delete for ever" }).click();
        await page.getByText("That is not the name").waitFor();
        await page.getByLabel("Type the name to confirm").fill(name);
        await page.getByRole("button", { name: "Delete for ever" }).click();
        await page.getByText("Deleted.").waitFor();
        await page.goto(`${berth.address}/console/i/${id}/timeline`);
        await page.getByText("It was deleted.").waitFor();
        await sound(page, "a deleted instance");
      });
    }
  });
}
