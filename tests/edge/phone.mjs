// A phone: it signs the devices that link to its account, by the QR code that it scans or the code that is typed on it.
import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { Curve, aesDecryptGCM, hkdf, hmacSign, proto } from "baileys";

const SIGNED_BY_ACCOUNT = Buffer.from([6, 0]);
const CODE_ITERATIONS = 131_072;
const EMPTY = Buffer.alloc(0);

export class Phone {
  constructor(number) {
    this.number = number;
    this.account = Curve.generateKeyPair();
  }

  // What a QR code says: `ref,noise key,identity key,adv secret,client`, today behind an address.
  static read(qr) {
    const [ref, noiseKey, identityKey, secret] = qr.slice(qr.indexOf("#") + 1).split(",");
    const bytes = (text) => Buffer.from(text, "base64");
    return { ref, noiseKey: bytes(noiseKey), identityKey: bytes(identityKey), secret: bytes(secret) };
  }

  // Signs a device. One that was tampered with has a wrong HMAC.
  sign({ identityKey, secret }, tampered) {
    const details = proto.ADVDeviceIdentity.encode({
      rawId: 1, timestamp: 1_760_000_000, keyIndex: 1, accountType: 0, deviceType: 0,
    }).finish();
    const signedText = Buffer.concat([SIGNED_BY_ACCOUNT, details, identityKey]);
    const signed = proto.ADVSignedDeviceIdentity.encode({
      details,
      accountSignatureKey: this.account.public,
      accountSignature: Curve.sign(this.account.private, signedText),
    }).finish();
    const hmac = Buffer.from(hmacSign(signed, secret));
    if (tampered) hmac[0] ^= 1;
    return Buffer.from(proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac }).finish());
  }

  // A code is typed: what the device wrapped with it is opened, and ours is wrapped with it in turn.
  answerCode(code, wrapped) {
    const theirs = unwrap(code, wrapped);
    const ephemeral = Curve.generateKeyPair();
    const shared = Buffer.from(Curve.sharedKey(ephemeral.private, theirs));
    return { shared, wrapped: wrap(code, Buffer.from(ephemeral.public)) };
  }

  // The device has answered: from its bundle follows the secret that a QR code would have told.
  finishCode(shared, bundle, identityKey) {
    const [salt, iv, sealed] = [bundle.subarray(0, 32), bundle.subarray(32, 44), bundle.subarray(44)];
    const key = hkdf(shared, 32, { salt, info: "link_code_pairing_key_bundle_encryption_key" });
    const opened = aesDecryptGCM(sealed, key, iv, EMPTY);
    const random = opened.subarray(64);
    const identity = Buffer.from(Curve.sharedKey(this.account.private, identityKey));
    const secret = hkdf(Buffer.concat([shared, identity, random]), 32, { info: "adv_secret" });
    return { identityKey, secret: Buffer.from(secret) };
  }
}

function codeKey(code, salt) {
  return pbkdf2Sync(code, salt, CODE_ITERATIONS, 32, "sha256");
}

function unwrap(code, wrapped) {
  const [salt, iv, sealed] = [wrapped.subarray(0, 32), wrapped.subarray(32, 48), wrapped.subarray(48)];
  const cipher = createDecipheriv("aes-256-ctr", codeKey(code, salt), iv);
  return Buffer.concat([cipher.update(sealed), cipher.final()]);
}

function wrap(code, bytes) {
  const [salt, iv] = [randomBytes(32), randomBytes(16)];
  const cipher = createCipheriv("aes-256-ctr", codeKey(code, salt), iv);
  return Buffer.concat([salt, iv, cipher.update(bytes), cipher.final()]);
}
