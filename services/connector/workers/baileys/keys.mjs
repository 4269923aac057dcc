// The keys of a device: a folder for its attempt, each value in a file of its own, sealed with the key of the worker.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { BufferJSON, initAuthCreds, proto } from "baileys";

const [NONCE, HEAD] = [12, 12 + 16];

export class Keys {
  // Reads and writes one after the other, so that no older value is left in place of a newer one.
  #last = Promise.resolve();
  // Times that all was deleted: a socket that was closed for it may still write.
  #lives = 0;

  constructor(folder, key) {
    Object.assign(this, { folder, key });
  }

  // What Baileys wants of a store: the credentials and how to save them, and how to get and set the other keys.
  async load() {
    const life = this.#lives;
    const write = (name, value) => life === this.#lives && this.#write(name, value);
    const revived = (type, value) =>
      type === "app-state-sync-key" && value ? proto.Message.AppStateSyncKeyData.fromObject(value) : value;
    const get = (type, ids) => this.#inTurn(async () => {
      const values = await Promise.all(ids.map((id) => this.#read(`${type}/${id}`)));
      return Object.fromEntries(ids.map((id, index) => [id, revived(type, values[index])]));
    });
    const set = (all) => this.#inTurn(() => Promise.all(Object.entries(all).flatMap(([type, values]) =>
      Object.entries(values).map(([id, value]) => write(`${type}/${id}`, value)))));
    const creds = (await this.#inTurn(() => this.#read("creds"))) ?? initAuthCreds();
    return { creds, save: () => this.#inTurn(() => write("creds", creds)), keys: { get, set } };
  }

  wipe() {
    this.#lives++;
    return this.#inTurn(() => rm(this.folder, { recursive: true, force: true }));
  }

  #inTurn(work) {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  // The name of a value holds the number of a person.
  #place(name) {
    const hidden = createHash("sha256").update(this.key).update(name).digest("hex").slice(0, 32);
    return { path: join(this.folder, hidden), about: Buffer.from(`${basename(this.folder)}/${name}`) };
  }

  async #read(name) {
    const { path, about } = this.#place(name);
    const sealed = await readFile(path).catch((error) => (error.code === "ENOENT" ? null : Promise.reject(error)));
    if (!sealed) return undefined;
    const cipher = createDecipheriv("aes-256-gcm", this.key, sealed.subarray(0, NONCE)).setAAD(about);
    cipher.setAuthTag(sealed.subarray(NONCE, HEAD));
    return JSON.parse(Buffer.concat([cipher.update(sealed.subarray(HEAD)), cipher.final()]), BufferJSON.reviver);
  }

  async #write(name, value) {
    const { path, about } = this.#place(name);
    if (!value) return rm(path, { force: true });
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv("aes-256-gcm", this.key, nonce).setAAD(about);
    const text = Buffer.concat([cipher.update(JSON.stringify(value, BufferJSON.replacer)), cipher.final()]);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const file = await open(`${path}.new`, "w", 0o600);
    await file.writeFile(Buffer.concat([nonce, cipher.getAuthTag(), text]));
    // Without its credentials nobody can unlink a device any more.
    if (name === "creds") await file.sync();
    await file.close();
    await rename(`${path}.new`, path);
  }
}
