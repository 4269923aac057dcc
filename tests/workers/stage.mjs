// A deployment, workers and a fake WhatsApp, each in a process or a server of its own, and the words of the stories.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Edge } from "./edge.mjs";

const ACCOUNT = "workers-account-token-001";
const TOKEN = "workers-token-00000000001";
// No story ends by it; it is long since a machine may be busy with fifty links and other tests.
const PATIENCE_MS = 120_000;
const QR_WAIT_MS = 20_000;
const PAUSE_MS = 50;
const READ_TRIES = 20;
// The library whose worker the stories are about, and where that worker is installed.
export const LIBRARY = process.env.BERTH_TEST_LIBRARY;
const WORKER = process.env.BERTH_TEST_WORKER;
// Whether workers speak over NATS where a story does not say over what.
const OVER_NATS = process.env.BERTH_TEST_WIRE === "nats";

// How each worker is started as its README says, with its library led to the fake WhatsApp and nothing else changed.
const STARTS = {
  baileys: ({ url, identity }) => ({
    command: ["node", "--import", "./trust.mjs", "worker.mjs"],
    settings: { EDGE_URL: url, EDGE_ROOT: identity.root.toString("hex") },
  }),
  whatsmeow: ({ proxy, identity }) => ({
    command: [join(WORKER, "venv/bin/python"), "worker.py"],
    settings: {
      PYTHONPATH: join(WORKER, "trust"),
      EDGE_ROOT: identity.root.toString("hex"),
      https_proxy: proxy,
      no_proxy: "127.0.0.1",
      SSL_CERT_FILE: process.env.BERTH_TEST_CERTIFICATE,
    },
  }),
};

export class Stage {
  // With one Berth on the embedded engine, or one or several on NATS, where workers may speak over NATS too.
  static async start({ workers = 1, onNats = Number(OVER_NATS), speakNats = OVER_NATS } = {}) {
    const stage = new Stage();
    stage.speakNats = speakNats;
    stage.edge = await Edge.start({
      cert: await readFile(process.env.BERTH_TEST_CERTIFICATE),
      key: await readFile(process.env.BERTH_TEST_CERTIFICATE_KEY),
    });
    stage.folder = await mkdtemp(join(tmpdir(), "berth-workers-"));
    if (onNats > 0) await stage.startNats();
    stage.berths = [];
    for (let index = 0; index < Math.max(1, onNats); index++) {
      stage.berths.push({ name: `berth-${index + 1}`, port: await freePort(), process: null });
    }
    stage.workers = Array.from({ length: workers }, (_, index) => ({ name: `w${index + 1}`, process: null }));
    for (const berth of stage.berths) await stage.startBerth(berth);
    stage.workers.forEach((worker) => stage.startWorker(worker));
    return stage;
  }

  // What must be true of every story, then the end.
  async stop() {
    for (const { process } of this.workers) await end(process, "SIGTERM");
    for (const { process } of this.berths) await end(process, "SIGTERM");
    await end(this.nats, "SIGTERM");
    await this.edge.stop();
    await rm(this.folder, { recursive: true, force: true });
    if (this.edge.wrongs.length > 0) throw new Error(`at WhatsApp: ${this.edge.wrongs.join("; ")}`);
  }

  async startNats() {
    const port = (this.natsPort ??= await freePort());
    const settings = ["--jetstream", "--store_dir", join(this.folder, "nats"), "--addr", "127.0.0.1", "--port", String(port)];
    this.nats = start(process.env.BERTH_TEST_NATS_SERVER, settings, this.folder, {});
    this.onNats = { BERTH_NATS_URL: `nats://127.0.0.1:${port}`, BERTH_MASTER_KEY: Buffer.alloc(32, 7).toString("base64") };
  }

  async startBerth(berth = this.berths[0]) {
    berth.process = start(process.env.BERTH_TEST_BINARY, ["serve"], this.folder, {
      ...this.onNats,
      BERTH_DATA: join(this.folder, berth.name),
      BERTH_HTTP: `127.0.0.1:${berth.port}`,
      BERTH_ACCOUNT_TOKEN: ACCOUNT,
      BERTH_ROOT_KEY: "workers-root-key-00000001",
      BERTH_WORKERS: LIBRARY,
      BERTH_WORKER_TOKEN: TOKEN,
      BERTH_CONSOLE: "off",
      BERTH_LOG: "error",
    });
    const address = `http://127.0.0.1:${berth.port}`;
    await this.eventually("berth is ready", async () => (await fetch(`${address}/readyz`)).ok);
    this.address = address;
  }

  startWorker(worker) {
    const { command, settings } = STARTS[LIBRARY](this.edge);
    const overSockets = { BERTH_URL: this.berths.map(({ port }) => `ws://127.0.0.1:${port}`).join(), BERTH_WORKER_TOKEN: TOKEN };
    worker.process = start(command[0], command.slice(1), WORKER, {
      ...(this.speakNats ? { BERTH_NATS_URL: this.onNats.BERTH_NATS_URL } : overSockets),
      BERTH_WORKER_NAME: worker.name,
      BERTH_WORKER_KEY: Buffer.alloc(32, worker.name).toString("base64"),
      BERTH_WORKER_DATA: this.folderOf(worker),
      BERTH_WORKER_CAPACITY: "60",
      ...settings,
    });
  }

  folderOf(worker) {
    return join(this.folder, worker.name);
  }

  // Devices whose keys the workers have.
  async keys() {
    const all = this.workers.map((worker) => devices(this.folderOf(worker)));
    return (await Promise.all(all)).flat();
  }

  // What the workers keep, as it lies on the disk; looked for again if a file was replaced meanwhile.
  async files() {
    for (let tries = 1; ; tries++) {
      const all = this.workers.map((worker) => readdir(this.folderOf(worker), { recursive: true, withFileTypes: true }));
      const files = (await Promise.all(all)).flat().filter((entry) => entry.isFile());
      try {
        return await Promise.all(files.map(async ({ path, name }) => ({ name, bytes: await readFile(join(path, name)) })));
      } catch (error) {
        if (error.code !== "ENOENT" || tries === READ_TRIES) throw error;
      }
    }
  }

  // The worker that has the keys of a device.
  async owner() {
    for (const worker of this.workers) {
      if ((await devices(this.folderOf(worker))).length > 0) return worker;
    }
    throw new Error("no worker has keys");
  }

  // The others, if there are any, are asked from now on.
  async killBerth(berth = this.berths[0]) {
    await end(berth.process, "SIGKILL");
    const other = this.berths.find((one) => one !== berth);
    if (other) this.address = `http://127.0.0.1:${other.port}`;
  }

  // All of it is on the disk, and nobody is told.
  async killNats() {
    await end(this.nats, "SIGKILL");
  }

  killWorker(worker = this.workers[0]) {
    return end(worker.process, "SIGKILL");
  }

  // === asking ===

  async api(method, path, body) {
    const answer = await fetch(`${this.address}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${ACCOUNT}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  create(name) {
    return this.api("POST", "/instances", { name, link: { worker: LIBRARY } });
  }

  get(name) {
    return this.api("GET", `/instances/${name}`);
  }

  post(name, command, body = {}) {
    return this.api("POST", `/instances/${name}/${command}`, body);
  }

  // The text of the QR code that a new attempt shows.
  async qr(name) {
    let shown;
    await this.eventually(`${name} shows a code`, async () => {
      shown = await this.post(name, "connect", { wait_ms: QR_WAIT_MS });
      return shown.qr;
    });
    return shown.qr.text;
  }

  // An instance with a device that is open; gives the device's JID.
  async linked(name, number) {
    await this.create(name);
    return this.link(name, number);
  }

  async link(name, number) {
    const jid = this.edge.scan(await this.qr(name), number);
    await this.open(name);
    return jid;
  }

  // === waiting ===

  // Asks again until it is so: there is nothing to wait for but the thing itself.
  async eventually(what, is) {
    const deadline = Date.now() + PATIENCE_MS;
    let last;
    for (;;) {
      try {
        if (await is()) return;
      } catch (error) {
        last = error;
      }
      if (Date.now() > deadline) {
        throw new Error(`${what}: not in time ${last ?? ""}\n${this.edge.seen.slice(-40).join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  is(name, what, is) {
    return this.eventually(`${name} is ${what}`, async () => is(await this.get(name)));
  }

  open(name) {
    return this.is(name, "open", ({ connection }) => connection === "open");
  }

  lost(name) {
    return this.is(name, "lost", ({ connection }) => connection === "lost");
  }

  unlinked(name) {
    return this.is(name, "unlinked", ({ unlinks }) => unlinks.length > 0 && unlinks.every(({ status }) => status === "confirmed"));
  }

  // Nothing is left of any device: not at WhatsApp, and no keys.
  async nothingIsLeft() {
    await this.eventually("no device is left", () => this.edge.devices.size === 0 && this.edge.connected.length === 0);
    await this.eventually("no keys are left", async () => (await this.keys()).length === 0);
  }

  // What happened to an instance: names and what they say.
  async history(name) {
    const { events } = await this.api("GET", `/instances/${name}/events`);
    return events.map(({ type, data }) => ({ type, ...data }));
  }

  async last(name, type) {
    const events = await this.history(name);
    return events.findLast((event) => event.type === type);
  }
}

// A worker that never had one has no folder.
function devices(folder) {
  return readdir(folder).catch(() => []);
}

function start(command, args, folder, settings) {
  const started = spawn(command, args, { cwd: folder, env: { PATH: process.env.PATH, ...settings } });
  for (const stream of [started.stdout, started.stderr]) {
    stream.on("data", (said) => process.env.BERTH_TEST_LOUD && process.stderr.write(said));
  }
  return started;
}

async function end(running, signal) {
  if (!running || running.exitCode !== null || running.signalCode !== null) return;
  const ended = once(running, "exit");
  running.kill(signal);
  await ended;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
