// What endpoints were sent: the log of deliveries, sending again, tests, and the secret.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Berth, ENGINES, SCRIPTS } from "./berth.mjs";
import { comes, launch, reader, seen, sound, withOrWithout } from "./browser.mjs";
import { Receiver } from "./receiver.mjs";

const EVIL = `</pre><script>document.title='owned'</script><b>upstream is down</b>`;

for (const engine of ENGINES) {
  describe(`on ${engine}`, () => {
    let berth, browser, receiver;
    before(async () => {
      [berth, browser, receiver] = await Promise.all([Berth.on(engine), launch(), Receiver.start()]);
    });
    after(async () => {
      await Promise.all([browser?.close(), berth?.stop(), receiver?.stop()]);
    });

    const told = async (name, status, body = "") => {
      Object.assign(receiver, { status, body });
      const { id } = await berth.create(name);
      const { id: webhook } = await berth.api("POST", `/instances/${id}/webhooks`, { url: `${receiver.address}/hook` });
      await berth.link(id);
      return { id, list: `${berth.address}/console/i/${id}/webhooks/${webhook}/deliveries` };
    };

    const standing = (id, state) => berth.eventually(async () => {
      const { deliveries } = await berth.api("GET", `/deliveries?instance=${id}&state=${state}`);
      return deliveries.length > 0;
    }, state);

    for (const script of SCRIPTS[engine]) {
      test(`a delivery shows its attempts and is sent again ${withOrWithout(script)}`, async () => {
        const { id, list } = await told(`quay-${script}`, 503, EVIL);
        await standing(id, "waiting");
        const page = await reader(browser, berth, { script });
        await page.goto(`${berth.address}/console/i/${id}`);
        await page.getByRole("link", { name: "Deliveries" }).click();
        await comes(page, berth, page.getByText("Answered 503").first());
        await page.getByText(/Next try/).first().waitFor();
        await seen(page, "deliveries");
        await page.getByRole("link", { name: receiver.address }).first().click();
        await page.getByText(/Of the last 24 hours: \d+ waiting/).waitFor();
        assert.equal(page.url(), list);
        await page.getByRole("table").getByRole("link", { name: "instance.linked" }).click();
        await page.getByText("Answered 503").first().waitFor();
        await page.getByText("upstream is down").first().waitFor();
        assert.ok(!(await page.title()).startsWith("owned"));
        await page.getByRole("heading", { name: "How a receiver checks the signature" }).waitFor();
        await seen(page, "delivery");
        receiver.status = 204;
        await page.getByRole("button", { name: "Try it now" }).click();
        await page.getByText("On its way.").waitFor();
        await berth.eventually(async () => {
          await page.reload();
          return page.getByText("Delivered", { exact: true }).first().isVisible();
        }, "the delivery");
        await page.getByRole("button", { name: "Send it again" }).click();
        await page.getByText("On its way.").waitFor();
      });
    }

    for (const script of SCRIPTS[engine]) {
      test(`an endpoint is tried, and what waited is brought ${withOrWithout(script)}`, async () => {
        const { id, list } = await told(`pier-${script}`, 503);
        await standing(id, "waiting");
        receiver.status = 200;
        const page = await reader(browser, berth, { script });
        await page.goto(list);
        await page.getByRole("button", { name: "Send a test" }).click();
        await page.getByText(/The endpoint took it: Answered 200/).waitFor();
        await seen(page, "tested");
        receiver.status = 500;
        await page.getByRole("button", { name: "Send another test" }).click();
        await page.getByText(/The endpoint did not take it: Answered 500/).waitFor();
        receiver.status = 200;
        await page.getByRole("main").getByRole("link", { name: "Deliveries" }).last().click();
        await page.getByRole("button", { name: "Retry now" }).click();
        await page.getByRole("status").getByText(/tried now|Nothing waits/).waitFor();
        await comes(page, berth, page.getByText("Delivered", { exact: true }).nth(1));
        await page.getByText("Recover…").click();
        await page.getByLabel("Since").selectOption("the last 7 days");
        await seen(page, "endpoint");
        await page.getByRole("button", { name: "Recover", exact: true }).click();
        await page.getByText("There was nothing to recover.").waitFor();
        await page.getByRole("link", { name: "Waiting" }).click();
        await page.getByText("Nothing here.").waitFor();
      });
    }

    test("what a logout silenced says so, and nothing is sent after it", async () => {
      const { id, list } = await told("mole", 503);
      await standing(id, "waiting");
      await berth.api("POST", `/instances/${id}/logout`, { wait: "unlinked" });
      await standing(id, "cancelled_by_logout");
      const page = await reader(browser, berth, { script: false });
      await page.goto(list);
      await page.getByRole("link", { name: "Cancelled" }).click();
      await page.getByText(/Silenced by the logout in version \d+/).first().waitFor();
      await page.getByRole("button", { name: "Retry now" }).click();
      await page.getByRole("button", { name: "Send a test" }).click();
      await page.getByRole("alert").getByText("The instance is silent").waitFor();
      await page.getByText("Recover…").click();
      await page.getByRole("button", { name: "Recover", exact: true }).click();
      await page.getByRole("alert").getByText("The instance is silent").waitFor();
      const own = await reader(browser, berth);
      await own.goto(`${list}?state=cancelled`);
      await seen(own, "deliveries-silenced");
      await own.getByRole("table").getByRole("link", { name: "instance.linked" }).click();
      await own.getByText("This is not sent again").waitFor();
      await sound(own, "a delivery that was silenced");
      await own.getByRole("link", { name: /^version \d+$/ }).last().click();
      await own.getByText("The session ended (command).").waitFor();
    });

    for (const script of SCRIPTS[engine]) {
      test(`a secret is looked at and changed with an overlap ${withOrWithout(script)}`, async () => {
        const { list } = await told(`dock-${script}`, 200);
        const page = await reader(browser, berth, { script });
        await page.goto(list);
        await page.getByRole("link", { name: "Signing secret" }).click();
        const secret = await page.getByLabel("Signs what is sent").inputValue();
        assert.match(secret, /^whsec_/);
        await page.getByLabel("The former one signs beside it").selectOption("for 3 days");
        await page.getByRole("button", { name: "Make a new secret" }).click();
        await page.getByText("The new secret signs from now on.").waitFor();
        assert.equal(await page.getByLabel("Signs beside it", { exact: true }).inputValue(), secret);
        assert.notEqual(await page.getByLabel("Signs what is sent").inputValue(), secret);
        for (const [language, words] of [["Python", "pip install standardwebhooks"], ["Node.js", "createServer"], ["Go", "hmac.New"], ["Rust", "standardwebhooks::Webhook"]]) {
          await page.getByText(language, { exact: true }).click();
          await page.getByText(words).first().waitFor();
        }
        await page.getByText("Python", { exact: true }).click();
        await seen(page, "secret");
      });
    }
  });
}
