//! Answers that never end, and answers that are none: each is given up, and the notice is tried again.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_proto::{
    EndpointId,
    deliveries::{DeliveriesReplyV1, DeliveriesRequestV1},
    delivery::SettlementV1,
};
use berth_runtime::{Lifecycle, sealing::field};
use berth_webhooks::schedule::Schedule;
use common::{DEADLINE, World, quick};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
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
        let again = if pause.is_zero() { again.repeat(500) } else { again.to_owned() };
        Self::saying(once.into(), again.into(), pause).await
    }

    /// The same with bytes of any kind; nothing follows if there is nothing more to say.
    async fn saying(once: Vec<u8>, again: Vec<u8>, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, written_bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let lifecycle = Lifecycle::new();
        let (counted, written, tasks) = (connections.clone(), written_bytes.clone(), lifecycle.clone());
        lifecycle.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (written, again, mut part) = (written.clone(), again.clone(), once.clone());
                tasks.spawn(async move {
                    let mut request = [0; 4_096];
                    let _ = stream.read(&mut request).await;
                    while stream.write_all(&part).await.is_ok() && !again.is_empty() {
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

/// Bytes that a bomb unpacks to.
const BOMB_BYTES: usize = 100 * 1024 * 1024;

/// A hundred megabytes of nothing in a hundred kilobytes.
fn bomb() -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..BOMB_BYTES / 4_096 {
        packer.write_all(&[0; 4_096]).unwrap();
    }
    packer.finish().unwrap()
}

#[tokio::test]
async fn a_body_that_is_packed_is_kept_as_it_came_and_never_unpacked() {
    let bomb = bomb();
    let mut unpacked = 0;
    let mut reader = GzDecoder::new(bomb.as_slice());
    let mut page = vec![0; 1 << 20];
    loop {
        match reader.read(&mut page).unwrap() {
            0 => break,
            bytes => unpacked += bytes,
        }
    }
    assert_eq!(unpacked, BOMB_BYTES, "it is one");
    let length = bomb.len();
    let head = format!("HTTP/1.1 500 No\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
    let answer = [head.as_bytes(), &bomb].concat();
    let server = Hostile::saying(answer, Vec::new(), Duration::ZERO).await;
    let (world, _replica) = linked(&server, "http", quick()).await;
    server.tried_again().await;
    let kept = loop {
        let (page, _) = world.page(World::everything()).await;
        let asked = DeliveriesRequestV1::One {
            instance: world.instance,
            endpoint: EndpointId::from_bytes([1; 16]),
            id: page[0].id,
        };
        let DeliveriesReplyV1::One(_, attempts) = world.deliveries(asked).await else { panic!() };
        let end = attempts.into_iter().find_map(|attempt| attempt.end);
        if let Some(answer) = end.and_then(|end| end.answer) {
            break world.opened(field::ANSWER, &answer);
        }
    };
    let begins = String::from_utf8_lossy(&bomb[..32]);
    assert!(kept.starts_with(&*begins) && kept.len() <= 8 * 1024, "{} bytes are kept", kept.len());
}

#[tokio::test]
async fn a_hundred_megabytes_that_come_as_fast_as_they_can_are_not_read() {
    let (bytes, part) = (100 * 1024 * 1024, vec![b'a'; 64 * 1024]);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
    let server = Hostile::saying(head.into(), part, Duration::ZERO).await;
    let (world, _replica) = linked(&server, "http", timeless()).await;
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
    let written = server.written_bytes.load(Ordering::SeqCst);
    assert!(written <= BUFFERED_BYTES_MAX, "{written} bytes were taken from it");
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
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
