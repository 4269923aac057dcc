// What carries the messages of a session with a connector. Each wire opens sessions for ever, and gives each a way to send and
// one to end: `heard` is called with what the connector says, `left` when the session is over.
import { connect } from "@nats-io/transport-node";
import WebSocket from "ws";

const [RECONNECT_MS, HELLO_MS, ANSWER_MS] = [1_000, 10_000, 10_000];

export function overWebSocket(url, token, hello, openSession) {
  const at = new URL("/workers/v1", url).href;
  const socket = new WebSocket(at, { headers: { authorization: `Bearer ${token}` } });
  const send = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
  const session = openSession(at, send, () => socket.terminate());
  socket.on("open", () => send(hello));
  socket.on("message", (text) => session.heard(JSON.parse(text)));
  socket.on("error", ({ message }) => console.error(`${at}: ${message}`));
  socket.on("close", () => {
    session.left();
    setTimeout(overWebSocket, RECONNECT_MS, url, token, hello, openSession);
  });
}

// Every message is a request. Whoever takes it answers with nothing; any other answer, and none, means that the session is over.
export async function overNats(urls, hello, openSession) {
  const servers = urls.split(",").map((url) => new URL(url));
  const [user, pass] = [servers[0].username, servers[0].password].map(decodeURIComponent);
  const as = user ? { user, pass } : {};
  const nats = await connect({
    ...as,
    servers: servers.map(({ host }) => host),
    tls: servers[0].protocol === "tls:" ? {} : undefined,
    inboxPrefix: `_INBOX_worker-${hello.worker}`,
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
  });
  // It connects again by itself, unless it may not: whoever watches over this process starts it again.
  nats.closed().then((error) => {
    console.error(`the connection to NATS is closed: ${error?.message}`);
    process.exit(1);
  });
  const subject = `berth.v1.worker.${hello.worker}`;
  const sessions = new Map();
  const ask = async (to, message) => {
    const answer = await nats.request(`${subject}.${to}`, JSON.stringify(message), { timeout: ANSWER_MS });
    if (answer.data.length > 0) throw new Error(answer.string());
  };
  // All connectors hear it; who has no session with this process opens one.
  const greet = () => ask("hello", hello).catch(({ message }) => console.error(`no connector on NATS: ${message}`));
  let again;
  const greetAgain = () => {
    clearTimeout(again);
    again = setTimeout(greet, RECONNECT_MS);
  };
  const open = (place) => {
    const end = () => {
      if (!sessions.delete(place)) return;
      session.left();
      greetAgain();
    };
    const session = openSession(`NATS, session ${place}`, (message) => ask(`said.${place}`, message).catch(end), end);
    sessions.set(place, session);
    return session;
  };
  const told = (error, message) => {
    if (error) return;
    const place = message.subject.split(".").slice(-2).join(".");
    const said = message.json();
    const session = sessions.get(place) ?? (said.kind === "welcome" ? open(place) : undefined);
    if (said.kind === "refused") {
      message.respond("");
      console.error(`refused on NATS: ${said.code}: ${said.message}`);
      if (sessions.delete(place)) session.left();
    } else if (session) {
      message.respond("");
      session.heard(said);
    } else {
      // This side ended it, and the other one did not know: now it does.
      message.respond("over");
      greetAgain();
    }
  };
  nats.subscribe(`${subject}.told.${hello.process}.*.*`, { callback: told });
  greet();
  setInterval(greet, HELLO_MS);
}
