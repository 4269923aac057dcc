// A worker for Berth: it connects to the connectors, is told which links to run, and reports what happens on them.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Keys } from "./keys.mjs";
import { Link, failed } from "./link.mjs";
import { overNats, overWebSocket } from "./wires.mjs";

const setting = (name, otherwise) => process.env[name] || otherwise || exit(`${name} is not set`);
const exit = (why) => {
  console.error(why);
  process.exit(64);
};
const data = setting("BERTH_WORKER_DATA", "worker-data");
const key = Buffer.from(setting("BERTH_WORKER_KEY"), "base64");
if (key.length !== 32) exit("BERTH_WORKER_KEY is not 32 bytes in base64: `openssl rand -base64 32` makes some");
const hello = {
  kind: "hello",
  contracts: [1],
  worker: setting("BERTH_WORKER_NAME"),
  process: randomUUID(),
  library: "baileys",
  version: createRequire(import.meta.url)("baileys/package.json").version,
  capacity: Number(setting("BERTH_WORKER_CAPACITY", "200")),
};

// What runs, by device, and what is known of each: its keys, and the highest epoch that it was asked for under.
const running = new Map();
const devices = new Map();

// A session with one connector.
class Berth {
  constructor(where, send, end) {
    Object.assign(this, { where, send, end, heardAt: Date.now() });
    // Who waits for an answer, by run.
    this.asked = new Map();
  }

  heard({ kind, ...message }) {
    this.heardAt = Date.now();
    const kinds = {
      welcome: ({ heartbeat_ms, unowned_ms }) => {
        console.log(`connected to ${this.where}`);
        this.unownedMs = unowned_ms;
        this.beat = setInterval(() => {
          this.send({ kind: "heartbeat" });
          if (Date.now() - this.heardAt > 3 * heartbeat_ms) this.end();
        }, heartbeat_ms);
      },
      refused: ({ code, message }) => {
        console.error(`refused by ${this.where}: ${code}: ${message}`);
        this.end();
      },
      run: ({ start, phone, ...place }) => this.begin(place, start, phone),
      unlink: (place) => this.begin(place, "unlink"),
      stop: (place) => this.stop(place),
      answer: ({ run, next }) => this.asked.get(run)?.(next),
    };
    kinds[kind]?.(message);
  }

  begin({ run, instance, attempt, epoch }, task, phone) {
    const device = `${instance}-${attempt}`;
    // Whoever asks has lost this link to another connector, and does not know it yet.
    const { keys, epoch: last } = devices.get(device) ?? { keys: new Keys(join(data, device), key), epoch: 0 };
    if (epoch < last) return;
    devices.set(device, { keys, epoch });
    const known = running.get(device);
    clearTimeout(known?.unowned);
    const gone = (isWiped) => running.delete(device) && isWiped && devices.delete(device);
    const link = known?.link ?? new Link(keys, gone);
    running.set(device, { link, run, berth: this });
    let number = 0;
    const report = (said) => new Promise((answered) => {
      this.asked.set(run, answered);
      this.send({ kind: "report", run, instance, attempt, epoch, number: ++number, ...said });
    });
    link.begin(task, phone, { report }).catch(failed);
  }

  stop({ run, instance, attempt }) {
    const device = `${instance}-${attempt}`;
    const known = running.get(device);
    if (known?.run === run && known.berth === this) over(device, known);
  }

  // A device that is linked may be asked for again, by whoever owns it next; everything else is over.
  left() {
    clearInterval(this.beat);
    for (const [device, known] of running) {
      if (known.berth !== this) continue;
      const { link } = known;
      const mayGoOn = link.isLinked && !link.isUnlinking;
      link.owner = null;
      known.unowned = setTimeout(() => over(device, known), mayGoOn ? this.unownedMs : 0);
    }
  }
}

async function over(device, known) {
  known.link.owner = null;
  await known.link.close();
  if (running.get(device) === known) running.delete(device);
}

process.once("SIGTERM", async () => {
  await Promise.all([...running.values()].map(({ link }) => link.close()));
  process.exit(0);
});

if (process.env.BERTH_NATS_URL) {
  await overNats(process.env.BERTH_NATS_URL, hello, Berth);
} else {
  const token = setting("BERTH_WORKER_TOKEN");
  for (const url of setting("BERTH_URL", "ws://127.0.0.1:8480").split(",")) overWebSocket(url, token, hello, Berth);
}
