//! A dispatcher that is stopped in the middle of its attempts, handshakes among them, and goes on when another one has
//! told the end of the sessions: nothing older reaches an endpoint after that.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_journeys::{Berth, Running, eventually, steps::link};
use berth_test_support::NatsServer;
use futures::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// Instances whose notices are under way: as many attempts as one address gets that does not answer.
const INSTANCES: usize = 12;
/// The name of the endpoint.
const NAME: &str = "shop.localhost";

/// An endpoint that may keep connections waiting for their handshake.
struct Endpoint {
    address: SocketAddr,
    heard: Arc<Heard>,
    _accepting: JoinSet<()>,
}

struct Heard {
    /// What was told in whole requests, by path, in order.
    told: Mutex<BTreeMap<String, Vec<String>>>,
    /// Connections that came.
    came: AtomicUsize,
    /// Connections that are open.
    open: AtomicUsize,
    /// Whether handshakes wait.
    stalls: watch::Sender<bool>,
}

impl Endpoint {
    /// Starts one, and gives the certificate of its authority as a file that a process can be told to trust.
    async fn start() -> (Self, String) {
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
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .expect("a certificate and its key");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heard = Arc::new(Heard {
            told: Mutex::default(),
            came: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            stalls: watch::Sender::new(true),
        });
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), Arc::clone(&heard)));
        (Self { address, heard, _accepting: accepting }, pem(authority.der()))
    }

    fn url(&self, instance: usize) -> String {
        format!("https://{NAME}:{}/i{instance}", self.address.port())
    }

    fn told(&self) -> BTreeMap<String, Vec<String>> {
        self.heard.told.lock().expect("nobody panicked").clone()
    }
}

/// A certificate as a file has it.
fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, heard: Arc<Heard>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, heard) = (tls.clone(), Arc::clone(&heard));
        heard.came.fetch_add(1, Ordering::SeqCst);
        heard.open.fetch_add(1, Ordering::SeqCst);
        connections.spawn(async move {
            let mut stalls = heard.stalls.subscribe();
            drop(stalls.wait_for(|stalls| !stalls).await);
            if let Ok(mut stream) = tls.accept(stream).await {
                if let Some((path, word)) = request(&mut stream).await {
                    heard.told.lock().expect("nobody panicked").entry(path).or_default().push(word);
                }
                let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                let _gone = stream.shutdown().await;
            }
            heard.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
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
            let path = head.split(' ').nth(1)?.to_owned();
            return Some((path, body["type"].as_str()?.to_owned()));
        }
    }
}

/// Which process has attempts under way.
async fn dispatcher(berth: &Running) -> usize {
    eventually("a dispatcher has attempts under way", async || {
        for (at, client) in berth.ops().iter().enumerate() {
            let Ok(answer) = client.try_send(reqwest::Method::GET, "/metrics", None).await else { continue };
            let text = answer.text();
            let under_way = text
                .lines()
                .filter_map(|line| line.strip_prefix("berth_webhook_in_flight{try=\"first\"}"))
                .any(|count| count.trim() != "0");
            if under_way {
                return Ok(at);
            }
        }
        Err("none")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_was_stopped_tells_nothing_older_than_the_end() {
    let server = NatsServer::start().await;
    let (endpoint, authority) = Endpoint::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = folder.path().join("authority.pem");
    std::fs::write(&trusted, authority).expect("the certificate is written");
    let mut berth = Berth::on_nats(&server)
        .roles_in_processes()
        .one_more("webhooks")
        .setting("SSL_CERT_FILE", &trusted.display().to_string())
        .setting("BERTH_RATE_ACCOUNT_COMMANDS", "0")
        .time_scale(20)
        .start()
        .await;
    let client = berth.client();
    let names: Vec<String> = (0..INSTANCES).map(|instance| format!("i{instance}")).collect();
    for (number, name) in names.iter().enumerate() {
        client.post("/v1/instances", json!({ "name": name })).await.expect(201);
        let hook = json!({
            "url": endpoint.url(number),
            "events": ["instance.linked", "instance.open", "instance.logged_out"],
        });
        client.post(&format!("/v1/instances/{name}/webhooks"), hook).await.expect(201);
    }
    join_all(names.iter().map(|name| link(&client, name))).await;
    eventually("every instance has an attempt in its handshake", async || {
        let came = endpoint.heard.came.load(Ordering::SeqCst);
        if came >= INSTANCES { Ok(()) } else { Err(came) }
    })
    .await;

    let at = dispatcher(&berth).await;
    let stopped = berth.take_at(at);
    stopped.signal("STOP");
    for name in &names {
        client.post(&format!("/v1/instances/{name}/logout"), json!({})).await.expect(200);
    }
    // The endpoint would go on with the handshakes of both.
    endpoint.heard.stalls.send_replace(false);
    eventually("every end is told by the other dispatcher", async || {
        let told = endpoint.told();
        let ended = |name: &String| {
            told.get(&format!("/{name}"))
                .is_some_and(|words| words.iter().any(|word| word == "instance.logged_out"))
        };
        if names.iter().all(ended) { Ok(()) } else { Err(told) }
    })
    .await;

    stopped.signal("CONT");
    eventually("whatever was under way has come to an end", async || {
        let open = endpoint.heard.open.load(Ordering::SeqCst);
        let said = stopped.stderr();
        if open == 0 && said.contains("the lease of this process is lost") {
            Ok(())
        } else {
            Err((open, said))
        }
    })
    .await;
    for (path, words) in endpoint.told() {
        assert_eq!(words.last().map(String::as_str), Some("instance.logged_out"), "{path}: {words:?}");
    }
}
