// The keys of a device, as Baileys wants them: the credentials, and a store of all others.
import { SealedFolder } from "berth-worker";
import { BufferJSON, initAuthCreds, proto } from "baileys";

const written = (value) => (value ? Buffer.from(JSON.stringify(value, BufferJSON.replacer)) : null);
const parsed = (bytes) => bytes && JSON.parse(bytes, BufferJSON.reviver);
const revived = (type, value) =>
  type === "app-state-sync-key" && value ? proto.Message.AppStateSyncKeyData.fromObject(value) : value;

export class Keys {
  constructor(folder, key) {
    this.folder = new SealedFolder(folder, key);
  }

  // Whether WhatsApp knows the device of the credentials that were loaded last.
  get isLinked() {
    return Boolean(this.creds?.account);
  }

  async load() {
    const { folder } = this;
    const { life } = folder;
    const [known] = await folder.read(["creds"]);
    const creds = parsed(known) ?? initAuthCreds();
    if (life === folder.life) this.creds = creds;
    // Without its credentials nobody can unlink a device any more.
    const save = () => folder.write([["creds", written(creds)]], life, { synced: true });
    const get = async (type, ids) => {
      const values = await folder.read(ids.map((id) => `${type}/${id}`));
      return Object.fromEntries(ids.map((id, index) => [id, revived(type, parsed(values[index]))]));
    };
    const set = (all) =>
      folder.write(
        Object.entries(all).flatMap(([type, values]) => Object.entries(values).map(([id, value]) => [`${type}/${id}`, written(value)])),
        life,
      );
    return { creds, save, keys: { get, set } };
  }

  wipe() {
    this.creds = null;
    return this.folder.wipe();
  }
}
