// The operator's accounts and the page of the cluster.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Berth, ENGINES, ROOT, SCRIPTS } from "./berth.mjs";
import { comes, EVIL, harmless, launch, reader, seen, sound, withOrWithout } from "./browser.mjs";

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
      test(`the operator makes an account, works in it and closes it ${withOrWithout(script)}`, async () => {
        const page = await reader(browser, berth, { token: ROOT, script });
        const [office, master] = [`harbour office ${script}`, `harbour master ${script}`];
        await page.getByRole("heading", { name: "Accounts" }).waitFor();
        await page.getByLabel("Name").fill(office);
        await page.getByRole("button", { name: "Create" }).click();
        const token = await page.getByLabel("Token of the account").inputValue();
        await sound(page, "an account's token");
        await page.getByRole("link", { name: "Accounts" }).click();
        await page.getByRole("link", { name: office }).waitFor();
        await seen(page, "accounts");
        await page.getByRole("link", { name: office }).click();
        await page.getByRole("button", { name: "Enter" }).click();
        await page.getByText("No instance yet").waitFor();
        await page.getByRole("link", { name: "New instance" }).first().click();
        await page.getByLabel("Name").fill("quay");
        await page.getByRole("button", { name: "Create" }).click();
        await page.getByRole("link", { name: "Open the instance" }).click();
        await page.getByRole("link", { name: "Timeline" }).click();
        await page.getByText("Operator · console · 127.0.0.1").waitFor();
        await page.getByRole("button", { name: "Leave the account" }).click();
        await page.getByRole("link", { name: office }).click();
        await page.getByLabel("Name", { exact: true }).fill(master);
        await page.getByRole("region", { name: "Rename" }).getByRole("button", { name: "Save" }).click();
        await page.getByText("The account is changed.").waitFor();
        await seen(page, "account");
        const own = await reader(browser, berth, { token });
        await own.getByRole("link", { name: "quay" }).waitFor();
        await own.goto(`${berth.address}/console/accounts`);
        await own.getByRole("heading", { name: "That was not done" }).waitFor();
        await page.getByLabel("Type the name to confirm").fill(master);
        await page.getByRole("button", { name: "Close the account" }).click();
        await page.getByText("The account is closed.").waitFor();
      });
    }

    for (const script of SCRIPTS[engine]) {
      test(`the operator keeps attributes and a webhook with an account, and moves an instance into it ${withOrWithout(script)}`, async () => {
        const page = await reader(browser, berth, { token: ROOT, script });
        const account = await berth.api("POST", "/accounts", { name: `${EVIL} ${script}` }, ROOT);
        const { id } = await berth.create(`to-be-moved-${script}`);
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
        for (const path of [`accounts/${account.id}`, "accounts"]) {
          await page.goto(`${berth.address}/console/${path}`);
          await harmless(page, path);
        }
        // The root key is shown no names there.
        await page.goto(`${berth.address}/console/audit`);
        await sound(page, "audit");
        await page.goto(`${berth.address}/console/accounts/${account.id}`);
        await page.getByRole("button", { name: "Enter" }).click();
        await page.getByRole("link", { name: `to-be-moved-${script}` }).waitFor();
      });
    }

    for (const script of SCRIPTS[engine]) {
      test(`the cluster's page shows who does what ${withOrWithout(script)}`, async () => {
        const page = await reader(browser, berth, { token: ROOT, script });
        await page.getByRole("link", { name: "Cluster" }).click();
        await comes(page, berth, page.getByText("partitions with an owner: 64 of 64").first());
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
        const own = await reader(browser, berth, { script });
        assert.equal(await own.getByRole("link", { name: "Cluster" }).count(), 0);
        await own.goto(`${berth.address}/console/cluster`);
        await own.getByRole("heading", { name: "That was not done" }).waitFor();
      });
    }
  });
}
