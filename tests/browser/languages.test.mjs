// Every page in every language: in it whole, and no wider than a phone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACCOUNT, Berth, ROOT } from "./berth.mjs";
import { launch, reader, WIDTHS } from "./browser.mjs";

let berth, browser, pages;
before(async () => {
  [berth, browser] = await Promise.all([Berth.start({ BERTH_EVIDENCE_INTERVAL: "1" }), launch()]);
  const { id: linked } = await berth.create("harbour");
  const { id: webhook } = await berth.api("POST", `/instances/${linked}/webhooks`, { url: "http://127.0.0.1:9999/hook" });
  const { id: wide } = await berth.api("POST", "/webhooks", { url: "http://127.0.0.1:9999/all", rate: 20, concurrency: 4 });
  await berth.link("harbour");
  const { id: pairing } = await berth.create("quay");
  await berth.api("POST", "/instances/quay/connect", {});
  const { id: out } = await berth.create("pier");
  await berth.link("pier");
  await berth.api("POST", "/instances/pier/logout", { wait: "unlinked" });
  const { accounts } = await berth.api("GET", "/accounts", undefined, ROOT);
  const own = `i/${linked}`;
  pages = {
    [ACCOUNT]: [
      "", "?state=linked", "?q=nothing-like-that", "new", own, `i/${pairing}`, `i/${out}`, `${own}/timeline?at=3`, `${own}/webhooks`,
      `${own}/webhooks/${webhook}/deliveries`, `${own}/webhooks/${webhook}/secret`, `${own}/deliveries`, `${own}/settings`, `${own}/danger`,
      "webhooks", `webhooks/${wide}/secret`, "audit", "accounts", "nothing",
    ],
    [ROOT]: ["accounts", `accounts/${accounts[0].id}`, "cluster", "audit"],
  };
});
after(async () => {
  await Promise.all([browser?.close(), berth?.stop()]);
});

// Sentences of a page: what has three words or more, is no program's and is not said to be English.
const sentences = (page) =>
  page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.textContent.trim().replace(/\s+/g, " ");
      const is_other = node.parentElement.closest("code, pre, script, style, time, [lang=en], textarea, option");
      if (!is_other && /\p{L}{2,} .*\p{L}{2,} .*\p{L}{2,}/u.test(text)) found.push(text);
    }
    return found;
  });

for (const [language, tag] of [["Português", "pt-BR"], ["Español", "es"]]) {
  test(`every page is there in ${language}`, async () => {
    for (const token of [ACCOUNT, ROOT]) {
      const english = await reader(browser, berth, { token });
      const page = await reader(browser, berth, { token });
      await page.getByRole("button", { name: language }).click();
      for (const path of pages[token]) {
        const what = `${path || "the list"}, ${tag}`;
        await Promise.all([english.goto(`${berth.address}/console/${path}`), page.goto(`${berth.address}/console/${path}`)]);
        assert.equal(await page.evaluate(() => document.documentElement.lang), tag, what);
        const known = new Set(await sentences(english));
        const left = (await sentences(page)).filter((text) => known.has(text));
        assert.deepEqual(left, [], `${what}: these are English`);
        const [width, height] = WIDTHS.phone;
        await page.setViewportSize({ width, height });
        const out = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(out <= 0, `${what}: ${out} px stick out`);
        assert.deepEqual(page.complaints, [], what);
        const [wide, high] = WIDTHS.desktop;
        await page.setViewportSize({ width: wide, height: high });
      }
    }
  });
}
