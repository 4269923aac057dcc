// A worker: it connects to the connectors, is told which links to run, and reports what happens on them.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Link, failed } from "./link.mjs";
import { overNats, overWebSocket } from "./wires.mjs";

const exit = (why) => {
  console.error(why);
  process.exit(64);
};
const setting = (name, otherwise) => process.env[name] || otherwise || exit(`${name} is not set`);

// Serves links with a library until SIGTERM, as the variables of the environment say. `capacity` is that of a worker that is given
// none; the README says what `Keys` and `Connection` are.
export async function serve({ library, version, capacity, Keys, Connection }) {
  const key = Buffer.from(setting("BERTH_WORKER_KEY"), "base64");
  if (key.length !== 32) exit("BERTH_WORKER_KEY is not 32 bytes in base64: `openssl rand -base64 32` makes some");
  const hello = {
    kind: "hello",
    contracts: [1],
    worker: setting("BERTH_WORKER_NAME"),
    process: randomUUID(),
    library,
    version,
    capacity: Number(setting("BERTH_WORKER_CAPACITY", String(capacity))),
  };
  const worker = new Worker(setting("BERTH_WORKER_DATA", "worker-data"), key, Keys, Connection);
  const open = (where, send, end) => new Session(worker, where, send, end);
  process.once("SIGTERM", async () => {
    await worker.close();
    process.exit(0);
  });
  if (process.env.BERTH_NATS_URL) return overNats(process.env.BERTH_NATS_URL, hello, open);
  const token = setting("BERTH_WORKER_TOKEN");
  for (const url of setting("BERTH_URL", "ws://127.0.0.1:8480").split(",")) overWebSocket(url, token, hello, open);
}

// Every link of this process.
class Worker {
  // What runs, by device, and what is known of each: its keys, and the highest epoch that it was asked for under.
  #running = new Map();
  #devices = new Map();

  constructor(folder, key, Keys, Connection) {
    Object.assign(this, { folder, key, Keys, Connection });
  }

  begin(session, { run, instance, attempt, epoch }, task, phone) {
    const device = `${instance}-${attempt}`;
    const { keys, epoch: last } = this.#devices.get(device) ?? { keys: new this.Keys(join(this.folder, device), this.key), epoch: 0 };
    // Whoever asks has lost this link to another connector, and does not know it yet.
    if (epoch < last) return;
    this.#devices.set(device, { keys, epoch });
    const known = this.#running.get(device);
    clearTimeout(known?.unowned);
    const gone = (isWiped) => this.#running.delete(device) && isWiped && this.#devices.delete(device);
    const link = known?.link ?? new Link(keys, this.Connection, gone);
    this.#running.set(device, { link, run, session });
    let number = 0;
    const report = (said) => session.ask({ kind: "report", run, instance, attempt, epoch, number: ++number, ...said });
    link.begin(task, phone, { report }).catch(failed);
  }

  stop(session, { run, instance, attempt }) {
    const device = `${instance}-${attempt}`;
    const known = this.#running.get(device);
    if (known?.run === run && known.session === session) this.#over(device, known);
  }

  // A device that is linked may be asked for again, by whoever owns it next; everything else is over.
  left(session, unownedMs) {
    for (const [device, known] of this.#running) {
      if (known.session !== session) continue;
      const { link } = known;
      const mayGoOn = link.keys.isLinked && !link.isUnlinking;
      link.owner = null;
      known.unowned = setTimeout(() => this.#over(device, known), mayGoOn ? unownedMs : 0);
    }
  }

  async #over(device, known) {
    known.link.owner = null;
    await known.link.close();
    if (this.#running.get(device) === known) this.#running.delete(device);
  }

  close() {
    return Promise.all([...this.#running.values()].map(({ link }) => link.close()));
  }
}

// A session with one connector.
class Session {
  // Who waits for an answer, by run.
  #asked = new Map();
  #heardAt = Date.now();
  #unownedMs = 0;
  #beat;

  constructor(worker, where, send, end) {
    Object.assign(this, { worker, where, send, end });
  }

  heard({ kind, ...message }) {
    this.#heardAt = Date.now();
    const kinds = {
      welcome: ({ heartbeat_ms, unowned_ms }) => {
        console.log(`connected to ${this.where}`);
        this.#unownedMs = unowned_ms;
        this.#beat = setInterval(() => {
          this.send({ kind: "heartbeat" });
          if (Date.now() - this.#heardAt > 3 * heartbeat_ms) this.end();
        }, heartbeat_ms);
      },
      refused: ({ code, message }) => {
        console.error(`refused by ${this.where}: ${code}: ${message}`);
        this.end();
      },
      run: ({ start, phone, ...place }) => this.worker.begin(this, place, start, phone),
      unlink: (place) => this.worker.begin(this, place, "unlink"),
      stop: (place) => this.worker.stop(this, place),
      answer: ({ run, next }) => this.#asked.get(run)?.(next),
    };
    kinds[kind]?.(message);
  }

  // What the connector answers to a report: `continue`, `stop` or `wipe`.
  ask(report) {
    return new Promise((answered) => {
      this.#asked.set(report.run, answered);
      this.send(report);
    });
  }

  left() {
    clearInterval(this.#beat);
    this.worker.left(this, this.#unownedMs);
  }
}
