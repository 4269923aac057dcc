//! TLS: of the listener, whose certificate ends, is replaced or is another name's; and to NATS, which wants one of ours.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Stdio},
};

use berth_journeys::{ACCOUNT_TOKEN, Authority, Berth, MASTER_KEY, Pair, Process, ROOT_KEY, eventually};
use berth_test_support::{free_port, nats_server, program};
use serde_json::json;
use tempfile::TempDir;

/// Starts an embedded deployment with a certificate.
fn start(pair: &Pair, data: &TempDir, more: &[(&str, &str)]) -> Process {
    let mut settings = BTreeMap::from([
        ("BERTH_DATA", data.path().display().to_string()),
        ("BERTH_HTTP", "127.0.0.1:0".to_owned()),
        ("BERTH_ROOT_KEY", ROOT_KEY.to_owned()),
        ("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN.to_owned()),
        ("BERTH_HTTP_TLS_CERT", pair.certificate.display().to_string()),
        ("BERTH_HTTP_TLS_KEY", pair.key.display().to_string()),
    ]);
    settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Process::start("serve", &["serve"], &settings)
}

/// Asks for the instances; the status, or all that went wrong.
async fn ask(client: &reqwest::Client, url: &str) -> Result<u16, String> {
    let asked = client.get(format!("{url}/v1/instances")).bearer_auth(ACCOUNT_TOKEN).send().await;
    asked.map(|answer| answer.status().as_u16()).map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn a_listener_with_a_certificate_speaks_tls_alone_and_takes_another_certificate_while_it_serves() {
    let (first, second, data) = (Authority::new(), Authority::new(), tempfile::tempdir().unwrap());
    let pair = first.certify("localhost", 2_100);
    let mut process = start(&pair, &data, &[]);
    let port = process.listens().await.port();
    assert!(process.stdout().contains("listens on https://"), "{}", process.stdout());
    let url = format!("https://localhost:{port}");
    let (trusts_first, trusts_second) = (first.client(), second.client());
    assert_eq!(ask(&trusts_first, &url).await, Ok(200));
    let text = trusts_first.get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
    let ends = text.lines().find_map(|line| line.strip_prefix("berth_http_certificate_not_after_seconds "));
    assert_eq!(ends, Some("4102444800"), "the year 2100");
    assert!(ask(&trusts_second, &url).await.unwrap_err().contains("UnknownIssuer"));
    ask(&trusts_first, &format!("http://localhost:{port}")).await.expect_err("plain HTTP is not understood");

    let settings = BTreeMap::from([
        ("BERTH_DATA".to_owned(), data.path().display().to_string()),
        ("BERTH_HTTP".to_owned(), format!("127.0.0.1:{port}")),
        ("BERTH_HTTP_TLS_CERT".to_owned(), pair.certificate.display().to_string()),
        ("BERTH_HTTP_TLS_KEY".to_owned(), pair.key.display().to_string()),
    ]);
    let probed = Process::start("probe", &["probe"], &settings).outcome().await;
    assert_eq!(probed.0, Some(0), "{}", probed.1);

    let reloads = |outcome: &'static str| {
        let (client, url) = (trusts_first.clone(), url.clone());
        async move {
            eventually("the certificate was read again", async || {
                let text =
                    client.get(format!("{url}/metrics")).send().await.map_err(|error| error.to_string())?;
                let text = text.text().await.map_err(|error| error.to_string())?;
                let line = format!("berth_http_certificate_reloads_total{{outcome=\"{outcome}\"}} 1");
                if text.contains(&line) { Ok(()) } else { Err(text) }
            })
            .await;
        }
    };
    let key = fs::read(&pair.key).unwrap();
    fs::write(&pair.key, "damaged").unwrap();
    process.signal("HUP");
    reloads("refused").await;
    assert_eq!(ask(&trusts_first, &url).await, Ok(200), "the former one is served on");
    assert!(process.stderr().contains("the former one is served on"), "{}", process.stderr());
    fs::write(&pair.key, key).unwrap();

    let next = second.certify("localhost", 2_100);
    fs::copy(&next.certificate, &pair.certificate).unwrap();
    fs::copy(&next.key, &pair.key).unwrap();
    process.signal("HUP");
    // On the connection from before, which goes on.
    reloads("taken").await;
    assert_eq!(ask(&trusts_second, &url).await, Ok(200), "new connections get the new one");
    let late = first.client();
    assert!(ask(&late, &url).await.unwrap_err().contains("UnknownIssuer"));
    process.signal("TERM");
    assert_eq!(process.outcome().await.0, Some(0));
}

#[tokio::test]
async fn an_upstream_whose_certificate_nobody_here_trusts_is_not_told_the_key() {
    let (authority, data) = (Authority::new(), tempfile::tempdir().unwrap());
    let mut there = start(&authority.certify("localhost", 2_100), &data, &[]);
    let url = format!("https://localhost:{}", there.listens().await.port());
    assert_eq!(ask(&authority.client(), &url).await, Ok(200), "it is there for whoever trusts it");
    let berth = Berth::embedded()
        .setting("BERTH_UPSTREAM_EVO1_URL", &url)
        .setting("BERTH_UPSTREAM_EVO1_KEY", ACCOUNT_TOKEN)
        .start()
        .await;
    let (account, root) = (berth.client(), berth.client().token(ROOT_KEY));
    let shown = root.get("/v1/upstreams").await.expect(200)["upstreams"][0].clone();
    assert_eq!(
        (&shown["healthy"], &shown["trouble"]),
        (&json!(false), &json!("it cannot be reached")),
        "{shown}"
    );
    let id = account.get("/v1/whoami").await.expect(200)["account"]["id"].clone();
    root.post("/v1/upstreams/evo1/adopt", json!({"account": id})).await.expect(502);
}

#[tokio::test]
async fn a_certificate_that_has_ended_or_is_of_another_name_is_told_to_the_operator_and_refused_by_clients() {
    let (authority, data) = (Authority::new(), tempfile::tempdir().unwrap());
    let mut process = start(&authority.certify("localhost", 2_020), &data, &[]);
    let url = format!("https://localhost:{}", process.listens().await.port());
    assert!(ask(&authority.client(), &url).await.unwrap_err().contains("Expired"));
    assert!(process.stderr().contains("the certificate of the listener has ended"), "{}", process.stderr());
    drop(process);

    let public = [("BERTH_PUBLIC_URL", "https://berth.example")];
    let mut process = start(&authority.certify("other.example", 2_100), &data, &public);
    let url = format!("https://localhost:{}", process.listens().await.port());
    assert!(ask(&authority.client(), &url).await.unwrap_err().contains("NotValidForName"));
    assert!(process.stderr().contains("is not for the name in `public_url`"), "{}", process.stderr());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named_at_the_start() {
    let (authority, data) = (Authority::new(), tempfile::tempdir().unwrap());
    let (one, other) = (authority.certify("localhost", 2_100), authority.certify("other.example", 2_100));
    let text = authority.pair("text");
    fs::write(&text.certificate, "no PEM").unwrap();
    for (certificate, key, said) in [
        (&one.certificate, &other.key, "the certificate and the key cannot be used"),
        (&text.certificate, &one.key, "has no certificate in PEM"),
        (&one.certificate, &one.certificate, "has no private key in PEM"),
    ] {
        let pair = Pair { certificate: certificate.clone(), key: key.clone() };
        let (code, error) = start(&pair, &data, &[]).outcome().await;
        assert_eq!(code, Some(64), "{error}");
        assert!(error.contains(said) && error.contains("BERTH_HTTP_TLS_KEY"), "{error}");
    }
    let alone = start(&one, &data, &[("BERTH_HTTP_TLS_KEY", "")]).outcome().await;
    assert!(alone.0 == Some(64) && alone.1.contains("a certificate is set, but not its key"), "{alone:?}");
}

#[tokio::test]
async fn who_asks_through_a_proxy_is_known_if_the_proxy_is_trusted() {
    for (trusted, from) in [("127.0.0.0/8", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")] {
        let berth = Berth::embedded().setting("BERTH_TRUSTED_PROXIES", trusted).start().await;
        let client = berth.client().header("x-forwarded-for", "198.51.100.1, 203.0.113.9, 127.0.0.2");
        client.post("/v1/instances", serde_json::json!({ "name": "shop" })).await.expect(201);
        let events = berth_journeys::steps::events(&client, "shop").await;
        assert_eq!(events[0]["command"]["from"], from, "{events:?}");
    }
}

/// A NATS server that wants a certificate of its clients; killed when dropped.
struct SecuredNats {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl SecuredNats {
    fn start(own: &Pair, ca: &Path) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let config = format!(
            "listen: 127.0.0.1:{port}\njetstream {{ store_dir: {:?} }}\n\
             tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {ca:?}, verify: true }}\n",
            folder.path().join("store"),
            own.certificate,
            own.key,
        );
        fs::write(folder.path().join("nats.conf"), config).unwrap();
        Self { child: Self::spawn(&folder), port, folder }
    }

    fn spawn(folder: &TempDir) -> Child {
        let mut server = program(nats_server());
        let server = server.arg("-c").arg(folder.path().join("nats.conf"));
        server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the NATS server starts")
    }

    /// Ends it and starts it again, with whatever its certificate is by now.
    fn restart(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("a killed server can be waited for");
        self.child = Self::spawn(&self.folder);
    }
}

impl Drop for SecuredNats {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Starts everything on a server, as somebody who trusts `ca`, until it is ready or ends.
fn join(nats: &SecuredNats, ca: &Path, own: Option<&Pair>) -> Berth {
    let berth = Berth::on_nats_at(&format!("nats://localhost:{}", nats.port));
    let berth = berth.setting("BERTH_NATS_TLS_CA", &ca.display().to_string());
    let Some(own) = own else { return berth };
    berth
        .setting("BERTH_NATS_TLS_CERT", &own.certificate.display().to_string())
        .setting("BERTH_NATS_TLS_KEY", &own.key.display().to_string())
}

/// What the start of a process on a server comes to that it does not agree with.
async fn refused(nats: &SecuredNats, ca: &Path, own: Option<&Pair>) -> (Option<i32>, String) {
    let data = tempfile::tempdir().unwrap();
    let mut settings = BTreeMap::from([
        ("BERTH_DATA", data.path().display().to_string()),
        ("BERTH_HTTP", "127.0.0.1:0".to_owned()),
        ("BERTH_ROOT_KEY", ROOT_KEY.to_owned()),
        ("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN.to_owned()),
        ("BERTH_MASTER_KEY", MASTER_KEY.to_owned()),
        ("BERTH_NATS_URL", format!("nats://localhost:{}", nats.port)),
        ("BERTH_NATS_TLS_CA", ca.display().to_string()),
    ]);
    if let Some(own) = own {
        settings.insert("BERTH_NATS_TLS_CERT", own.certificate.display().to_string());
        settings.insert("BERTH_NATS_TLS_KEY", own.key.display().to_string());
    }
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Process::start("serve", &["serve"], &settings).outcome().await
}

#[tokio::test]
async fn nats_is_reached_with_certificates_that_are_replaced_and_not_with_one_that_has_ended() {
    let authority = Authority::new();
    let (ca, of_server) = (authority.ca(), authority.certify("localhost", 2_100));
    let mut nats = SecuredNats::start(&of_server, &ca);
    let own = authority.certify("berth", 2_100);
    let mut berth = join(&nats, &ca, Some(&own)).start().await;
    let client = berth.client();
    client.post("/v1/instances", serde_json::json!({ "name": "shop" })).await.expect(201);
    let stands = async |status: u16, words: &str| {
        eventually(&format!("/readyz answers {status}: {words}"), async || {
            let answer = client.get("/readyz").await;
            let is_so = answer.status == status && answer.text().contains(words);
            if is_so { Ok(()) } else { Err(answer.text()) }
        })
        .await;
    };
    let replaced = |kept: &Pair, year| {
        let next = authority.certify(if kept.key == own.key { "berth" } else { "localhost" }, year);
        fs::copy(&next.certificate, &kept.certificate).unwrap();
        fs::copy(&next.key, &kept.key).unwrap();
    };

    // Ours has ended: what stands goes on, and no new connection is made.
    replaced(&own, 2_020);
    client.post("/v1/instances", serde_json::json!({ "name": "second" })).await.expect(201);
    nats.restart();
    stands(503, "tries failed").await;
    // Another one is read without a restart of the process.
    replaced(&own, 2_101);
    stands(200, "connected").await;
    // The same of the server's.
    replaced(&of_server, 2_020);
    nats.restart();
    stands(503, "tries failed").await;
    replaced(&of_server, 2_101);
    nats.restart();
    stands(200, "connected").await;
    client.get("/v1/instances/second").await.expect(200);
    assert_eq!(berth.stop().await, [Some(0)]);
}

#[tokio::test]
async fn a_nats_server_with_another_certificate_is_refused_and_refuses_who_has_none() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (ca, own) = (authority.ca(), authority.certify("berth", 2_100));
    let good = SecuredNats::start(&authority.certify("localhost", 2_100), &ca);
    let ended = SecuredNats::start(&authority.certify("localhost", 2_020), &ca);
    let elsewhere = SecuredNats::start(&authority.certify("nats.example", 2_100), &ca);
    let unknown = other.ca();
    let (unknown, ended, elsewhere, nobody) = tokio::join!(
        refused(&good, &unknown, Some(&own)),
        refused(&ended, &ca, Some(&own)),
        refused(&elsewhere, &ca, Some(&own)),
        refused(&good, &ca, None),
    );
    for ((code, error), said) in [
        (unknown, "UnknownIssuer"),
        (ended, "xpired"),
        (elsewhere, "not valid for name"),
        (nobody, "ertificate"),
    ] {
        assert_eq!(code, Some(69), "{error}");
        assert!(
            error.contains("TLS with NATS cannot be agreed on") && error.contains(said),
            "{said}: {error}"
        );
    }
}
