// A deployment in a process of its own, with an empty data folder, and what its API is asked for beside the browser.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Nats } from "./nats.mjs";

export const ACCOUNT = "browser-account-token-0001";
export const ROOT = "browser-root-key-00000001";

// What may keep the log of a deployment.
export const ENGINES = ["embedded", "NATS"];
// Whether JavaScript runs, engine by engine: none of them knows of it, so pages without it are looked at once.
export const SCRIPTS = { embedded: [true, false], NATS: [true] };
const MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

export class Berth {
  // On an engine: NATS is a server of its own, which ends with the deployment.
  static async on(engine, settings = {}) {
    if (engine === "embedded") return Berth.start(settings);
    const nats = await Nats.start();
    try {
      return Object.assign(await Berth.start({ BERTH_NATS_URL: nats.address, BERTH_MASTER_KEY: MASTER_KEY, ...settings }), { nats });
    } catch (error) {
      await nats.stop();
      throw error;
    }
  }

  static async start(settings = {}) {
    const data = await mkdtemp(join(tmpdir(), "berth-browser-"));
    const environment = {
      PATH: process.env.PATH,
      BERTH_DATA: data,
      BERTH_HTTP: "127.0.0.1:0",
      BERTH_ACCOUNT_TOKEN: ACCOUNT,
      BERTH_ROOT_KEY: ROOT,
      BERTH_WEBHOOK_ALLOW: "127.0.0.0/8",
      BERTH_LOG: "warn",
      ...settings,
    };
    const process_ = spawn(process.env.BERTH_TEST_BINARY, ["serve"], { env: environment, cwd: data });
    process_.stderr.pipe(process.stderr);
    const address = await new Promise((resolve, reject) => {
      let said = "";
      process_.stdout.on("data", (piece) => {
        said += piece;
        const found = said.match(/listens on (http:\S+)/);
        if (found) resolve(found[1]);
      });
      process_.on("exit", (code) => reject(new Error(`berth ended with ${code}: ${said}`)));
    });
    const berth = new Berth(process_, data, address);
    await berth.eventually(async () => (await fetch(`${address}/readyz`)).ok);
    return berth;
  }

  constructor(process_, data, address) {
    Object.assign(this, { process: process_, data, address });
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    await this.nats?.stop();
    await rm(this.data, { recursive: true, force: true });
  }

  // Asks again until it is so: there is nothing to wait for but the thing itself.
  async eventually(is, what = "that") {
    const deadline = Date.now() + 20_000;
    for (;;) {
      if (await is().catch(() => false)) return;
      if (Date.now() > deadline) throw new Error(`${what} did not come`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async api(method, path, body, token = ACCOUNT) {
    const answer = await fetch(`${this.address}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  create(name) {
    return this.api("POST", "/instances", { name });
  }

  async link(name, person = "Ana", phone = "5511987654321") {
    await this.api("POST", `/instances/${name}/connect`, {});
    await this.api("POST", `/instances/${name}/simulate`, { action: "scan", phone, push_name: person });
    await this.eventually(async () => (await this.api("GET", `/instances/${name}`)).connection === "open", "a link");
  }
}
