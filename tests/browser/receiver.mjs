// An endpoint of webhooks that answers as it is told to.
import { createServer } from "node:http";

export class Receiver {
  static async start() {
    const receiver = new Receiver();
    receiver.server = createServer((request, answer) => {
      receiver.received.push(request.headers["webhook-id"]);
      request.resume();
      request.on("end", () => answer.writeHead(receiver.status).end(receiver.body));
    });
    await new Promise((resolve) => receiver.server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  constructor() {
    Object.assign(this, { status: 200, body: "", received: [] });
  }

  get address() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
