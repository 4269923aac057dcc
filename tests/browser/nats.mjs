// A NATS server of a story, with an empty folder.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Nats {
  static async start() {
    const folder = await mkdtemp(join(tmpdir(), "berth-browser-nats-"));
    const process_ = spawn(process.env.BERTH_TEST_NATS_SERVER, [
      "-js", "-sd", folder, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder,
    ], { stdio: "ignore" });
    const deadline = Date.now() + 20_000;
    for (;;) {
      const file = (await readdir(folder)).find((name) => name.endsWith(".ports"));
      const ports = file && await readFile(join(folder, file), "utf8").then(JSON.parse).catch(() => null);
      if (ports?.nats) return Object.assign(new Nats(), { process: process_, folder, address: ports.nats[0] });
      if (Date.now() > deadline) throw new Error("the NATS server did not come");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}
