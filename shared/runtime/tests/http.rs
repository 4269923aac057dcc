//! What every role serves for its operator, over a real listener.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, body::Body, http::Request, response::Response};
use berth_runtime::{
    Check, Lifecycle, Readiness,
    http::{ConnectionLimits, Ops, bind},
    telemetry::Metrics,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::ServiceExt;

async fn get(router: &Router, path: &str) -> (u16, String) {
    let response: Response =
        router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_process_is_ready_when_all_its_parts_are_and_not_when_it_drains() {
    let life = Lifecycle::new();
    let readiness = Readiness::new();
    let log_answers = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&log_answers);
    readiness.register("log", move || {
        if answers.load(Ordering::SeqCst) { Check::ready("4 shards") } else { Check::waiting("no answer") }
    });
    let router = Ops::new(readiness.clone(), Metrics::detached(), &life).all();

    let (status, body) = get(&router, "/readyz").await;
    assert_eq!(status, 503);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["ready"], false);
    assert_eq!(body["checks"]["log"], serde_json::json!({ "ready": false, "detail": "no answer" }));
    assert_eq!(body["checks"]["lifecycle"]["ready"], true);

    log_answers.store(true, Ordering::SeqCst);
    assert_eq!(get(&router, "/readyz").await.0, 200);
    assert!(readiness.is_ready());

    life.stop().cancel();
    assert_eq!(get(&router, "/readyz").await.0, 503);
    assert_eq!(get(&router, "/healthz").await.0, 200, "a process that drains is healthy");
}

#[tokio::test]
async fn a_free_port_is_taken_for_port_0_and_served_until_the_stop() {
    let life = Lifecycle::new();
    let bound = bind("http", "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = bound.address();
    assert_ne!(address.port(), 0);
    assert!(bind("http", address).is_err(), "the address is taken");
    let limits = ConnectionLimits { total: 2, per_address: 2 };
    bound.serve(Ops::new(Readiness::new(), Metrics::detached(), &life).all(), &life, limits);

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: berth\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    for codings in ["gzip, chunked", "chunked, chunked", "chunked\r\ntransfer-encoding: chunked"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("POST /healthz HTTP/1.1\r\nhost: berth\r\ntransfer-encoding: {codings}\r\n\r\n0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 501") && answer.contains("connection: close"),
            "{codings}: {answer}"
        );
    }

    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: berth\r\n\r\n").await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        kept.push(stream);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(third.read(&mut [0; 1]).await.unwrap_or_default(), 0, "over the bound it is closed at once");
    kept.pop();
    loop {
        // The end of the second one is noticed at some time.
        let mut again = TcpStream::connect(address).await.unwrap();
        let _closed =
            again.write_all(b"GET /healthz HTTP/1.1\r\nhost: berth\r\nconnection: close\r\n\r\n").await;
        if again.read(&mut [0; 1024]).await.unwrap_or_default() > 0 {
            break;
        }
    }

    drop(kept);
    assert!(life.shut_down().await, "it drains");
    assert!(TcpStream::connect(address).await.is_err());
}
