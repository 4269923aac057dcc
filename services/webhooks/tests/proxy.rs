//! An egress proxy: it is asked for checked addresses and nothing else, and no endpoint pays for its faults.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use berth_proto::{attempt::AttemptResultV1, delivery::SettlementV1};
use berth_runtime::{Lifecycle, config::EgressProxy, sealing::field};
use common::{Receiver, World, quick};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// A proxy that records what it is asked for.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    /// What it answers instead of doing it.
    answer: Arc<Mutex<Option<&'static str>>>,
    _lifecycle: Lifecycle,
}

impl Proxy {
    async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let (asked, answer) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Option<_>>>::default());
        let (address, lifecycle) = (listener.local_addr().unwrap(), Lifecycle::new());
        let (heard, says, tasks) = (asked.clone(), answer.clone(), lifecycle.clone());
        lifecycle.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, says) = (heard.clone(), says.clone());
                tasks.spawn(async move { serve(stream, &heard, &says).await });
            }
        });
        Self { address, asked, answer, _lifecycle: lifecycle }
    }

    fn configured(&self) -> Option<EgressProxy> {
        EgressProxy::parse(&format!("http://berth:secret@{}", self.address))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<String>>,
    says: &Mutex<Option<&'static str>>,
) -> Option<()> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(stream.read_u8().await.ok()?));
    }
    let to = head.split(' ').nth(1)?.to_owned();
    asked.lock().unwrap().push(head);
    let answer = *says.lock().unwrap();
    if let Some(answer) = answer {
        stream.write_all(answer.as_bytes()).await.ok()?;
        return None;
    }
    let mut endpoint = TcpStream::connect(to).await.ok()?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\nvia: story\r\n\r\n").await.ok()?;
    copy_bidirectional(&mut stream, &mut endpoint).await.ok()?;
    Some(())
}

#[tokio::test]
async fn it_is_asked_for_the_address_that_was_checked() {
    let (mut world, receiver, proxy) = (World::new().await, Receiver::start().await, Proxy::start().await);
    world.proxy = proxy.configured();
    let _replica = world.replica("a", quick()).await;
    let mut hook = world.endpoint(1, "native", receiver.address);
    let port = receiver.address.port();
    hook.url = world.seal(field::WEBHOOK_URL, &format!("http://shop.localhost:{port}/1"));
    world.create(vec![hook]).await;
    world.link().await;
    assert_eq!(world.settled(2).await, [SettlementV1::Delivered; 2]);
    let hits = receiver.hits();
    assert_eq!(hits[0].header("host"), format!("shop.localhost:{port}"), "the endpoint is who was meant");
    let asked = proxy.asked();
    assert!((1..=hits.len()).contains(&asked.len()), "once for each connection");
    for head in asked {
        assert!(head.starts_with(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n")), "{head}");
        assert!(head.contains("\r\nproxy-authorization: Basic YmVydGg6c2VjcmV0\r\n"), "{head}");
        assert!(!head.contains("webhook-id"), "{head}");
    }
    assert!(hits.iter().all(|hit| hit.headers.get("proxy-authorization").is_none()));
}

#[tokio::test]
async fn what_the_guard_refuses_it_is_not_asked_for() {
    let (mut world, proxy) = (World::new().await, Proxy::start().await);
    world.proxy = proxy.configured();
    let _replica = world.replica("a", quick()).await;
    let mut hook = world.endpoint(1, "native", proxy.address);
    hook.url = world.seal(field::WEBHOOK_URL, "https://10.1.2.3/hook");
    world.create(vec![hook]).await;
    world.link().await;
    let refused = || async {
        let (page, _) = world.page(World::everything()).await;
        page.iter().any(|one| one.last == Some(AttemptResultV1::Refused) && one.attempts > 1)
    };
    while !refused().await {
        tokio::task::yield_now().await;
    }
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
}

#[tokio::test]
async fn its_faults_use_up_no_try_and_its_refusals_are_the_endpoints() {
    let (mut world, receiver) = (World::new().await, Receiver::start().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    world.proxy = EgressProxy::parse(&format!("http://{address}"));
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "mega", receiver.address)]).await;
    world.link().await;
    let stands = |result: AttemptResultV1| {
        let world = &world;
        async move {
            let (page, _) = world.page(World::everything()).await;
            page.iter().any(|one| one.last == Some(result))
        }
    };
    // Nobody listens there.
    while !stands(AttemptResultV1::NotSent).await {
        tokio::task::yield_now().await;
    }
    let proxy = Proxy::on(TcpListener::bind(address).await.unwrap());
    *proxy.answer.lock().unwrap() = Some("HTTP/1.1 403 Forbidden\r\n\r\n");
    while !stands(AttemptResultV1::Refused).await {
        tokio::task::yield_now().await;
    }
    *proxy.answer.lock().unwrap() = Some("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    while !stands(AttemptResultV1::Connect).await {
        tokio::task::yield_now().await;
    }
    let before = world.page(World::everything()).await.0[0].attempts;
    assert!(before >= 2);
    *proxy.answer.lock().unwrap() = None;
    receiver.received(1).await;
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
}
