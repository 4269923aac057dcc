// A browser, and what is looked at on every page.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

import { ACCOUNT } from "./berth.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const WIDTHS = { desktop: [1280, 800], tablet: [820, 1100], phone: [360, 740] };

export const launch = () =>
  chromium.launch({ executablePath: process.env.BERTH_TEST_BROWSER, args: ["--no-sandbox"] });

// A reader: a browser of their own, who is signed in unless told otherwise. Whatever a page writes into its console, and
// whatever it asks of elsewhere, is an error. They look at every page as a whole on the embedded engine alone: on NATS it is the same page.
export const reader = async (browser, berth, { token = ACCOUNT, width = "desktop", script = true, whole = !berth.nats, ...rest } = {}) => {
  const [w, h] = WIDTHS[width];
  const context = await browser.newContext({
    viewport: { width: w, height: h }, javaScriptEnabled: script, locale: "en-GB", timezoneId: "America/Sao_Paulo",
    reducedMotion: "reduce", ...rest,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  Object.assign(page, { complaints: [], script, whole });
  page.on("pageerror", (error) => page.complaints.push(`${error}`));
  page.on("console", (message) => {
    const expected = /the server responded with a status of (4\d\d)/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !expected) page.complaints.push(message.text());
  });
  page.on("request", (request) => {
    const own = request.url().startsWith(berth.address) || request.url().startsWith("data:");
    if (!own) page.complaints.push(`asked ${request.url()}`);
  });
  if (token) await signIn(page, berth, token);
  return page;
};

export const signIn = async (page, berth, token) => {
  await page.goto(`${berth.address}/console/`);
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
};

// What a page shows by itself as soon as it is so, and without JavaScript when it is asked again.
export const comes = async (page, berth, what) => {
  if (page.script) return what.waitFor();
  return berth.eventually(async () => {
    if (await what.isVisible()) return true;
    await page.reload();
    return what.isVisible();
  }, `${what}`);
};

export const withOrWithout = (script) => `${script ? "with" : "without"} JavaScript`;

// Takes from the pages that follow whatever they would do again and again by themselves: what such a page shows anew, it has
// heard of.
export const withoutPolls = (page) =>
  page.addInitScript(() => {
    const sooner = window.setTimeout;
    window.setTimeout = (what, ms, ...rest) => (ms >= 1000 ? 0 : sooner(what, ms, ...rest));
  });

// What must hold on every page: nobody is shut out, nothing was complained of.
export const sound = async (page, what) => {
  assert.deepEqual(page.complaints, [], what);
  // axe is a script itself.
  if (!page.script) return;
  // As a message to the page's own world: the policy of the page forbids every script that is not its own file.
  const found = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
  const faults = found.violations.map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(faults, [], what);
  assert.deepEqual(page.complaints, [], what);
};

// Whatever somebody can choose and somebody else is shown: names that try to be more than names.
export const EVIL = `"'><img src=x onerror="document.title='owned'">{{7*7}}`;

// That a page shows such a name, as a name.
export const harmless = async (page, what) => {
  await page.getByText("owned").first().waitFor();
  assert.ok(!(await page.title()).startsWith("owned"), what);
  assert.equal(await page.locator("img[src=x]").count(), 0, what);
  await sound(page, what);
};

export const shoot = (page, name) =>
  page.screenshot({ path: join(process.env.BERTH_TEST_SCREENSHOTS, `${name}.png`), fullPage: true });

// A page as each kind of reader sees it: sound in both schemes, nothing sticks out at the side at any width, and
// pictures are kept.
export const seen = async (page, title) => {
  if (!page.whole) return sound(page, title);
  const name = page.script ? title : `${title}-without-javascript`;
  for (const [width, colorScheme, looks] of [
    ["phone", "dark", true], ["tablet", "light", false], ["desktop", "dark", false], ["desktop", "light", true],
  ]) {
    if (!page.script && !looks) continue;
    const [w, h] = WIDTHS[width];
    await page.setViewportSize({ width: w, height: h });
    await page.emulateMedia({ colorScheme });
    const what = `${name}, ${width}, ${colorScheme}`;
    const out = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(out <= 0, `${what}: ${out} px stick out`);
    // What hides what sticks out of it would cut a column off.
    const cut = await page.evaluate(() => [...document.querySelectorAll(".card.flush")].some((card) => card.scrollWidth > card.clientWidth));
    assert.ok(!cut, `${what}: a table is cut off`);
    if (looks) await sound(page, what);
    await shoot(page, `${name}-${width}-${colorScheme}`);
  }
};
