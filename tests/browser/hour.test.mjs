// The first hour of docs/first-hour.md, as it stands there: its commands in a shell, its buttons in a browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { launch, reader, seen } from "./browser.mjs";
import { freePort } from "./nginx.mjs";

// What differs from run to run, as words of one kind.
const MASKS = [
  [/\bberth_(account|root)_[a-z0-9]+/g, "<token>"], [/\b[0-9a-v]{26}\b/g, "<id>"], [/\b[0-9a-f]{64}\b/g, "<hash>"],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b/g, "<time>"], [/\b\d{10}\b/g, "<number>"], [/127\.0\.0\.1:\d+/g, "<address>"],
];
const masked = (text) => MASKS.reduce((masked, [what, word]) => masked.replace(what, word), text);

// A program that runs beside, as somebody at a terminal starts it, and what it said so far.
class Terminal {
  constructor(command, options) {
    this.said = "";
    // In a group of its own: Ctrl-C is for all of it.
    this.process = spawn("script", ["-qec", command, "/dev/null"], { ...options, detached: true });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on("data", (piece) => { this.said += `${piece}`.replace(/\x1b\[[0-9;]*m|\r/g, ""); });
    }
    this.ended = new Promise((resolve) => this.process.on("exit", resolve));
  }

  interrupt() {
    if (this.process.exitCode === null) this.process.stdin.write("\x03");
    return this.ended;
  }
}

let page, folder, browser, port, environment;
const terminals = [];
before(async () => {
  [browser, folder, port] = await Promise.all([launch(), mkdtemp(join(tmpdir(), "berth-hour-")), freePort()]);
  page = (await readFile(process.env.BERTH_TEST_FIRST_HOUR, "utf8")).replaceAll("127.0.0.1:8480", `127.0.0.1:${port}`);
  const binaries = dirname(process.env.BERTH_TEST_BINARY);
  environment = { PATH: `${binaries}:${process.env.PATH}`, HOME: folder, TERM: "dumb", BERTH_HTTP: `127.0.0.1:${port}` };
});
after(async () => {
  await Promise.all(terminals.map((terminal) => terminal.interrupt()));
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

const section = (heading) => page.split(`\n## ${heading}\n`)[1].split("\n## ")[0];
const blocks = (heading) => [...section(heading).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text);
// Commands with the lines that they shall print.
const shown = (block) => block.split(/^\$ /m).slice(1).map((part) => {
  const [command, ...lines] = part.trimEnd().split("\n");
  return { command, lines };
});

const eventually = async (is, what) => {
  const deadline = Date.now() + 30_000;
  while (!is()) {
    if (Date.now() > deadline) throw new Error(`${what()} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

// Whether these lines stand in a text in this order, with others between them.
const has = (text, lines) => {
  let from = 0;
  return lines.every((line) => {
    const wanted = masked(line);
    const at = text.indexOf(wanted, from);
    from = at + wanted.length;
    return at >= 0;
  });
};

const start = (command) => {
  const terminal = new Terminal(command, { cwd: folder, env: environment });
  terminals.push(terminal);
  return terminal;
};

const says = (terminal, lines) =>
  eventually(() => has(masked(terminal.said), lines), () => `${lines.join("\n")}\nin\n${terminal.said}\n`);

const run = async (block) => {
  for (const { command, lines } of shown(block)) {
    const child = spawn("bash", ["--norc", "-euc", command], { cwd: folder, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (piece) => { said += piece; });
    child.stderr.on("data", (piece) => { said += piece; });
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(masked(said.trimEnd()), masked(lines.join("\n")), command);
    assert.equal(code, 0, command);
  }
};

test("the first hour is as it is written", async () => {
  const [build] = blocks("Build");
  assert.match(build, /^cargo build --release -p berth -p berthctl\nexport PATH=/, "what is built is what was built for this");
  const [serve, variables, whoami] = blocks("Start");
  const [{ command, lines }] = shown(serve);
  const berth = start(command);
  await says(berth, lines);
  const token = berth.said.match(/berth_account_[a-z0-9]+/)[0];
  for (const [, name, value] of variables.matchAll(/^export (\w+)=(\S+)/gm)) {
    environment[name] = value.replace("berth_account_…", token);
  }
  await run(whoami);

  const used = new Set();
  const says_ = (label) => {
    used.add(label);
    return label;
  };
  const at = { address: `http://127.0.0.1:${port}` };
  const person = await reader(browser, at, { token: null });
  const press = (label) => person.getByRole("button", { name: says_(label), exact: true }).first().click();
  const follow = (label) => person.getByRole("link", { name: says_(label), exact: true }).first().click();
  await person.goto(`${at.address}/console`);
  await person.getByLabel(says_("Token"), { exact: true }).fill(token);
  await press("Sign in");
  await follow("New instance");
  await person.getByLabel(says_("Name")).fill("shop");
  await press("Create");
  await follow("Open the instance");
  await press("Show a QR code");
  await press("Scan the code");
  await person.getByText(/Linked to Ana, \+5511987654321 since .*; the connection is open\. Webhooks are told everything\./).waitFor();
  await run(blocks("Link a phone")[0]);

  const [heard] = shown(blocks("Receive a webhook")[0]);
  const listen = start(heard.command);
  await says(listen, heard.lines.slice(0, 1));
  await press("Lose the connection");
  await person.getByText(/the connection is lost since/).waitFor();
  await press("Let it come back");
  await person.getByText(/the connection is open/).waitFor();
  await follow("Webhooks");
  await follow("Signing secret");
  await person.getByRole("heading", { name: "How a receiver checks the signature" }).waitFor();
  await seen(person, "first-hour-secret");
  await follow("Deliveries");
  await person.getByText("Delivered", { exact: true }).first().waitFor();
  await follow("Overview");
  await person.getByText(says_("Log out…")).click();
  await press("Log out");
  await person.getByText("Logged out. Webhooks are silent.").waitFor();
  await says(listen, heard.lines.slice(0, -1));
  await listen.interrupt();
  await says(listen, heard.lines);

  await follow("Timeline");
  await person.getByText("WhatsApp confirmed that the phone is unlinked.").waitFor();
  await press("Verify the history");
  await person.getByText("The history holds: 11 entries").waitFor();
  await run(blocks("See who did what, and that nobody changed it")[0]);

  const named = new Set([...page.matchAll(/\*\*(.+?)\*\*/g)].map(([, label]) => label));
  assert.deepEqual([...named].sort(), [...used].sort(), "every label of the page was used, and no other");
  await berth.interrupt();
});
