// The server's half of Noise XX (X25519, AES-GCM, SHA-256) as WhatsApp speaks it, and the frames around it.
import { Curve, aesDecryptGCM, aesEncryptGCM, hkdf, proto, sha256 } from "baileys";

const HEADER = Buffer.from([0x57, 0x41, 6, 3]);
const PROTOCOL = Buffer.from("Noise_XX_25519_AESGCM_SHA256\0\0\0\0");
const EMPTY = Buffer.alloc(0);
const LENGTH_BYTES = 3;

// A key with which it is known, and the chain that says so: root, intermediate, leaf.
export class ServerIdentity {
  constructor() {
    const { CertChain } = proto;
    const details = (serial, issuerSerial, key) =>
      CertChain.NoiseCertificate.Details.encode({
        serial, issuerSerial, key, notBefore: 1_700_000_000, notAfter: 1_990_000_000,
      }).finish();
    const root = Curve.generateKeyPair();
    const issuer = Curve.generateKeyPair();
    this.key = Curve.generateKeyPair();
    this.root = Buffer.from(root.public);
    const intermediate = details(1, 0, issuer.public);
    const leaf = details(2, 1, this.key.public);
    this.chain = CertChain.encode({
      intermediate: { details: intermediate, signature: Curve.sign(root.private, intermediate) },
      leaf: { details: leaf, signature: Curve.sign(issuer.private, leaf) },
    }).finish();
  }
}

export class NoiseServer {
  #identity;
  #buffered = EMPTY;
  #hasPrologue = false;
  #hash = PROTOCOL;
  #salt = PROTOCOL;
  #key = PROTOCOL;
  #counter = 0;
  #ephemeral;
  #read;
  #write;
  #readCounter = 0;
  #writeCounter = 0;

  constructor(identity) {
    this.#identity = identity;
  }

  // The whole frames that there are after these bytes.
  *frames(bytes) {
    this.#buffered = Buffer.concat([this.#buffered, bytes]);
    if (!this.#hasPrologue && !this.#readPrologue()) return;
    while (this.#buffered.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#buffered.readUIntBE(0, LENGTH_BYTES);
      if (this.#buffered.length < end) return;
      const frame = this.#buffered.subarray(LENGTH_BYTES, end);
      this.#buffered = this.#buffered.subarray(end);
      yield frame;
    }
  }

  // A client may name the edge that it was routed to before it says which protocol it speaks.
  #readPrologue() {
    const routed = this.#buffered.subarray(0, 2).toString() === "ED";
    const routing = routed ? 7 : 0;
    if (this.#buffered.length < routing + HEADER.length) return false;
    const start = routed ? routing + this.#buffered.readUIntBE(4, LENGTH_BYTES) : 0;
    if (this.#buffered.length < start + HEADER.length) return false;
    if (!this.#buffered.subarray(start, start + HEADER.length).equals(HEADER)) throw new Error("not WhatsApp's prologue");
    this.#buffered = this.#buffered.subarray(start + HEADER.length);
    this.#authenticate(HEADER);
    this.#hasPrologue = true;
    return true;
  }

  // The client's hello; gives the server's.
  hello(frame) {
    const theirs = Buffer.from(proto.HandshakeMessage.decode(frame).clientHello.ephemeral);
    this.#ephemeral = Curve.generateKeyPair();
    this.#authenticate(theirs);
    this.#authenticate(this.#ephemeral.public);
    this.#mix(Curve.sharedKey(this.#ephemeral.private, theirs));
    const known = this.#encrypt(Buffer.from(this.#identity.key.public));
    this.#mix(Curve.sharedKey(this.#identity.key.private, theirs));
    const payload = this.#encrypt(Buffer.from(this.#identity.chain));
    const hello = { ephemeral: this.#ephemeral.public, static: known, payload };
    return proto.HandshakeMessage.encode({ serverHello: hello }).finish();
  }

  // The end of the handshake; gives the client's key and what it wants.
  finish(frame) {
    const { clientFinish } = proto.HandshakeMessage.decode(frame);
    const key = Buffer.from(this.#decrypt(Buffer.from(clientFinish.static)));
    this.#mix(Curve.sharedKey(this.#ephemeral.private, key));
    const payload = proto.ClientPayload.decode(this.#decrypt(Buffer.from(clientFinish.payload)));
    [this.#read, this.#write] = this.#derive(EMPTY);
    return { key, payload };
  }

  open(frame) {
    return aesDecryptGCM(frame, this.#read, nonce(this.#readCounter++), EMPTY);
  }

  seal(bytes) {
    return aesEncryptGCM(bytes, this.#write, nonce(this.#writeCounter++), EMPTY);
  }

  #authenticate(bytes) {
    this.#hash = sha256(Buffer.concat([this.#hash, bytes]));
  }

  #derive(bytes) {
    const derived = hkdf(Buffer.from(bytes), 64, { salt: this.#salt, info: "" });
    return [derived.subarray(0, 32), derived.subarray(32)];
  }

  #mix(secret) {
    [this.#salt, this.#key] = this.#derive(secret);
    this.#counter = 0;
  }

  #encrypt(bytes) {
    const sealed = aesEncryptGCM(bytes, this.#key, nonce(this.#counter++), this.#hash);
    this.#authenticate(sealed);
    return sealed;
  }

  #decrypt(sealed) {
    const bytes = aesDecryptGCM(sealed, this.#key, nonce(this.#counter++), this.#hash);
    this.#authenticate(sealed);
    return bytes;
  }
}

// A frame as it is sent.
export function framed(bytes) {
  const frame = Buffer.alloc(LENGTH_BYTES + bytes.length);
  frame.writeUIntBE(bytes.length, 0, LENGTH_BYTES);
  frame.set(bytes, LENGTH_BYTES);
  return frame;
}

function nonce(counter) {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(counter, 8);
  return bytes;
}
