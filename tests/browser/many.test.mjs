// Many instances at once: those that were chosen, and all that match, each after a page that says what will happen.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Berth, ENGINES, SCRIPTS } from "./berth.mjs";
import { comes, launch, reader, seen, sound, withOrWithout } from "./browser.mjs";

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
      test(`many are connected and logged out after a preview ${withOrWithout(script)}`, async () => {
        const names = ["a", "b", "c"].map((name) => `${name}-${script}`);
        for (const name of names) await berth.create(name);
        await berth.link(names[2]);
        const page = await reader(browser, berth, { script });
        await page.getByRole("searchbox").fill(`-${script}`);
        await page.getByRole("button", { name: "Search" }).click();
        await comes(page, berth, page.getByRole("link", { name: names[0] }));
        if (!script) await seen(page, "instances");
        if (script) await page.getByLabel("Choose all of this page").check();
        else for (const name of names) await page.getByLabel(`Choose ${name}`).check();
        await page.getByRole("button", { name: "Show QR codes" }).click();
        await page.getByText("This will happen to 2 instances:").waitFor();
        await page.getByText("A phone is linked already.").waitFor();
        await seen(page, "bulk-preview");
        await page.getByRole("button", { name: "Show QR codes" }).click();
        await page.getByText("This happened to 2 instances:").waitFor();
        await sound(page, "what happened to many");
        await page.getByRole("link", { name: "Back to the start" }).click();
        await page.getByRole("link", { name: names[2] }).waitFor();
        for (const name of names) await page.getByLabel(`Choose ${name}`).check();
        await page.getByRole("button", { name: "Log out" }).click();
        await page.getByText("This will happen to 3 instances:").waitFor();
        await page.getByRole("button", { name: "Log out" }).click();
        await page.getByText("This happened to 3 instances:").waitFor();
        const { state } = await berth.api("GET", `/instances/${names[2]}`);
        assert.equal(state, "logged_out");
        await page.getByRole("link", { name: "Back to the start" }).click();
        await page.getByRole("button", { name: "Log out" }).click();
        await page.getByText("Nothing was chosen.").waitFor();
      });
    }

    for (const script of SCRIPTS[engine]) {
      test(`all that match are logged out after a preview ${withOrWithout(script)}`, async () => {
        const of = `match-${script}-`;
        // A few at a time: this is no story of how much a busy machine takes at once.
        for (let at = 0; at < 120; at += 10) await Promise.all(Array.from({ length: 10 }, (_, next) => berth.create(`${of}${at + next}`)));
        for (const at of [3, 77]) await berth.link(`${of}${at}`, "Mia", `551190000010${at % 10}`);
        const page = await reader(browser, berth, { script });
        await page.getByRole("searchbox").fill(of);
        await page.getByRole("button", { name: "Search" }).click();
        await comes(page, berth, page.getByRole("link", { name: `${of}0`, exact: true }));
        await page.getByLabel("Do something with many").selectOption("With all that match, at most 1000");
        await page.getByRole("button", { name: "Log out" }).click();
        await page.getByText("This will happen to 2 instances:").waitFor();
        await page.getByText("and 20 more, like these.").waitFor();
        assert.match(await page.getByRole("row").nth(1).textContent(), /match-(true|false)-(3|77)/, "what happens comes first");
        await seen(page, "bulk-matching");
        await page.getByRole("button", { name: "Log out" }).click();
        await page.getByText("This happened to 2 instances:").waitFor();
        for (const at of [3, 77]) assert.equal((await berth.api("GET", `/instances/${of}${at}`)).state, "logged_out");
      });
    }

    test("what failed of many is said first and tried again", async () => {
      const { id } = await berth.create("vanishing");
      await berth.create("staying");
      const page = await reader(browser, berth);
      await page.goto(`${berth.address}/console/?q=ing`);
      for (const name of ["vanishing", "staying"]) await page.getByLabel(`Choose ${name}`).check();
      await page.getByRole("button", { name: "Show QR codes" }).click();
      await page.getByText("This will happen to 2 instances:").waitFor();
      await berth.api("DELETE", `/instances/${id}`);
      await page.getByRole("button", { name: "Show QR codes" }).click();
      await page.getByRole("alert").getByText("One instance failed.").waitFor();
      await page.getByText("This happened to one instance:").waitFor();
      await sound(page, "one that failed");
      await page.getByRole("button", { name: "Try those that failed again" }).click();
      await page.getByText("Nothing would happen.").waitFor();
    });
  });
}
