//! Connections that are used for more than one request.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use berth_bus::Holds;
use berth_runtime::Lifecycle;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::*;

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CHUNKED: &str = "HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";

/// Long enough for every story.
const REST: Duration = Duration::from_secs(20);

/// A server that answers the requests of each connection with what it was given for that, then hears one more and hangs up.
/// Those that come later are answered as the last.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// The connections of the requests that came whole.
    heard: Arc<Mutex<Vec<usize>>>,
    /// Ends when the server hangs up.
    lease: Arc<AtomicBool>,
    /// Connections that were closed by whoever opened them.
    closed: watch::Sender<usize>,
    _lifecycle: Lifecycle,
}

impl Server {
    async fn start(answers: &'static [&'static [&'static str]]) -> Self {
        Self::on((Ipv4Addr::LOCALHOST, 0).into(), answers).await
    }

    pub(super) async fn on(at: SocketAddr, answers: &'static [&'static [&'static str]]) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let (address, lifecycle) = (listener.local_addr().unwrap(), Lifecycle::new());
        let heard = Arc::<Mutex<Vec<usize>>>::default();
        let (lease, closed) = (Arc::new(AtomicBool::new(true)), watch::Sender::new(0));
        let (notes, ends, tells, tasks) =
            (Arc::clone(&heard), Arc::clone(&lease), closed.clone(), lifecycle.clone());
        lifecycle.spawn(async move {
            for number in 0_usize.. {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let (notes, ends, tells) = (Arc::clone(&notes), Arc::clone(&ends), tells.clone());
                tasks.spawn(async move {
                    let says = answers[number.min(answers.len() - 1)];
                    for answer in says.iter().map(Some).chain([None]) {
                        if !came(&mut stream).await {
                            tells.send_modify(|closed| *closed += 1);
                            return;
                        }
                        notes.lock().unwrap().push(number);
                        match answer {
                            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                            None => ends.store(false, Ordering::SeqCst),
                        }
                    }
                });
            }
        });
        Self { address, heard, lease, closed, _lifecycle: lifecycle }
    }

    pub(super) fn heard(&self) -> Vec<usize> {
        self.heard.lock().unwrap().clone()
    }

    async fn sent(&self, transport: &Transport, of: u8) -> Result<u16, SendError> {
        let lease = Holds::new(|| true);
        self.sent_under(transport, of, lease, Duration::from_secs(10)).await
    }

    async fn sent_under(
        &self,
        transport: &Transport,
        of: u8,
        holds: Holds,
        begins_in: Duration,
    ) -> Result<u16, SendError> {
        let url = format!("http://{}/hook", self.address);
        let account = AccountId::from_bytes([of; 16]);
        let connected = transport.connect_for(account, &url, Duration::from_secs(15)).await?;
        let pass = Pass { holds, begins_before: Instant::now() + begins_in };
        connected.send(parcel(), pass).await.map(|answer| answer.status)
    }
}

pub(super) fn parcel() -> Parcel {
    Parcel { headers: HeaderMap::new(), body: Bytes::from_static(b"{}") }
}

/// Whether a whole request comes.
async fn came(stream: &mut TcpStream) -> bool {
    let (mut bytes, mut text) = ([0; 4_096], String::new());
    while !text.ends_with("{}") {
        let Ok(read @ 1..) = stream.read(&mut bytes).await else { return false };
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    true
}

fn transport() -> Transport {
    let policy =
        UrlPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()], plain_http: false, ..UrlPolicy::default() };
    Transport::new(policy).unwrap().resting(REST)
}

#[tokio::test]
async fn an_answer_that_came_whole_leaves_its_connection_to_the_next_of_the_account() {
    let (server, transport) = (Server::start(&[&[NO_CONTENT, OK, CHUNKED, OK]]).await, transport());
    for status in [204, 200, 500, 200] {
        assert_eq!(server.sent(&transport, 1).await, Ok(status));
    }
    assert_eq!(server.heard(), [0; 4]);
    assert_eq!(server.sent(&transport, 2).await, Ok(204));
    assert_eq!(server.heard().last(), Some(&1), "nobody else's notice goes over it");
    let own = transport.connect(&format!("http://{}/", server.address), REST).await.unwrap();
    let pass = Pass { holds: Holds::new(|| true), begins_before: Instant::now() + REST };
    assert_eq!(own.send(parcel(), pass).await.map(|answer| answer.status), Ok(204));
    assert_eq!(server.heard().last(), Some(&2), "nor one that has a connection of its own");
}

#[tokio::test]
async fn a_connection_on_which_something_is_left_to_say_is_not_used_again() {
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        // Two answers: the second one is for no notice.
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n",
        // More than is read.
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc",
        // A body that there is not: whoever announces it may send it.
        "HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n",
    ] {
        let status = answer[9..12].parse().unwrap();
        let said: &'static [&'static str] = Box::leak(Box::new([answer, answer]));
        let answers: &'static [&'static [&'static str]] = Box::leak(Box::new([said]));
        let (server, transport) = (Server::start(answers).await, transport());
        assert_eq!(server.sent(&transport, 1).await, Ok(status), "{answer}");
        assert_eq!(server.sent(&transport, 1).await, Ok(status), "{answer}");
        assert_eq!(server.heard(), [0, 1], "{answer}");
    }
}

#[tokio::test]
async fn what_is_closed_when_it_is_taken_up_again_is_replaced_once() {
    let (server, ours) = (Server::start(&[&[NO_CONTENT]]).await, transport());
    for heard in [vec![0], vec![0, 0, 1], vec![0, 0, 1, 1, 2]] {
        assert_eq!(server.sent(&ours, 1).await, Ok(204));
        assert_eq!(server.heard(), heard);
    }
    let (server, ours) = (Server::start(&[&[NO_CONTENT], &[]]).await, transport());
    assert_eq!(server.sent(&ours, 1).await, Ok(204));
    assert_eq!(server.sent(&ours, 1).await, Err(SendError::Broken));
    assert_eq!(server.heard(), [0, 0, 1], "a new connection that is closed is an answer of its own");
}

#[tokio::test]
async fn each_request_needs_a_permission_of_its_own_and_so_does_its_repetition() {
    let (server, transport) = (Server::start(&[&[NO_CONTENT]]).await, transport());
    assert_eq!(server.sent(&transport, 1).await, Ok(204));
    let late = server.sent_under(&transport, 1, Holds::new(|| true), Duration::ZERO).await;
    assert_eq!(late, Err(SendError::Unpermitted));
    assert_eq!(server.sent(&transport, 1).await, Ok(204));
    assert_eq!(server.heard(), [0, 1], "what held something back is not used again");
    let lease = Arc::clone(&server.lease);
    let holds = Holds::new(move || lease.load(Ordering::SeqCst));
    let lost = server.sent_under(&transport, 1, holds, REST).await;
    assert_eq!(lost, Err(SendError::Broken), "the endpoint may have heard it");
    assert_eq!(server.heard(), [0, 1, 1]);
}

#[tokio::test]
async fn what_has_rested_for_long_enough_is_closed() {
    let server = Server::start(&[&[NO_CONTENT, NO_CONTENT]]).await;
    let hasty = transport().resting(Duration::ZERO);
    assert_eq!(server.sent(&hasty, 1).await, Ok(204));
    assert_eq!(server.sent(&hasty, 1).await, Ok(204));
    assert_eq!(server.heard(), [0, 1]);
    assert_eq!(server.sent(&hasty, 2).await, Ok(204));
    let mut closed = server.closed.subscribe();
    tokio::select! {
        () = hasty.sweep() => panic!("it ends"),
        closed = closed.wait_for(|closed| *closed == 3) => drop(closed.unwrap()),
    }
}

#[tokio::test]
async fn no_more_rest_than_may_and_the_oldest_goes() {
    let (server, transport) = (Server::start(&[&[NO_CONTENT, NO_CONTENT]]).await, transport());
    let accounts: Vec<u8> = (0..=u8::MAX).collect();
    for of in &accounts {
        assert_eq!(server.sent(&transport, *of).await, Ok(204));
    }
    let url = format!("http://{}/hook", server.address);
    let another = AccountId::from_bytes(*b"one account more");
    let connected = transport.connect_for(another, &url, REST).await.unwrap();
    let pass = Pass { holds: Holds::new(|| true), begins_before: Instant::now() + REST };
    connected.send(parcel(), pass).await.unwrap();
    assert_eq!(server.sent(&transport, 1).await, Ok(204));
    assert_eq!(server.heard().last(), Some(&1), "that one still rested");
    assert_eq!(server.sent(&transport, 0).await, Ok(204));
    assert_eq!(server.heard().last(), Some(&(accounts.len() + 1)), "it was closed for another");
}

/// A server that serves one connection at a time, and takes its time for each request.
async fn with_one_worker(lifecycle: &Lifecycle) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    lifecycle.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            while came(&mut stream).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let _gone = stream.write_all(NO_CONTENT.as_bytes()).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn a_server_with_one_worker_keeps_nobody_waiting_for_a_connection_that_is_kept() {
    let lifecycle = Lifecycle::new();
    let (url, transport) = (format!("http://{}/", with_one_worker(&lifecycle).await), transport());
    let senders = (0..8).map(|_| async {
        for _ in 0..10 {
            let attempt_max = Duration::from_secs(10);
            let connected = transport.connect_for(AccountId::from_bytes([1; 16]), &url, attempt_max).await?;
            let pass = Pass { holds: Holds::new(|| true), begins_before: Instant::now() + REST };
            connected.send(parcel(), pass).await?;
        }
        Ok::<_, SendError>(())
    });
    assert_eq!(futures::future::join_all(senders).await, [Ok(()); 8]);
}

#[tokio::test]
async fn what_comes_before_a_request_is_no_answer_to_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, transport) = (format!("http://{}/", listener.local_addr().unwrap()), transport());
    let account = AccountId::from_bytes([1; 16]);
    let pass = || Pass { holds: Holds::new(|| true), begins_before: Instant::now() + REST };
    let (connected, accepted) = tokio::join!(transport.connect_for(account, &url, REST), listener.accept());
    let mut stream = accepted.unwrap().0;
    let (answer, ()) = tokio::join!(connected.unwrap().send(parcel(), pass()), async {
        assert!(came(&mut stream).await);
        stream.write_all(NO_CONTENT.as_bytes()).await.unwrap();
    });
    assert_eq!(answer.map(|answer| answer.status), Ok(204));
    // It is taken up again, and only then a balancer says that nobody used it for long.
    let again = transport.connect_for(account, &url, REST).await.unwrap();
    stream.write_all(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    // The runtime looks what came after some of its turns.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let (answer, ()) = tokio::join!(again.send(parcel(), pass()), async {
        let mut anew = listener.accept().await.unwrap().0;
        assert!(came(&mut anew).await);
        anew.write_all(NO_CONTENT.as_bytes()).await.unwrap();
    });
    assert_eq!(answer.map(|answer| answer.status), Ok(204));
}
