// A program of a customer, with nats.js: does one thing and prints what came of it as JSON.
//   node program.mjs URL USER PASSWORD read STREAM CONSUMER COUNT
//   node program.mjs URL USER PASSWORD ask SUBJECT BODY HEADERS
import { jetstream } from "@nats-io/jetstream";
import { connect, headers } from "@nats-io/transport-node";

const [url, user, pass, what, ...rest] = process.argv.slice(2);
const TIMEOUT_MS = 30_000;
const connection = await connect({ servers: url, user, pass });

// The next events of a durable consumer, each acknowledged.
async function read(stream, consumer, count) {
  const reader = await jetstream(connection, { apiPrefix: "JS.berth.API" }).consumers.get(stream, consumer);
  const events = [];
  while (events.length < Number(count)) {
    const message = await reader.next({ expires: TIMEOUT_MS });
    if (message === null) break;
    events.push({ sequence: message.seq, id: message.headers.get("Nats-Msg-Id"), event: message.json() });
    await message.ackAck();
  }
  return events;
}

// A request and its answer, or why there is none.
async function ask(subject, body, given) {
  const sent = headers();
  for (const [name, value] of Object.entries(JSON.parse(given))) sent.set(name, value);
  try {
    const answer = await connection.request(subject, body, { headers: sent, timeout: TIMEOUT_MS, noMux: true });
    const got = Object.fromEntries(answer.headers.keys().map((name) => [name.toLowerCase(), answer.headers.get(name)]));
    return { headers: got, body: answer.json() };
  } catch (error) {
    return { error: error.name };
  }
}

const done = what === "read" ? await read(...rest) : await ask(...rest);
console.log(JSON.stringify(done));
await connection.close();
