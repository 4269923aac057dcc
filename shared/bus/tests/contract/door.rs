//! Requests of other people's programs.

use async_nats::HeaderMap;
use berth_bus::{
    door::{Answered, Door, Visits},
    nats::NatsDoor,
};
use berth_runtime::{
    Lifecycle,
    config::{NatsSettings, NatsTls},
};
use berth_test_support::NatsServer;
use bytes::Bytes;
use futures::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{client, in_time};

/// Headers that a server hands on and a client cannot read.
const MALFORMED: [&[u8]; 6] = [
    b"NATS/1.0\r\nA: b\rc\r\n\r\n",
    b"NATS/1.0\r\nA: \xff\r\n\r\n",
    b"NATS/1.0\r\nno colon\r\n\r\n",
    b"NATS/1.0\r\nA b: c\r\n\r\n",
    b"NATS/1.0 99999\r\n\r\n",
    b"nothing of all this\r\n\r\n",
];

fn door(server: &NatsServer, lifecycle: &Lifecycle) -> NatsDoor {
    let settings =
        NatsSettings { url: server.url(), creds: None, tls: NatsTls::default(), replicas: 1, member: None };
    NatsDoor::new(settings, "here".to_owned(), lifecycle)
}

/// Publishes with these headers as they are.
async fn publish(server: &NatsServer, subject: &str, headers: &[u8]) {
    let mut wire = TcpStream::connect(server.url().trim_start_matches("nats://")).await.unwrap();
    let head = format!(
        "CONNECT {{\"verbose\":false,\"headers\":true}}\r\nHPUB {subject} _INBOX.x {0} {0}\r\n",
        headers.len()
    );
    wire.write_all(&[head.as_bytes(), headers, b"\r\nPING\r\n"].concat()).await.unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"PONG\r\n") {
        assert_ne!(wire.read_buf(&mut said).await.unwrap(), 0, "the server hung up");
    }
}

/// Asks, and answers with what was asked.
async fn is_answered(asker: &async_nats::Client, visits: &mut Visits) {
    let mut headers = HeaderMap::new();
    headers.append("Key", "one");
    let ask = asker.request_with_headers("door.get", headers, Bytes::from_static(b"?"));
    let answer = async {
        let visit = visits.next().await.unwrap();
        assert_eq!((visit.subject.as_str(), &*visit.payload), ("door.get", &b"?"[..]));
        visit.answer.send(Answered { headers: visit.headers, payload: visit.payload }).unwrap();
    };
    let (message, ()) = in_time(async { tokio::join!(ask, answer) }).await;
    let message = message.unwrap();
    assert_eq!(message.headers.unwrap().get("Key").unwrap().as_str(), "one");
    assert_eq!(message.payload, "?");
}

#[tokio::test]
async fn what_is_not_well_formed_ends_one_turn_of_the_door_and_touches_nothing_else() {
    let server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let door = door(&server, &lifecycle);
    let (asker, other) = (client(&server, "asker").await, client(&server, "here").await);
    let mut heard = other.subscribe("elsewhere").await.unwrap();
    for headers in MALFORMED {
        let mut visits = door.serve_until("door.*", "group", lifecycle.stop().clone()).await.unwrap();
        is_answered(&asker, &mut visits).await;
        publish(&server, "door.get", headers).await;
        assert!(in_time(visits.next()).await.is_none(), "{}", headers.escape_ascii());
        other.publish("elsewhere", Bytes::new()).await.unwrap();
        in_time(heard.next()).await.unwrap();
    }
    let mut visits = door.serve_until("door.*", "group", lifecycle.stop().clone()).await.unwrap();
    is_answered(&asker, &mut visits).await;
    drop(visits);
    assert!(lifecycle.shut_down().await, "no answer is left behind");
}

#[tokio::test]
async fn what_was_asked_before_the_end_is_answered() {
    let server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let door = door(&server, &lifecycle);
    let asker = client(&server, "asker").await;
    let mut visits = door.serve_until("door.*", "group", lifecycle.stop().clone()).await.unwrap();
    let ask = asker.request("door.get", Bytes::new());
    let answer = async {
        let visit = visits.next().await.unwrap();
        let rest = async {
            while visits.next().await.is_some() {}
            drop(visits);
            visit.answer.send(Answered { headers: Vec::new(), payload: Bytes::from_static(b"!") }).unwrap();
        };
        let (is_clean, ()) = tokio::join!(lifecycle.shut_down(), rest);
        assert!(is_clean, "no answer is left behind");
    };
    let (message, ()) = in_time(async { tokio::join!(ask, answer) }).await;
    assert_eq!(message.unwrap().payload, "!");
}
