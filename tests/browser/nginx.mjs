// An nginx that ends TLS with a certificate of its own, and puts a prefix before every path.
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

// A port that nobody has at this moment.
export const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

export class Nginx {
  static async start(port, upstream) {
    const folder = await mkdtemp(join(tmpdir(), "berth-browser-nginx-"));
    execFileSync("openssl", [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
      "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem"),
    ], { stdio: "ignore" });
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    await writeFile(join(folder, "nginx.conf"), `
      daemon off;
      pid ${folder}/nginx.pid;
      error_log stderr error;
      events {}
      http {
        access_log off;
        ${paths.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n")}
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate ${folder}/cert.pem;
          ssl_certificate_key ${folder}/key.pem;
          location /berth/ {
            proxy_pass ${upstream}/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host:$server_port;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-For $remote_addr;
          }
        }
      }`);
    const process_ = spawn(process.env.BERTH_TEST_NGINX, ["-p", folder, "-c", join(folder, "nginx.conf")],
      { stdio: ["ignore", "ignore", "inherit"] });
    return Object.assign(new Nginx(), { process: process_, folder, address: `https://localhost:${port}/berth` });
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}
