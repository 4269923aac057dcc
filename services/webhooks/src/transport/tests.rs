//! Deliveries over TLS: to who can prove its name, and to nobody else.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use berth_bus::Holds;
use berth_runtime::Lifecycle;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    HandshakeKind, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const NAME: &str = "shop.localhost";

/// Somebody who says whose name is whose.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A server, and everything that reached it within TLS.
struct Server {
    address: SocketAddr,
    came: Arc<Mutex<String>>,
    /// How each connection began.
    handshakes: Arc<Mutex<Vec<Option<HandshakeKind>>>>,
    _lifecycle: Lifecycle,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A transport that trusts this authority alone.
    fn transport(&self) -> Transport {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let policy = UrlPolicy {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            plain_http: false,
            ..UrlPolicy::default()
        };
        let resolver = resolver::system_resolver().unwrap();
        Transport::with(policy, Connector::trusting(roots).unwrap(), &resolver)
    }

    /// A server that proves to have this name, and answers 204.
    async fn server(&self, name: &str) -> Server {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, lifecycle) = (listener.local_addr().unwrap(), Lifecycle::new());
        let came = Arc::new(Mutex::new(String::new()));
        let handshakes = Arc::<Mutex<Vec<_>>>::default();
        let (kept, begun) = (came.clone(), handshakes.clone());
        lifecycle.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                begun.lock().unwrap().push(stream.get_ref().1.handshake_kind());
                let (mut bytes, mut text) = ([0; 4_096], String::new());
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
                    if text.ends_with("{}") {
                        kept.lock().unwrap().push_str(&std::mem::take(&mut text));
                        let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                    }
                }
                kept.lock().unwrap().push_str(&text);
            }
        });
        Server { address, came, handshakes, _lifecycle: lifecycle }
    }
}

async fn sent(transport: &Transport, to: &Server) -> Result<u16, SendError> {
    sent_under(transport, to, Duration::from_secs(1)).await
}

/// Sends under a pass for a request that begins within this time of the connection.
async fn sent_under(transport: &Transport, to: &Server, begins_in: Duration) -> Result<u16, SendError> {
    let url = format!("https://{NAME}:{}/hook?of=shop", to.address.port());
    let connected = transport.connect(&url, Duration::from_secs(15)).await?;
    let pass = Pass { holds: Holds::new(|| true), begins_before: Instant::now() + begins_in };
    let parcel = Parcel { headers: HeaderMap::new(), body: Bytes::from_static(b"{}") };
    connected.send(parcel, pass).await.map(|answer| answer.status)
}

#[tokio::test]
async fn only_who_proves_the_name_of_the_url_is_told_anything() {
    let (known, unknown) = (Authority::new(), Authority::new());
    let transport = known.transport();

    let right = known.server(NAME).await;
    assert_eq!(sent(&transport, &right).await, Ok(204));
    let came = right.came.lock().unwrap().to_lowercase();
    assert!(came.starts_with("post /hook?of=shop http/1.1\r\n"), "{came}");
    assert!(came.contains(&format!("\r\nhost: {NAME}:{}\r\n", right.address.port())), "{came}");

    for (authority, name) in [(&unknown, NAME), (&known, "other.localhost"), (&known, "127.0.0.1")] {
        let wrong = authority.server(name).await;
        assert_eq!(sent(&transport, &wrong).await, Err(SendError::Connect), "{name}");
        assert_eq!(*wrong.came.lock().unwrap(), "", "nothing is said to {name}");
    }
    // The roots of this machine know neither.
    let policy =
        UrlPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()], plain_http: false, ..UrlPolicy::default() };
    assert_eq!(sent(&Transport::new(policy).unwrap(), &right).await, Err(SendError::Connect));
}

#[tokio::test]
async fn what_is_not_permitted_any_more_does_not_reach_the_server() {
    let authority = Authority::new();
    let server = authority.server(NAME).await;
    let transport = authority.transport();
    assert_eq!(sent_under(&transport, &server, Duration::ZERO).await, Err(SendError::Unpermitted));
    assert_eq!(*server.came.lock().unwrap(), "");
    assert_eq!(sent(&transport, &server).await, Ok(204));
}

#[tokio::test]
async fn the_second_attempt_at_a_host_proves_nothing_anew() {
    let authority = Authority::new();
    let transport = authority.transport();
    let server = authority.server(NAME).await;
    for _ in 0..3 {
        assert_eq!(sent(&transport, &server).await, Ok(204));
    }
    let begun = server.handshakes.lock().unwrap().clone();
    // A connection for each attempt, and one signature for all.
    assert_eq!(begun, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed].map(Some));
}

#[tokio::test]
async fn the_second_attempt_of_an_account_needs_no_handshake() {
    let authority = Authority::new();
    let transport = authority.transport().resting(Duration::from_secs(20));
    let server = authority.server(NAME).await;
    let url = format!("https://{NAME}:{}/hook", server.address.port());
    for _ in 0..3 {
        let account = AccountId::from_bytes([1; 16]);
        let connected = transport.connect_for(account, &url, Duration::from_secs(15)).await.unwrap();
        let begins_before = Instant::now() + Duration::from_secs(10);
        let pass = Pass { holds: Holds::new(|| true), begins_before };
        let parcel = Parcel { headers: HeaderMap::new(), body: Bytes::from_static(b"{}") };
        assert_eq!(connected.send(parcel, pass).await.map(|answer| answer.status), Ok(204));
    }
    assert_eq!(*server.handshakes.lock().unwrap(), [Some(HandshakeKind::Full)]);
    assert_eq!(server.came.lock().unwrap().matches("POST /hook").count(), 3);
}
