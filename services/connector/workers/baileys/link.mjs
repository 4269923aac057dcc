// One device link: a Baileys socket, and what is reported of it. What that comes to is decided by Berth.
import makeWASocket, { DisconnectReason } from "baileys";
import pino from "pino";

const logger = pino({ level: "silent" });
// How long a code can be used: the first QR code, those after it, a pairing code.
const [FIRST_QR_MS, NEXT_QR_MS, PAIRING_CODE_MS, UNLINK_MS] = [60_000, 20_000, 180_000, 15_000];
// Pauses before a connection is opened again, in seconds, and how many an attempt without a device has.
const PAUSES = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 900];
const PAIRING_TRIES = 5;
// WhatsApp's failures after which another try does not help.
const isRefusal = (code) => [400, 401, 402, 403, 405, 406, 409, 501].includes(code) || (code >= 410 && code < 420);

export class Link {
  #isOpen = false;
  #tries = 0;
  // What is closed meanwhile must not go on with what it had begun.
  #turn = 0;
  #closing = Promise.resolve();

  constructor(keys, gone) {
    Object.assign(this, { keys, gone });
  }

  get isLinked() {
    return Boolean(this.auth?.creds.account);
  }

  // `qr`, `code`, `resume`, `reopen` or `unlink`, for somebody who hears what comes of it.
  async begin(task, phone, owner) {
    this.owner = { ...owner, last: Promise.resolve() };
    this.phone = phone;
    this.isUnlinking = task === "unlink";
    if (this.#isOpen && task === "unlink") return this.#remove();
    if (this.#isOpen && task === "resume") return this.#report("open");
    const isPairing = task === "qr" || task === "code";
    await this.close();
    if (isPairing) await this.keys.wipe();
    await this.#open(isPairing);
  }

  // Two sockets of one device would replace each other: the next is opened when the last is closed.
  close() {
    clearTimeout(this.timer);
    this.#turn++;
    if (this.sock) this.#closing = this.sock.end(undefined);
    [this.sock, this.#isOpen] = [null, false];
    return this.#closing;
  }

  async #open(isPairing) {
    const turn = ++this.#turn;
    const auth = await this.keys.load();
    if (turn !== this.#turn) return;
    this.auth = auth;
    if (!isPairing && !this.isLinked) return this.#report("no_device");
    const sock = (this.sock = makeWASocket({ auth, logger, markOnlineOnConnect: false, syncFullHistory: false }));
    let codes = 0;
    sock.ev.on("creds.update", () => auth.save().catch(failed));
    sock.ev.on("connection.update", async ({ qr, isNewLogin, connection, lastDisconnect }) => {
      if (sock !== this.sock) return;
      try {
        if (qr) await this.#shown(qr, codes++ === 0);
        if (isNewLogin) await this.#linked();
        if (connection === "open") await this.#opened();
        if (connection === "close") await this.#closed(lastDisconnect?.error);
      } catch (error) {
        failed(error);
      }
    });
    sock.ws.on("CB:iq,type:error", ({ content }) => {
      const code = Number(content?.[0]?.attrs?.code) || 0;
      if (this.phone && !this.isLinked) this.#report("pairing_code_refused", { code });
    });
  }

  async #shown(qr, isFirst) {
    this.#report("qr", { text: qr, valid_ms: isFirst ? FIRST_QR_MS : NEXT_QR_MS });
    if (!isFirst || !this.phone) return;
    const text = await this.sock.requestPairingCode(this.phone);
    this.#report("pairing_code", { text, valid_ms: PAIRING_CODE_MS });
  }

  async #linked() {
    await this.auth.save();
    const { me, platform } = this.auth.creds;
    this.#report("linked", { device: { jid: me.id, lid: me.lid, business_name: me.name, platform } });
  }

  #opened() {
    [this.#isOpen, this.#tries] = [true, 0];
    return this.isUnlinking ? this.#remove() : this.#report("open");
  }

  async #remove() {
    const removal = { tag: "remove-companion-device", attrs: { jid: this.auth.creds.me.id, reason: "user_initiated" } };
    const query = { tag: "iq", attrs: { to: "@s.whatsapp.net", type: "set", xmlns: "md" }, content: [removal] };
    const answer = await this.sock.query(query, UNLINK_MS).catch(() => undefined);
    return this.#report(answer ? "unlinked" : "unlink_failed");
  }

  async #closed(error) {
    [this.sock, this.#isOpen] = [null, false];
    const [code, why] = [error?.output?.statusCode ?? 0, error?.message ?? "closed"];
    const isFailure = why === "Connection Failure";
    if (code === DisconnectReason.restartRequired) return this.#open();
    if (isFailure && isRefusal(code)) {
      const { code: reason, expire } = (code === 402 && error.data) || {};
      return this.#report("refused", { code, ban_code: Number(reason) || 0, ban_seconds: Number(expire) || 0 });
    }
    if (why.startsWith("Stream Errored") && (code === 401 || code === 516)) return this.#report("removed", { code });
    if (code === DisconnectReason.connectionReplaced) return this.#report("replaced");
    if (this.isUnlinking) return this.#report("unlink_failed", { code, source_code: why });
    if (this.isLinked) {
      this.#report("lost", { code: isFailure ? code : 0, source_code: `${code} ${why}`.slice(0, 200) });
      return this.#again(false);
    }
    if (why === "QR refs attempts ended") return this.#report("attempt_ended", { reason: "codes_exhausted" });
    if (/signature/i.test(why)) return this.#report("attempt_ended", { reason: "pair_error" });
    if (this.#tries >= PAIRING_TRIES) return this.#report("attempt_ended", { reason: "unreachable", code });
    // The codes were those of that socket.
    await this.keys.wipe();
    this.#again(true);
  }

  #again(isPairing) {
    const pause = PAUSES[Math.min(this.#tries++, PAUSES.length - 1)];
    this.timer = setTimeout(() => this.#open(isPairing).catch(failed), pause * 1000);
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
