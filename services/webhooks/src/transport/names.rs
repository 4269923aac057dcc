//! Names that lead to several addresses, or to another one each time they are asked for.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Mutex,
};

use berth_bus::Holds;
use berth_runtime::Lifecycle;
use hickory_resolver::{
    Resolver,
    config::{NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

use super::{
    keeping::{Server, parcel},
    *,
};

/// The name of the endpoint.
const NAME: &str = "shop.example";
/// What a server answers that keeps its connections.
const AGAIN_AND_AGAIN: &[&[&str]] = &[&["HTTP/1.1 204 No Content\r\n\r\n"; 9]];
/// Bytes of the head of a message.
const HEAD: usize = 12;

/// A name server that says what it is told to, and that it is not to be remembered.
struct Names {
    resolver: Arc<TokioResolver>,
    answers: Arc<Mutex<Vec<IpAddr>>>,
    _lifecycle: Lifecycle,
}

impl Names {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let (answers, lifecycle) = (Arc::<Mutex<Vec<IpAddr>>>::default(), Lifecycle::new());
        let says = answers.clone();
        lifecycle.spawn(async move {
            let mut query = [0; 512];
            while let Ok((read, asker)) = socket.recv_from(&mut query).await {
                let reply = reply(&query[..read], &says.lock().unwrap());
                let _gone = socket.send_to(&reply, asker).await;
            }
        });
        let mut server = NameServerConfig::udp(at.ip());
        for connection in &mut server.connections {
            connection.port = at.port();
        }
        let config = ResolverConfig::from_name_servers(vec![server]);
        let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        Self { resolver: Arc::new(resolver.build().unwrap()), answers, _lifecycle: lifecycle }
    }

    fn say(&self, answers: &[&str]) {
        *self.answers.lock().unwrap() = answers.iter().map(|address| address.parse().unwrap()).collect();
    }
}

/// The answers to one question of a query, of the kind that it asks for.
fn reply(query: &[u8], answers: &[IpAddr]) -> Vec<u8> {
    let mut end = HEAD;
    while query[end] != 0 {
        end += 1 + usize::from(query[end]);
    }
    let question = &query[HEAD..end + 5];
    let kind = query[end + 2];
    let records: Vec<Vec<u8>> = answers
        .iter()
        .filter_map(|answer| match (kind, answer) {
            (1, IpAddr::V4(address)) => Some(address.octets().to_vec()),
            (28, IpAddr::V6(address)) => Some(address.octets().to_vec()),
            _ => None,
        })
        .collect();
    let count = u8::try_from(records.len()).unwrap();
    let mut reply = [&query[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
    for address in records {
        // The name of the question, IN, no time to live.
        reply.extend([0xC0, 0x0C, 0, kind, 0, 1, 0, 0, 0, 0, 0, u8::try_from(address.len()).unwrap()]);
        reply.extend(address);
    }
    reply
}

/// A server that answers 204; gives where it is.
async fn server(lifecycle: &Lifecycle) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    lifecycle.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _request = stream.read(&mut [0; 4_096]).await;
            let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    address
}

async fn sent(transport: &Transport, port: u16) -> Result<u16, SendError> {
    let connected = transport.connect(&format!("http://{NAME}:{port}/"), Duration::from_secs(15)).await?;
    let pass = Pass { holds: Holds::new(|| true), begins_before: Instant::now() + Duration::from_secs(1) };
    let parcel = Parcel { headers: HeaderMap::new(), body: Bytes::from_static(b"{}") };
    connected.send(parcel, pass).await.map(|answer| answer.status)
}

#[tokio::test]
async fn one_answer_that_is_refused_refuses_the_name_and_the_next_attempt_asks_anew() {
    let (names, lifecycle) = (Names::start().await, Lifecycle::new());
    let port = server(&lifecycle).await.port();
    let policy =
        UrlPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()], plain_http: false, ..UrlPolicy::default() };
    let transport = Transport::with(policy, Connector::new().unwrap(), &names.resolver);
    let inside = "127.0.0.1";
    for (answers, came) in [
        (&[inside][..], Ok(204)),
        // As a rebinding does it: the next answer leads elsewhere.
        (&["10.0.0.1"], Err(SendError::Refused)),
        (&[inside, "10.0.0.1"], Err(SendError::Refused)),
        (&["169.254.169.254", inside], Err(SendError::Refused)),
        (&[inside, "::1"], Err(SendError::Refused)),
        (&[inside, "::ffff:10.0.0.1"], Err(SendError::Refused)),
        (&[inside, "64:ff9b::a00:1"], Err(SendError::Refused)),
        // Of an allow-list by plain http nothing else is taken, be it as public as it may.
        (&[inside, "8.8.8.8"], Err(SendError::Refused)),
        (&[], Err(SendError::Name)),
        (&[inside], Ok(204)),
    ] {
        names.say(answers);
        assert_eq!(sent(&transport, port).await, came, "{answers:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_kept_is_used_only_while_its_name_leads_there() {
    let names = Names::start().await;
    let first = Server::on("127.0.0.1:0".parse().unwrap(), AGAIN_AND_AGAIN).await;
    let port = first.address.port();
    let second = Server::on(SocketAddr::from(([127, 0, 0, 2], port)), AGAIN_AND_AGAIN).await;
    let policy =
        UrlPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()], plain_http: false, ..UrlPolicy::default() };
    let transport =
        Transport::with(policy, Connector::new().unwrap(), &names.resolver).resting(Duration::from_secs(20));
    for (answer, came, heard) in [
        ("127.0.0.1", Ok(204), (1, 0)),
        ("127.0.0.1", Ok(204), (2, 0)),
        ("127.0.0.2", Ok(204), (2, 1)),
        ("10.0.0.1", Err(SendError::Refused), (2, 1)),
        ("127.0.0.2", Ok(204), (2, 2)),
    ] {
        names.say(&[answer]);
        let url = format!("http://{NAME}:{port}/");
        let account = AccountId::from_bytes([1; 16]);
        let sent = async {
            let connected = transport.connect_for(account, &url, Duration::from_secs(15)).await?;
            let begins_before = Instant::now() + Duration::from_secs(10);
            let pass = Pass { holds: Holds::new(|| true), begins_before };
            connected.send(parcel(), pass).await.map(|answer| answer.status)
        };
        assert_eq!(sent.await, came, "{answer}");
        assert_eq!((first.heard().len(), second.heard().len()), heard, "{answer}");
    }
    assert_eq!((first.heard(), second.heard()), (vec![0; 2], vec![0; 2]));
}
