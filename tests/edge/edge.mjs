// A WhatsApp on loopback, as far as the life of a linked device goes: real, unmodified client libraries link to it, open,
// drop, are logged out and refused. It knows what must never happen, and remembers it: see `wrongs`.
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { WebSocketServer } from "ws";
import { Connection, node } from "./connection.mjs";
import { ServerIdentity } from "./noise.mjs";
import { Phone } from "./phone.mjs";

// A device's number is one byte on the wire, and 0 is the phone.
const DEVICES_MAX = 99;

const ADDRESS = "web.whatsapp.com:443";

export class Edge {
  // With a key and a certificate of `web.whatsapp.com` it is a proxy too, behind which there is nobody but itself.
  static async start(tls) {
    const edge = new Edge();
    const listen = (server) =>
      new WebSocketServer({ server }).on("connection", (socket) => edge.#connected(socket));
    const server = createServer((_, response) => response.writeHead(404).end());
    listen(server);
    if (tls) edge.#standIn(server, listen, tls);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    edge.server = server;
    const { port } = server.address();
    edge.url = `ws://127.0.0.1:${port}/ws/chat`;
    edge.proxy = `http://127.0.0.1:${port}`;
    return edge;
  }

  constructor() {
    this.identity = new ServerIdentity();
    this.phones = new Map();
    // Linked devices: the key of each by its JID.
    this.devices = new Map();
    this.connections = new Set();
    this.ways = new Set();
    // What was seen and must never be: two sockets of one device.
    this.wrongs = [];
    this.seen = [];
    this.count = 0;
    this.lastDevice = 0;
    this.calm();
  }

  async stop() {
    this.cut();
    this.ways.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.server.close(resolve));
  }

  log(connection, what) {
    this.seen.push(`${connection.number} ${what}`);
  }

  // Whoever asks for a way to WhatsApp is led here, and nobody is led elsewhere.
  #standIn(server, listen, tls) {
    const secure = createSecureServer(tls);
    listen(secure);
    server.on("connect", ({ url }, socket) => {
      // Whoever is gone before the end of the TLS handshake leaves a half of a socket, which nobody else closes.
      this.ways.add(socket.on("close", () => this.ways.delete(socket)).on("error", () => {}));
      if (url !== ADDRESS) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      secure.emit("connection", socket);
    });
  }

  // === what clients do ===

  #connected(socket) {
    this.connections.add(new Connection(this, socket, ++this.count));
  }

  left(connection) {
    this.connections.delete(connection);
    this.log(connection, "is gone");
  }

  failureOf(jid, key) {
    if (this.failure) return this.failure;
    return this.devices.get(jid)?.equals(key) ? null : { reason: "401" };
  }

  entered(connection, jid) {
    for (const other of this.#of(jid)) {
      this.wrongs.push(`two sockets of ${jid}: ${other.number} and ${connection.number}`);
      other.end(node("stream:error", {}, [node("conflict", { type: "replaced" })]));
    }
    connection.jid = jid;
  }

  // The JID of a device that the phone is about to sign.
  nameDevice(phone) {
    this.lastDevice = (this.lastDevice % DEVICES_MAX) + 1;
    return `${phone.number}:${this.lastDevice}@s.whatsapp.net`;
  }

  enter(jid, key) {
    this.devices.set(jid, key);
  }

  forget(jid) {
    this.devices.delete(jid);
  }

  // === what a person does ===

  phone(number) {
    if (!this.phones.has(number)) this.phones.set(number, new Phone(number));
    return this.phones.get(number);
  }

  // Scans a QR code; gives the device's JID. Throws if no open connection shows it.
  scan(qr, number, tampered = false) {
    const code = Phone.read(qr);
    const connection = [...this.connections].find((one) => one.refs.includes(code.ref));
    if (!connection?.isOpen) throw new Error("no open connection shows this code");
    if (!connection.key.equals(code.noiseKey)) throw new Error("the code is of another connection");
    return connection.pair(this.phone(number), code, tampered);
  }

  // Types a pairing code. Throws if no open connection asked for one for this number.
  type(code, number) {
    const connection = [...this.connections].find((one) => one.isOpen && one.code?.number === number);
    if (!connection) throw new Error("no open connection asked for a code for this number");
    connection.type(this.phone(number), code);
  }

  // Removes a device on the phone.
  remove(jid) {
    this.devices.delete(jid);
    const removed = node("stream:error", { code: "401" }, [node("conflict", { type: "device_removed" })]);
    this.#of(jid).forEach((connection) => connection.end(removed));
  }

  // === what the network and WhatsApp do ===

  // Nothing is wrong any more.
  calm() {
    // What every login fails with, such as `{ reason: "503" }`.
    this.failure = null;
    // Whether requests to be unlinked are not answered, and not heard either.
    this.swallowsUnlinks = false;
    // Whether nothing is read at all.
    this.isFrozen = false;
    // The code with which pairing codes are refused.
    this.codeRefusal = null;
  }

  // Cuts the connection of a device, without a word.
  drop(jid) {
    this.#of(jid).forEach((connection) => connection.socket.terminate());
  }

  // Cuts every connection, those that show a code among them.
  cut() {
    this.connections.forEach((connection) => connection.socket.terminate());
  }

  // Another client with the same device has come.
  replace(jid) {
    const replaced = node("stream:error", {}, [node("conflict", { type: "replaced" })]);
    this.#of(jid).forEach((connection) => connection.end(replaced));
  }

  #of(jid) {
    return [...this.connections].filter((one) => one.jid === jid && one.isOpen);
  }

  // JIDs of the devices that are connected.
  get connected() {
    return [...this.connections].filter((one) => one.isOpen && one.jid).map((one) => one.jid);
  }
}
