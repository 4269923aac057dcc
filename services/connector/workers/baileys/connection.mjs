// One connection of a device: a Baileys socket, and what it says in the words of reports.
import { failed } from "berth-worker";
import makeWASocket, { DisconnectReason } from "baileys";
import pino from "pino";

const logger = pino({ level: "silent" });
// How long a code can be used: the first QR code, those after it, a pairing code. How long a removal may take.
const [FIRST_QR_MS, NEXT_QR_MS, PAIRING_CODE_MS, UNLINK_MS] = [60_000, 20_000, 180_000, 15_000];
// WhatsApp's failures after which another try does not help.
const isRefusal = (code) => [400, 401, 402, 403, 405, 406, 409, 501].includes(code) || (code >= 410 && code < 420);

export class Connection {
  #sock = null;
  #isOver = false;
  #codes = 0;

  constructor({ keys, phone, isPairing, report }) {
    Object.assign(this, { keys, phone, isPairing, report });
  }

  async open() {
    const auth = await this.keys.load();
    if (this.#isOver) return;
    if (!this.isPairing && !auth.creds.account) return this.report("no_device");
    const sock = (this.#sock = makeWASocket({ auth, logger, markOnlineOnConnect: false, syncFullHistory: false }));
    sock.ev.on("creds.update", () => auth.save().catch(failed));
    // One after the other: a device is told of before the end of the socket that it was linked on.
    let last = Promise.resolve();
    sock.ev.on("connection.update", (update) => {
      last = last.then(() => sock === this.#sock && this.#updated(auth, update)).catch(failed);
    });
    sock.ws.on("CB:iq,type:error", ({ content }) => {
      const code = Number(content?.[0]?.attrs?.code) || 0;
      if (this.phone && !auth.creds.account) this.report("pairing_code_refused", { code });
    });
  }

  async close() {
    this.#isOver = true;
    const sock = this.#sock;
    this.#sock = null;
    await sock?.end(undefined);
  }

  async unlink() {
    const jid = this.keys.creds?.me?.id;
    if (!this.#sock || !jid) return this.report("unlink_failed");
    const removal = { tag: "remove-companion-device", attrs: { jid, reason: "user_initiated" } };
    const query = { tag: "iq", attrs: { to: "@s.whatsapp.net", type: "set", xmlns: "md" }, content: [removal] };
    const answer = await this.#sock.query(query, UNLINK_MS).catch(() => undefined);
    this.report(answer ? "unlinked" : "unlink_failed");
  }

  async #updated(auth, { qr, isNewLogin, connection, lastDisconnect }) {
    if (qr) this.#shown(qr);
    if (isNewLogin) await this.#linked(auth);
    if (connection === "open") this.report("open");
    if (connection === "close") await this.#closed(auth, lastDisconnect?.error);
  }

  #shown(qr) {
    const isFirst = this.#codes++ === 0;
    this.report("qr", { text: qr, valid_ms: isFirst ? FIRST_QR_MS : NEXT_QR_MS });
    if (!isFirst || !this.phone) return;
    const shown = (text) => this.report("pairing_code", { text, valid_ms: PAIRING_CODE_MS });
    this.#sock.requestPairingCode(this.phone).then(shown).catch(failed);
  }

  async #linked({ creds, save }) {
    await save();
    const { me, platform } = creds;
    this.report("linked", { device: { jid: me.id, lid: me.lid, business_name: me.name, platform } });
  }

  async #closed({ creds }, error) {
    this.#sock = null;
    const [code, why] = [error?.output?.statusCode ?? 0, error?.message ?? "closed"];
    const isFailure = why === "Connection Failure";
    if (code === DisconnectReason.restartRequired) {
      this.isPairing = false;
      return this.open();
    }
    if (isFailure && isRefusal(code)) {
      const { code: reason, expire } = (code === 402 && error.data) || {};
      return this.report("refused", { code, ban_code: Number(reason) || 0, ban_seconds: Number(expire) || 0 });
    }
    if (why.startsWith("Stream Errored") && (code === 401 || code === 516)) return this.report("removed", { code });
    if (code === DisconnectReason.connectionReplaced) return this.report("replaced");
    if (!creds.account && why === "QR refs attempts ended") return this.report("attempt_ended", { reason: "codes_exhausted" });
    if (!creds.account && /signature/i.test(why)) return this.report("attempt_ended", { reason: "pair_error" });
    return this.report("closed", { code: isFailure ? code : 0, source_code: `${code} ${why}`.slice(0, 200) });
  }
}
