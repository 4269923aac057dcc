// One client's connection: it registers a device or logs one in, and asks for what a client asks for.
import { randomBytes } from "node:crypto";
import { decodeBinaryNode, encodeBinaryNode } from "baileys";
import { NoiseServer, framed } from "./noise.mjs";

const SERVER = "@s.whatsapp.net";
const REFS = 6;
// How long a client may take to hear why it is sent away.
const LAST_WORDS_MS = 20;
// What a network takes at least. Without it a library that has sent the end of the handshake may hear the answer before it is
// ready for it, and lose it.
const ON_THE_WAY_MS = 50;

export const node = (tag, attrs = {}, content = undefined) => ({ tag, attrs, content });
const child = (parent, tag) => (Array.isArray(parent?.content) ? parent.content.find((one) => one.tag === tag) : undefined);

export class Connection {
  #noise;
  #frame = this.#hello;
  #reading = Promise.resolve();

  constructor(edge, socket, number) {
    Object.assign(this, { edge, socket, number, jid: null, refs: [], code: null, pairing: null });
    this.#noise = new NoiseServer(edge.identity);
    socket.on("message", (bytes) => {
      this.#reading = this.#reading.then(() => this.#read(Buffer.from(bytes))).catch((error) => {
        edge.log(this, `broken: ${error.message}`);
        socket.terminate();
      });
    });
    socket.on("close", () => edge.left(this));
    socket.on("error", () => {});
  }

  get isOpen() {
    return this.socket.readyState === this.socket.OPEN;
  }

  send(stanza) {
    if (this.isOpen) this.socket.send(framed(this.#noise.seal(encodeBinaryNode(stanza))));
  }

  // Ends the connection after a last stanza.
  end(stanza) {
    this.send(stanza);
    setTimeout(() => this.socket.close(), LAST_WORDS_MS);
  }

  async #read(bytes) {
    if (this.edge.isFrozen) return;
    for (const frame of this.#noise.frames(bytes)) await this.#frame(frame);
  }

  #hello(frame) {
    this.socket.send(framed(this.#noise.hello(frame)));
    this.#frame = this.#finish;
  }

  #finish(frame) {
    const { key, payload } = this.#noise.finish(frame);
    this.key = key;
    this.#frame = this.#stanza;
    const begin = () =>
      payload.username ? this.#login(`${payload.username}:${payload.device}${SERVER}`) : this.#register();
    setTimeout(() => this.isOpen && begin(), ON_THE_WAY_MS);
  }

  #register() {
    this.edge.log(this, "registers");
    this.refs = Array.from({ length: REFS }, () => `2@${randomBytes(32).toString("base64")}`);
    const refs = this.refs.map((ref) => node("ref", {}, Buffer.from(ref)));
    this.send(node("iq", { from: SERVER, type: "set", id: "pair-device", xmlns: "md" }, [node("pair-device", {}, refs)]));
  }

  #login(jid) {
    const failure = this.edge.failureOf(jid, this.key);
    this.edge.log(this, failure ? `is refused as ${jid}: ${failure.reason}` : `logs in as ${jid}`);
    if (failure) return this.end(node("failure", { ...failure, location: "rva" }));
    this.edge.entered(this, jid);
    const lid = `9${jid.split("@")[0]}@lid`;
    this.send(node("success", { t: "1760000000", lid, location: "rva" }));
  }

  async #stanza(frame) {
    const stanza = await decodeBinaryNode(this.#noise.open(frame));
    if (stanza.tag !== "iq") return;
    const { type, id, xmlns } = stanza.attrs;
    if (type === "result" || type === "error") {
      if (id === "pair-success" && type === "result") this.#paired();
      return;
    }
    const asked = Array.isArray(stanza.content) ? stanza.content[0] : undefined;
    const answer = (content) => this.send(node("iq", { from: SERVER, type: "result", id, t: "1760000000" }, content));
    if (asked?.tag === "remove-companion-device") return this.#remove(asked.attrs.jid, answer);
    if (asked?.tag === "link_code_companion_reg") return this.#companion(asked, answer, id);
    answer(this.#small(xmlns, asked));
    if (xmlns === "passive") this.send(node("ib", {}, [node("offline", { count: "0" })]));
  }

  // What a client asks for before it calls itself open.
  #small(xmlns, asked) {
    if (xmlns === "encrypt" && asked?.tag === "count") return [node("count", { value: "812" })];
    if (xmlns === "encrypt" && asked?.tag === "digest") return [node("digest")];
    if (xmlns !== "w:sync:app:state") return [];
    const collections = (asked?.content ?? []).map(({ attrs }) => node("collection", { name: attrs.name, version: "0", has_more_patches: "false" }));
    return [node("sync", {}, collections)];
  }

  #remove(jid, answer) {
    this.edge.log(this, `asks to be unlinked as ${jid}`);
    if (this.edge.swallowsUnlinks) return;
    this.edge.forget(jid);
    answer([]);
  }

  // The device has signed too: it is one from now on, and is asked to come back as that.
  #paired() {
    this.edge.enter(this.pairing, this.key);
    this.edge.log(this, `is linked as ${this.pairing}`);
    this.end(node("stream:error", { code: "515" }));
  }

  // === pairing codes ===

  #companion(asked, answer, id) {
    const bytes = (tag) => Buffer.from(child(asked, tag)?.content ?? []);
    if (asked.attrs.stage === "companion_hello") {
      if (this.edge.codeRefusal) {
        const error = node("error", { code: String(this.edge.codeRefusal), text: "refused" });
        return this.send(node("iq", { from: SERVER, type: "error", id }, [error]));
      }
      const ref = randomBytes(16);
      this.code = { number: asked.attrs.jid.split("@")[0], ref, wrapped: bytes("link_code_pairing_wrapped_companion_ephemeral_pub") };
      return answer([node("link_code_companion_reg", { stage: "companion_hello" }, [node("link_code_pairing_ref", {}, ref)])]);
    }
    answer([]);
    const { phone, shared } = this.code;
    const device = phone.finishCode(shared, bytes("link_code_pairing_wrapped_key_bundle"), bytes("companion_identity_public"));
    this.pair(phone, device, false);
  }

  // The person types the code.
  type(phone, text) {
    const { shared, wrapped } = phone.answerCode(text, this.code.wrapped);
    Object.assign(this.code, { phone, shared });
    const said = [
      node("link_code_pairing_ref", {}, this.code.ref),
      node("primary_identity_pub", {}, Buffer.from(phone.account.public)),
      node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
    ];
    const registration = node("link_code_companion_reg", { stage: "primary_hello" }, said);
    this.send(node("notification", { from: SERVER, type: "link_code_companion_reg", id: "code-1", t: "1760000000" }, [registration]));
  }

  // The phone takes the device.
  pair(phone, device, tampered) {
    const jid = this.edge.nameDevice(phone);
    this.pairing = jid;
    this.edge.log(this, `is taken as ${jid}${tampered ? " with a wrong signature" : ""}`);
    this.send(node("iq", { from: SERVER, type: "set", id: "pair-success", t: "1760000000" }, [
      node("pair-success", {}, [
        node("device-identity", {}, phone.sign(device, tampered)),
        node("platform", { name: "android" }),
        node("device", { jid, lid: `9${jid.split("@")[0]}@lid` }),
      ]),
    ]));
    return jid;
  }
}
