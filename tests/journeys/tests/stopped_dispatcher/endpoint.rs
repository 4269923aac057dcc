//! An endpoint that keeps attempts waiting at one point of their way each, until it lets them go.

use std::{
    collections::BTreeMap,
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// Its name.
const NAME: &str = "shop.localhost";
/// Connections that wait to be taken where few may; the system lets one more wait.
const QUEUE: u32 = 1;
/// How long anything of it is waited for: a lease, and the longest attempt that it may have left behind, and some.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Where an attempt is kept waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// Its connection is not taken.
    Connection,
    /// Its handshake is not answered.
    Handshake,
    /// Its request is not answered.
    Answer,
    /// Nowhere.
    Nowhere,
}

/// What was told in whole requests, by path, in order.
type Told = BTreeMap<String, Vec<String>>;

/// See the module.
pub(crate) struct Endpoint {
    addresses: Vec<(Point, SocketAddr)>,
    heard: Arc<Heard>,
    _accepting: JoinSet<()>,
}

struct Heard {
    told: watch::Sender<Told>,
    /// Connections that came.
    came: watch::Sender<usize>,
    /// Connections that are open.
    open: watch::Sender<usize>,
    /// Whether attempts are kept waiting.
    holds: watch::Sender<bool>,
}

// === impl Point ===

impl Point {
    pub(crate) const ALL: [Self; 4] = [Self::Connection, Self::Handshake, Self::Answer, Self::Nowhere];
}

// === impl Endpoint ===

impl Endpoint {
    /// Starts one, and gives the certificate of its authority as a file that a process can be told to trust.
    pub(crate) async fn start() -> (Self, String) {
        let (config, authority) = certified();
        let tls = TlsAcceptor::from(Arc::new(config));
        let heard = Arc::new(Heard {
            told: watch::Sender::default(),
            came: watch::Sender::default(),
            open: watch::Sender::default(),
            holds: watch::Sender::default(),
        });
        let (mut addresses, mut accepting) = (Vec::new(), JoinSet::new());
        for point in Point::ALL {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
            let queue = if point == Point::Connection { QUEUE } else { 1_024 };
            let listener = socket.listen(queue).expect("a listener");
            addresses.push((point, listener.local_addr().expect("an address")));
            accepting.spawn(accept(listener, point, tls.clone(), Arc::clone(&heard)));
        }
        (Self { addresses, heard, _accepting: accepting }, authority)
    }

    /// Where attempts to this path are kept waiting at this point.
    pub(crate) fn url(&self, point: Point, path: &str) -> String {
        let (_, address) = self.addresses.iter().find(|(of, _)| *of == point).expect("it listens for each");
        format!("https://{NAME}:{}/{path}", address.port())
    }

    /// From now on attempts are kept waiting, and what was told is forgotten.
    pub(crate) fn hold(&self) {
        self.heard.told.send_replace(Told::new());
        self.heard.holds.send_replace(true);
    }

    /// Every attempt goes on.
    pub(crate) fn let_go(&self) {
        self.heard.holds.send_replace(false);
    }

    pub(crate) fn told(&self) -> Told {
        self.heard.told.borrow().clone()
    }

    /// Waits until these paths were told this as their last word.
    pub(crate) async fn until_all_are_told(&self, paths: &[String], word: &str) {
        let is_told = |told: &Told| {
            paths.iter().all(|path| told.get(path).is_some_and(|words| words.iter().any(|one| one == word)))
        };
        until(&self.heard.told, "all are told", is_told).await;
    }

    /// Connections that came so far.
    pub(crate) fn came(&self) -> usize {
        *self.heard.came.borrow()
    }

    /// Waits until more connections came than so many.
    pub(crate) async fn until_more_came_than(&self, before: usize) {
        until(&self.heard.came, "connections come", |came| *came > before).await;
    }

    /// Waits until nothing is under way here.
    pub(crate) async fn until_none_is_open(&self) {
        until(&self.heard.open, "no connection is open", |open| *open == 0).await;
    }
}

async fn until<T: std::fmt::Debug>(of: &watch::Sender<T>, what: &str, is_so: impl Fn(&T) -> bool) {
    let mut changes = of.subscribe();
    let waited = timeout(WAIT_MAX, changes.wait_for(is_so)).await.is_ok();
    assert!(waited, "{what}: not so after {WAIT_MAX:?}; last seen: {:?}", *of.borrow());
}

/// What a server needs that is called by the name, and the certificate of who says so, as a file has it.
fn certified() -> (ServerConfig, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (of_authority, key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let authority = params.self_signed(&of_authority).expect("a certificate");
    let issuer = Issuer::new(params, of_authority);
    let named = CertificateParams::new(vec![NAME.to_owned()]).expect("parameters");
    let certificate = named.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a certificate and its key");
    let base64 = STANDARD.encode(authority.der());
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    (config, format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n")))
}

async fn accept(listener: TcpListener, point: Point, tls: TlsAcceptor, heard: Arc<Heard>) {
    let (mut connections, mut holds) = (JoinSet::new(), heard.holds.subscribe());
    loop {
        if point == Point::Connection && *holds.borrow_and_update() {
            let at = listener.local_addr().expect("an address");
            tokio::select! {
                () = crowd(at) => {}
                () = let_go(&mut holds) => {}
            }
        }
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                connections.spawn(serve(stream, point, tls.clone(), Arc::clone(&heard)));
            }
            _ = holds.changed() => {}
        }
    }
}

/// Keeps as many connections as may wait to be taken, so that the next one has to ask again and again.
async fn crowd(at: SocketAddr) {
    let _waiting = join_all((0..=QUEUE).map(|_| TcpStream::connect(at))).await;
    pending().await
}

/// Waits until attempts are not kept waiting.
async fn let_go(holds: &mut watch::Receiver<bool>) {
    drop(holds.wait_for(|holds| !holds).await);
}

async fn serve(stream: TcpStream, point: Point, tls: TlsAcceptor, heard: Arc<Heard>) {
    heard.came.send_modify(|came| *came += 1);
    heard.open.send_modify(|open| *open += 1);
    let mut holds = heard.holds.subscribe();
    if point == Point::Handshake {
        let_go(&mut holds).await;
    }
    if let Ok(mut stream) = tls.accept(stream).await {
        if let Some((path, word)) = request(&mut stream).await {
            heard.told.send_modify(|told| told.entry(path).or_default().push(word));
            if point == Point::Answer {
                let_go(&mut holds).await;
            }
        }
        let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        let _gone = stream.shutdown().await;
    }
    heard.open.send_modify(|open| *open -= 1);
}

/// The path and the type of a request, if it comes whole.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, String)> {
    let (mut bytes, mut part) = (Vec::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if let Ok(body) = serde_json::from_str::<Value>(body) {
            let path = head.split(' ').nth(1)?.trim_start_matches('/').to_owned();
            return Some((path, body["type"].as_str()?.to_owned()));
        }
    }
}
