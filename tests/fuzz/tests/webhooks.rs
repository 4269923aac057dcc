//! Any bytes as the answer of an endpoint: an attempt ends in time, and what it says of the answer is so.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use berth_bus::Holds;
use berth_fuzz::{Tape, Target, Verdict, mutated};
use berth_notices::formats::RetryRule;
use berth_proto::Timestamp;
use berth_runtime::{Lifecycle, UrlPolicy};
use berth_webhooks::{
    schedule::{Answer, judge},
    transport::{Parcel, Pass, SendError, Transport},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Instant, timeout},
};

const TARGET: Target = Target { name: "webhooks", cases: 1_200, seconds: 25 };
/// The time-out of an attempt.
const ATTEMPT_MAX: Duration = Duration::from_millis(120);
/// How long an attempt is waited for: far longer than it may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer, in the pieces in which it comes.
#[derive(Debug, Clone, Default)]
struct Script {
    pieces: Vec<Vec<u8>>,
    /// Whether the connection stays open behind the last piece.
    stalls: bool,
    /// The status that must be told, if the answer is one from its first byte to its last.
    whole: Option<u16>,
}

/// How an attempt is made: the planted faults make it in another way.
struct Sender {
    transport: Transport,
    attempt_max: Duration,
    meddle: fn(Result<Answer, SendError>) -> Result<Answer, SendError>,
}

/// An endpoint that answers what it is told to.
struct Endpoint {
    url: String,
    script: Arc<Mutex<Script>>,
    _lifecycle: Lifecycle,
}

#[tokio::test]
async fn fuzz_an_attempt_ends_in_time_and_tells_what_came() {
    let (endpoint, sender) = (Endpoint::start().await, Sender::new());
    TARGET.run(async |tape| case(tape, &endpoint, &sender, PATIENCE).await).await;
}

async fn case(tape: &mut Tape<'_>, endpoint: &Endpoint, sender: &Sender, patience: Duration) -> Verdict {
    let script = script(tape);
    *endpoint.script.lock().unwrap() = script.clone();
    let sent = timeout(patience, sender.send(endpoint)).await.map_err(|_| format!("no end: {script:?}"))?;
    match (&sent, script.whole) {
        (Ok(answer), Some(status)) if answer.status != status => {
            return Err(format!("{status} was answered and {} is told", answer.status));
        }
        (Err(error), Some(status)) if !script.stalls => {
            return Err(format!("{status} was answered and is told as {error}"));
        }
        (Ok(answer), None) if !could_be(&script, answer.status) => {
            return Err(format!("nobody answered {}: {script:?}", answer.status));
        }
        _ => {}
    }
    if let Ok(answer) = &sent {
        if !(100..1_000).contains(&answer.status) {
            return Err(format!("{} is no status", answer.status));
        }
        for rule in [RetryRule::Standard, RetryRule::GreenApi] {
            let now = Timestamp(i64::try_from(tape.number() >> 1).unwrap_or_default());
            // It judges anything without a panic, which would be caught.
            let _ = judge(rule, answer, now);
        }
    }
    Ok(())
}

/// Whether an endpoint may have said this status: it stands in what it sent. What becomes of the body does not matter.
fn could_be(script: &Script, status: u16) -> bool {
    let sent = script.pieces.concat();
    sent.windows(3).any(|three| three == status.to_string().as_bytes())
}

fn script(tape: &mut Tape<'_>) -> Script {
    let status = *tape.pick(&[200_u16, 204, 201, 299, 301, 307, 400, 404, 410, 429, 500, 503, 599, 999]);
    let mut head = format!("HTTP/1.1 {status} Any\r\n");
    for _ in 0..tape.below(4) {
        let name =
            *tape.pick(&["retry-after", "webhook-delivery", "location", "x-a", "set-cookie", "connection"]);
        let number = tape.number().to_string();
        let value = *tape.pick(&[
            "disable",
            "120",
            "-1",
            &number,
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "close",
            "a b",
            "1e9",
            "\u{e9}",
        ]);
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = tape.bytes(64);
    let mut script = Script { whole: Some(status), ..Script::default() };
    for _ in 0..tape.below(3) {
        let interim =
            *tape.pick(&["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"]);
        script.pieces.push(interim.as_bytes().to_vec());
    }
    let framing = tape.below(4);
    match framing {
        0 => script
            .pieces
            .push([format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()),
        1 => {
            script.pieces.push(format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes());
            script.pieces.push(
                [
                    format!("{:x};a=b\r\n", body.len().max(1)).as_bytes(),
                    if body.is_empty() { b"x" } else { &body },
                    b"\r\n",
                ]
                .concat(),
            );
            script.pieces.push(b"0\r\n\r\n".to_vec());
        }
        2 => script.pieces.push([format!("{head}connection: close\r\n\r\n").as_bytes(), &body].concat()),
        _ => {
            script.pieces.push([format!("{head}content-length: 999999\r\n\r\n").as_bytes(), &body].concat());
            script.whole = None;
        }
    }
    // No body may follow some answers, so what follows is none of it; what is said to come is not waited for.
    if status == 204 {
        script.whole = (framing != 3).then_some(204);
    }
    if !tape.one_in(3) {
        return script;
    }
    script.whole = None;
    match tape.below(4) {
        0 => script.stalls = true,
        1 => {
            let keep = tape.below(script.pieces.len() + 1);
            script.pieces.truncate(keep);
        }
        2 => script.pieces = vec![tape.bytes(200)],
        _ => {
            let whole = script.pieces.concat();
            script.pieces = vec![mutated(tape, &whole, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\ncontent-length: -1\r\n\r\nffffffffffffffff\r\n")];
        }
    }
    script
}

// === impl Endpoint ===

impl Endpoint {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (lifecycle, script) = (Lifecycle::new(), Arc::new(Mutex::new(Script::default())));
        let (tasks, shared) = (lifecycle.clone(), script.clone());
        lifecycle.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let script = shared.lock().unwrap().clone();
                tasks.spawn(async move {
                    let mut request = [0; 4_096];
                    let _read = stream.read(&mut request).await;
                    for piece in &script.pieces {
                        if stream.write_all(piece).await.is_err() {
                            return;
                        }
                        let _flushed = stream.flush().await;
                        tokio::task::yield_now().await;
                    }
                    if script.stalls {
                        // Until the other end gives up.
                        let _ended = stream.read(&mut request).await;
                    }
                });
            }
        });
        Self { url, script, _lifecycle: lifecycle }
    }
}

// === impl Sender ===

impl Sender {
    fn new() -> Self {
        let policy = UrlPolicy {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            plain_http: true,
            ..UrlPolicy::default()
        };
        let _set_before = berth_journeys::Client::new("http://127.0.0.1");
        Self { transport: Transport::new(policy).unwrap(), attempt_max: ATTEMPT_MAX, meddle: |sent| sent }
    }

    async fn send(&self, endpoint: &Endpoint) -> Result<Answer, SendError> {
        (self.meddle)(self.sent(&endpoint.url).await)
    }

    async fn sent(&self, url: &str) -> Result<Answer, SendError> {
        let connected = self.transport.connect(url, self.attempt_max).await?;
        let parcel = Parcel { headers: hyper::HeaderMap::new(), body: bytes::Bytes::from_static(b"{}") };
        let pass = Pass { holds: Holds::new(|| true), begins_before: Instant::now() + self.attempt_max };
        connected.send(parcel, pass).await
    }
}

// === planted faults ===

async fn finds(sender: Sender, patience: Duration) -> String {
    let endpoint = Endpoint::start().await;
    let target = Target { name: "webhooks-planted", cases: 400, ..TARGET };
    let found = target.hunt(async |tape| case(tape, &endpoint, &sender, patience).await).await;
    found.expect("the fault is found").fault
}

#[tokio::test]
async fn an_attempt_without_a_time_out_is_found() {
    let sender = Sender { attempt_max: Duration::from_hours(1), ..Sender::new() };
    let fault = finds(sender, Duration::from_secs(1)).await;
    assert!(fault.contains("no end"), "{fault}");
}

#[tokio::test]
async fn an_answer_that_broke_off_and_counts_is_found() {
    let meddle = |sent| match sent {
        Err(SendError::Broken) => {
            Ok(Answer { status: 200, retry_after: None, disable: false, body: Vec::new() })
        }
        sent => sent,
    };
    let fault = finds(Sender { meddle, ..Sender::new() }, PATIENCE).await;
    assert!(fault.contains("nobody answered") || fault.contains("is told"), "{fault}");
}
