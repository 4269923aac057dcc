//! Clients that send half of a request, or never go: they hold up nobody, and no stop.

use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, Running, eventually};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection on which these bytes were sent.
async fn open(client: &Client, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(client.base().trim_start_matches("http://")).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// The head of a request with the account's token.
fn head(line: &str, more: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: berth\r\nAuthorization: Bearer {ACCOUNT_TOKEN}\r\n{more}\r\n")
}

/// Everything that comes until the other side closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _end = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn started() -> (Running, Client) {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "i"})).await.expect(201);
    (berth, client)
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_next_is_served() {
    let (berth, client) = started().await;
    let get = head("GET /v1/instances/i", "");
    let twice = head("POST /v1/instances/i/logout", "Content-Length: 2\r\nContent-Length: 3\r\n");
    let endless = head("POST /v1/instances/i/logout", "Content-Length: 99999999999\r\n");
    let chunk = head("POST /v1/instances/i/logout", "Transfer-Encoding: chunked\r\n");
    let large = head("GET /v1/instances/i", &format!("X-Large: {}\r\n", "y".repeat(30_000)));
    let larger = head("GET /v1/instances/i", &format!("X-Large: {}\r\n", "y".repeat(40_000)));
    let huge = head("GET /v1/instances/i", &format!("X-Huge: {}\r\n", "y".repeat(1_000_000)));
    let cases = [
        ("\u{1}\u{2}garbage\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        (format!("{get}GARBAGE\r\n\r\n"), "HTTP/1.1 200"),
        (twice, "HTTP/1.1 400"),
        (format!("{endless}{{"), "HTTP/1.1 413"),
        (format!("{chunk}ZZ\r\n"), "HTTP/1.1 400"),
        (format!("{large}GARBAGE\r\n\r\n"), "HTTP/1.1 200"),
        (larger, "HTTP/1.1 431"),
        (huge, "HTTP/1.1 431"),
    ];
    for (bytes, expected) in cases {
        let answer = rest(open(&client, &bytes).await).await;
        assert!(answer.starts_with(expected), "{expected} is expected: {answer}");
    }
    client.get("/v1/instances/i").await.expect(200);
    assert!(!berth.logs().contains("panicked"), "{}", berth.logs());
}

#[tokio::test]
async fn a_stop_answers_who_waits_and_cuts_who_never_ends() {
    let (mut berth, client) = started().await;
    client.post("/v1/instances/i/simulate", json!({"action": "never_show_code"})).await.expect(200);
    let wait = "{\"wait_ms\":60000}";
    let length = format!("Content-Length: {}\r\n", wait.len());
    let waiting = open(&client, &(head("POST /v1/instances/i/connect", &length) + wait)).await;
    let watching = open(&client, &head("GET /v1/instances/i/events/stream", "Last-Event-ID: 0\r\n")).await;
    let half_head = open(&client, "GET /v1/instances/i HTTP/1.1\r\nHost: berth\r\n").await;
    let half_body = open(&client, &head("POST /v1/instances/i/logout", "Content-Length: 10\r\n")).await;
    eventually("the connect is under way", async || {
        let now = client.get("/v1/instances/i").await.expect(200);
        if now["state"] == "connecting" { Ok(()) } else { Err(now) }
    })
    .await;

    assert_eq!(berth.stop().await, [Some(0)], "the stop is a clean one");
    let waited = rest(waiting).await;
    assert!(waited.starts_with("HTTP/1.1 200"), "the waiting connect is answered: {waited}");
    let watched = rest(watching).await;
    assert!(watched.contains("event: ConnectRequested"), "{watched}");
    assert!(watched.ends_with("0\r\n\r\n"), "the stream ends in order: {watched}");
    assert_eq!(rest(half_head).await, "");
    assert_eq!(rest(half_body).await, "", "what never was a whole request is not answered");
}

#[tokio::test]
async fn watchers_that_go_away_leave_nothing_behind() {
    let (berth, client) = started().await;
    let files = async || {
        let metrics = client.get("/metrics").await.text();
        let line = metrics.lines().find(|line| line.starts_with("process_open_fds ")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let before = files().await;
    let mut watchers = Vec::new();
    for _ in 0..100 {
        watchers.push(open(&client, &head("GET /v1/instances/i/events/stream", "")).await);
    }
    eventually("the watchers are there", async || {
        let now = files().await;
        if now >= before + 100.0 { Ok(()) } else { Err(now) }
    })
    .await;
    drop(watchers);
    eventually("their connections are closed", async || {
        let now = files().await;
        if now < before + 50.0 { Ok(()) } else { Err(now) }
    })
    .await;
    assert!(!berth.logs().contains("panicked"), "{}", berth.logs());
}
