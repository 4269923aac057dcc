// Values of one device, each in a file of its own in the device's folder, sealed with the key of the worker.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";

const [NONCE, HEAD] = [12, 12 + 16];

export class SealedFolder {
  // Reads and writes one after the other, so that no older value is left in place of a newer one.
  #last = Promise.resolve();
  #life = 0;

  constructor(folder, key) {
    Object.assign(this, { folder, key });
  }

  // Times that all was wiped. Who writes says which of them it knows: a connection that was closed for it may still write.
  get life() {
    return this.#life;
  }

  // The bytes of each name, undefined where there are none.
  read(names) {
    return this.#inTurn(() => Promise.all(names.map((name) => this.#read(name))));
  }

  // Pairs of a name and its bytes, null to forget them. What is `synced` is on the disk when this is over, whatever happens to the machine.
  write(entries, life, { synced = false } = {}) {
    return this.#inTurn(() => life === this.#life && Promise.all(entries.map(([name, bytes]) => this.#write(name, bytes, synced))));
  }

  wipe() {
    this.#life++;
    return this.#inTurn(() => rm(this.folder, { recursive: true, force: true }));
  }

  #inTurn(work) {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  // The name of a value may hold the number of a person.
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
    return Buffer.concat([cipher.update(sealed.subarray(HEAD)), cipher.final()]);
  }

  async #write(name, bytes, synced) {
    const { path, about } = this.#place(name);
    if (!bytes) return rm(path, { force: true });
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv("aes-256-gcm", this.key, nonce).setAAD(about);
    const text = Buffer.concat([cipher.update(bytes), cipher.final()]);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const file = await open(`${path}.new`, "w", 0o600);
    await file.writeFile(Buffer.concat([nonce, cipher.getAuthTag(), text]));
    if (synced) await file.sync();
    await file.close();
    await rename(`${path}.new`, path);
  }
}
