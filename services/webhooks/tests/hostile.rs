//! Answers that never end, and answers that are none: each is given up, and the notice is tried again.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_proto::delivery::SettlementV1;
use berth_runtime::{Lifecycle, sealing::field};
use berth_webhooks::schedule::Schedule;
use common::{DEADLINE, World, quick};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Bytes that a machine may hold for a connection beside what the service reads of it.
const BUFFERED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A server that says something once and then something else again and again.
struct Hostile {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    written_bytes: Arc<AtomicUsize>,
    _lifecycle: Lifecycle,
}

impl Hostile {
    async fn start(once: &'static str, again: &'static str, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, written_bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let lifecycle = Lifecycle::new();
        let (counted, written, tasks) = (connections.clone(), written_bytes.clone(), lifecycle.clone());
        lifecycle.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let written = written.clone();
                tasks.spawn(async move {
                    let mut request = [0; 4_096];
                    let _ = stream.read(&mut request).await;
                    let mut part = once.to_owned();
                    let again = if pause.is_zero() { again.repeat(500) } else { again.to_owned() };
                    while stream.write_all(part.as_bytes()).await.is_ok() && !again.is_empty() {
                        written.fetch_add(part.len(), Ordering::SeqCst);
                        part.clone_from(&again);
                        tokio::time::sleep(pause).await;
                    }
                });
            }
        });
        Self { address, connections, written_bytes, _lifecycle: lifecycle }
    }

    /// Waits until a second attempt was made.
    async fn tried_again(&self) {
        let again = tokio::time::timeout(DEADLINE, async {
            while self.connections.load(Ordering::SeqCst) < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(again.await.is_ok(), "the first attempt goes on and on");
    }
}

/// No attempt ends because of the time.
fn timeless() -> Schedule {
    Schedule { attempt_max: Duration::from_hours(1), ..quick() }
}

async fn linked(server: &Hostile, scheme: &str, schedule: Schedule) -> (World, common::Replica) {
    let world = World::new().await;
    let replica = world.replica("a", schedule).await;
    let mut hook = world.endpoint(1, "mega", server.address);
    hook.url = world.seal(field::WEBHOOK_URL, &format!("{scheme}://{}/", server.address));
    world.create(vec![hook]).await;
    world.link().await;
    (world, replica)
}

#[tokio::test]
async fn an_answer_that_never_begins_or_never_ends_its_head_is_given_up() {
    for (once, again) in [
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\n", "x-more: more\r\n"),
        ("HTTP/1.1 200 OK\r\nx-long: ", "aaaaaaaaaaaaaaaa"),
        ("", "this is no answer\r\n"),
    ] {
        let server = Hostile::start(once, again, Duration::ZERO).await;
        let _running = linked(&server, "http", timeless()).await;
        server.tried_again().await;
        let attempts = server.connections.load(Ordering::SeqCst);
        let written = server.written_bytes.load(Ordering::SeqCst);
        assert!(written <= attempts * BUFFERED_BYTES_MAX, "{written} bytes of {again}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_off_and_the_answer_counts() {
    let once = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = Hostile::start(once, "8\r\nabcdefgh\r\n", Duration::ZERO).await;
    let (world, _replica) = linked(&server, "http", timeless()).await;
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
}

#[tokio::test]
async fn a_success_is_one_whatever_becomes_of_its_body() {
    // It goes on about one chunk for ever, it drips, it breaks off, it is announced as a hundred megabytes, it says that it is packed.
    for (once, again) in [
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1", ";extension=long"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", "a"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na", ""),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n", "a"),
        ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\n\x1f\r\n"),
    ] {
        let server = Hostile::start(once, again, Duration::from_millis(100)).await;
        let schedule = Schedule { attempt_max: Duration::from_millis(300), ..quick() };
        let (world, _replica) = linked(&server, "http", schedule).await;
        assert_eq!(world.settled(1).await, [SettlementV1::Delivered], "{once}");
        assert_eq!(server.connections.load(Ordering::SeqCst), 1, "{once}");
    }
}

#[tokio::test]
async fn what_drips_stalls_or_breaks_off_is_tried_again() {
    let second = Duration::from_secs(1);
    for (scheme, once, again) in
        [("http", "HTTP/1.1 200 OK\r\nx-slow: ", "a"), ("http", "HTTP/1.1 200", ""), ("https", "", "\0")]
    {
        let server = Hostile::start(once, again, second).await;
        let schedule = Schedule { attempt_max: Duration::from_millis(300), ..quick() };
        let _running = linked(&server, scheme, schedule).await;
        server.tried_again().await;
    }
}
