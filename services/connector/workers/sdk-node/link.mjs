// The life of one link, which is the same with every library: what Berth asks for, what is reported of it and in which order,
// and when a connection is opened again. What it comes to is decided by Berth.

// Pauses before a connection is opened again, in seconds, and how many an attempt without a device has.
const PAUSES = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 900];
const PAIRING_TRIES = 5;
// Reports after which a connection is not open any more.
const ENDS = ["closed", "refused", "removed", "replaced"];

export class Link {
  #connection = null;
  #isOpen = false;
  #tries = 0;
  // What is closed meanwhile must not go on with what it had begun.
  #turn = 0;
  #closing = Promise.resolve();
  #timer;

  constructor(keys, Connection, gone) {
    Object.assign(this, { keys, Connection, gone });
  }

  // `qr`, `code`, `resume`, `reopen` or `unlink`, for somebody who hears what comes of it.
  async begin(task, phone, owner) {
    this.owner = { ...owner, last: Promise.resolve() };
    this.phone = phone;
    this.isUnlinking = task === "unlink";
    this.#tries = 0;
    if (this.#isOpen && task === "unlink") return this.#connection.unlink();
    if (this.#isOpen && task === "resume") return this.#report("open");
    const isPairing = task === "qr" || task === "code";
    const turn = await this.close();
    if (isPairing && turn === this.#turn) await this.keys.wipe();
    if (turn === this.#turn) await this.#open(isPairing);
  }

  // Two connections of one device would replace each other: the next is opened when the last is closed.
  async close() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    const connection = this.#connection;
    [this.#connection, this.#isOpen] = [null, false];
    if (connection) this.#closing = connection.close().catch(failed);
    await this.#closing;
    return turn;
  }

  // What one says that was closed is not heard.
  async #open(isPairing) {
    const { keys, phone } = this;
    const report = (said, fields) => {
      if (connection === this.#connection) this.#heard(said, fields).catch(failed);
    };
    const connection = new this.Connection({ keys, phone, isPairing, report });
    this.#connection = connection;
    await connection.open();
  }

  async #heard(report, fields) {
    if (ENDS.includes(report)) this.#isOpen = false;
    if (report === "closed") return this.#closed(fields);
    if (report !== "open") return this.#report(report, fields);
    [this.#isOpen, this.#tries] = [true, 0];
    return this.isUnlinking ? this.#connection.unlink() : this.#report("open");
  }

  async #closed(fields) {
    this.#connection = null;
    if (this.isUnlinking) return this.#report("unlink_failed", fields);
    if (this.keys.isLinked) {
      this.#report("lost", fields);
      return this.#again(false);
    }
    if (this.#tries >= PAIRING_TRIES) return this.#report("attempt_ended", { reason: "unreachable", code: fields.code });
    const turn = this.#turn;
    // The codes were those of that connection.
    await this.keys.wipe();
    if (turn === this.#turn) this.#again(true);
  }

  #again(isPairing) {
    const pause = PAUSES[Math.min(this.#tries++, PAUSES.length - 1)];
    this.#timer = setTimeout(() => this.#open(isPairing).catch(failed), pause * 1000);
  }

  // One after the other; what to do next is done before anything else is said.
  #report(report, fields) {
    const { owner } = this;
    if (!owner) return undefined;
    owner.last = owner.last.then(async () => {
      const next = owner === this.owner ? await owner.report({ report, ...fields }) : "continue";
      if (next === "continue" || owner !== this.owner) return;
      this.owner = null;
      await this.close();
      if (next === "wipe") await this.keys.wipe();
      if (!this.owner) this.gone(next === "wipe");
    });
    return owner.last;
  }
}

// Without what it holds: the error of a library may quote a key.
export const failed = (error) => console.error(`a link failed: ${error?.code ?? error?.name}`);
