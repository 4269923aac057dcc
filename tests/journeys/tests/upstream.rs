//! A Berth before another one, whose Evolution dialect stands for the gateway that somebody runs.

use std::collections::BTreeMap;

use berth_journeys::{ACCOUNT_TOKEN, Authority, Berth, Client, Process, ROOT_KEY, Running, steps};
use berth_test_support::NatsServer;
use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

/// The token of the instance there, which its clients keep.
const TOKEN: &str = "token-of-the-shop-0001";

#[tokio::test]
async fn embedded() {
    let there = Berth::embedded().start().await;
    let berth = before(Berth::embedded(), &there).start().await;
    observed_then_driven(berth, &there).await;
}

#[tokio::test]
async fn on_nats_in_processes() {
    let server = NatsServer::start().await;
    let there = Berth::embedded().start().await;
    let berth = before(Berth::on_nats(&server).roles_in_processes(), &there).start().await;
    observed_then_driven(berth, &there).await;
}

fn before(berth: Berth, there: &Running) -> Berth {
    berth
        .setting("BERTH_UPSTREAM_EVO1_URL", there.client().base())
        .setting("BERTH_UPSTREAM_EVO1_KEY", ACCOUNT_TOKEN)
        .setting("BERTH_UPSTREAM_EVO1_MODE", "observe")
        .setting("BERTH_UPSTREAM_EVO1_HEAR", "socket")
        .setting("BERTH_UPSTREAM_EVO1_POLL_MS", "50")
}

async fn adopt(root: &Client, account: &Value, dry_run: bool) -> Value {
    let asked = json!({"account": account, "dry_run": dry_run});
    root.post("/v1/upstreams/evo1/adopt", asked).await.expect(200)
}

async fn observed_then_driven(mut berth: Running, there: &Running) {
    let gateway = there.client();
    gateway.post("/v1/instances", json!({"name": "shop", "token": TOKEN})).await.expect(201);
    steps::link(&gateway, "shop").await;
    let before = steps::events(&gateway, "shop").await.len();

    let (account, root) = (berth.client(), berth.client().token(ROOT_KEY));
    let shown = root.get("/v1/upstreams").await;
    assert!(!shown.text().contains(ACCOUNT_TOKEN), "the key is never shown");
    let shown = shown.expect(200);
    let one = &shown["upstreams"][0];
    assert_eq!(
        (&one["healthy"], &one["mode"], &one["version"]),
        (&json!(true), &json!("observe"), &json!("2.3.7")),
        "{one}"
    );
    // It has none: everything that follows is seen by polls.
    assert_eq!(
        (&one["hear"], &one["hear_trouble"]),
        (&json!("socket"), &json!("its Socket.IO is not on (WEBSOCKET_ENABLED)"))
    );
    account.get("/v1/upstreams").await.expect(403);

    // Adopted: nothing is asked of it, and its clients keep their token.
    let id = account.get("/v1/whoami").await.expect(200)["account"]["id"].clone();
    assert_eq!(adopt(&root, &id, true).await["instances"][0]["outcome"], "to_adopt");
    account.get("/v1/instances/shop").await.expect(404);
    assert_eq!(adopt(&root, &id, false).await["adopted"], 1);
    let again = adopt(&root, &id, false).await;
    assert_eq!((&again["adopted"], &again["present"]), (&json!(0), &json!(1)), "a repeat changes nothing");
    let own = account.token(TOKEN);
    let seen = steps::until(&own, "shop", "it is linked", |now| now["connection"] == "open").await;
    assert_eq!(seen["device"]["phone"], steps::PHONE);
    assert_eq!(seen["link"], json!({"kind": "evolution", "upstream": "evo1"}));
    assert_eq!(steps::events(&gateway, "shop").await.len(), before, "nothing happened there");
    assert_eq!(own.get("/v1/gate/shop").await.status, 200);

    // Only looked at.
    for command in ["logout", "restart", "disconnect", "reconnect", "connect"] {
        let refused = own.post(&format!("/v1/instances/shop/{command}"), json!({})).await.expect(409);
        assert_eq!(refused["code"], "observed_only", "{command}");
    }
    let evolution = Client::new(account.base()).header("apikey", TOKEN);
    evolution.delete("/instance/logout/shop").await.expect(400);
    account.delete("/v1/instances/shop").await.expect(409);

    // What happens there is told here.
    gateway.post("/v1/instances/shop/logout", Value::Null).await.expect(200);
    steps::until(&own, "shop", "it is logged out", |now| now["state"] == "logged_out").await;
    assert_eq!(own.get("/v1/gate/shop").await.header("x-berth-reason"), "logged_out");
    let told = steps::event_types(&own, "shop").await;
    let outs = told.iter().filter(|kind| *kind == "LoggedOut").count();
    assert_eq!(outs, 1, "{told:?}");

    // One setting later it does what is decided here, and the history goes on.
    berth.stop().await;
    berth.set("BERTH_UPSTREAM_EVO1_MODE", "drive");
    berth.restart().await;
    let own = berth.client().token(TOKEN);
    let code = own.post("/v1/instances/shop/connect", json!({})).await.expect(200);
    assert!(code["qr"]["text"].is_string(), "{code}");
    steps::scan(&gateway, "shop").await;
    steps::until(&own, "shop", "it is open", |now| now["connection"] == "open").await;
    let out = own.post("/v1/instances/shop/logout", json!({"wait": "unlinked"})).await.expect(200);
    assert_eq!(out["unlinks"][0]["status"], "confirmed", "{out}");
    let state =
        gateway.header("apikey", ACCOUNT_TOKEN).get("/instance/connectionState/shop").await.expect(200);
    assert_eq!(state["instance"]["state"], "close");
    let types = steps::event_types(&own, "shop").await;
    assert_eq!(types[..told.len()], told[..], "nothing was lost");

    // An instance that is made here is made there.
    let made = json!({"name": "bar", "link": {"upstream": "evo1"}});
    berth.client().post("/v1/instances", made).await.expect(201);
    berth.client().post("/v1/instances/bar/connect", json!({})).await.expect(200);
    assert_eq!(gateway.get("/v1/instances/bar").await.expect(200)["state"], "pairing");
    // What is shown there when it is deleted is ended, also if nobody lives to see to it.
    berth.client().delete("/v1/instances/bar").await.expect(200);
    berth.kill9();
    berth.restart().await;
    steps::until(&gateway, "bar", "its code is not shown any more", |now| now["state"] == "created").await;
    let unknown = json!({"name": "bank", "link": {"upstream": "evo2"}});
    berth.client().post("/v1/instances", unknown).await.expect(400);
    an_account_has_its_instances_on_the_upstream_that_was_chosen_for_it(&berth.client(), &id).await;

    // Who has lost the upstream that was chosen makes nothing elsewhere: there it would stay for life.
    let choice = format!("/v1/accounts/{}/upstream", id.as_str().unwrap());
    let chosen = json!({"upstream": "evo1"});
    berth.client().token(ROOT_KEY).post(&choice, chosen).await.expect(200);
    for lost in [&["ACCOUNTS"][..], &["ACCOUNTS", "URL", "KEY", "MODE", "HEAR", "POLL_MS"]] {
        berth.stop().await;
        for setting in lost {
            let value = if lost.len() == 1 { "another" } else { "" };
            berth.set(&format!("BERTH_UPSTREAM_EVO1_{setting}"), value);
        }
        berth.restart().await;
        let refused = berth.client().post("/v1/instances", json!({"name": "lost"})).await.expect(400);
        assert!(refused["detail"].as_str().unwrap().contains("`link`"), "{refused}");
    }
}

async fn an_account_has_its_instances_on_the_upstream_that_was_chosen_for_it(account: &Client, id: &Value) {
    let root = account.token(ROOT_KEY);
    let path = format!("/v1/accounts/{}", id.as_str().expect("an id"));
    let choice = format!("{path}/upstream");
    account.post(&choice, json!({"upstream": "evo1"})).await.expect(403);
    root.post(&choice, json!({"upstream": "evo2"})).await.expect(400);
    root.post(&choice, json!({})).await.expect(400);
    assert_eq!(root.post(&choice, json!({"upstream": "evo1"})).await.expect(200)["upstream"], "evo1");
    assert_eq!(root.get(&path).await.expect(200)["upstream"], "evo1");

    let on_it = json!({"kind": "evolution", "upstream": "evo1"});
    let made = account.post("/v1/instances", json!({"name": "by-default"})).await.expect(201);
    assert_eq!(made["link"], on_it);
    // Through the doors of others too.
    let evolution = Client::new(account.base()).header("apikey", ACCOUNT_TOKEN);
    evolution.post("/instance/create", json!({"instanceName": "a-dialect"})).await.expect(201);
    assert_eq!(account.get("/v1/instances/a-dialect").await.expect(200)["link"], on_it);

    // What was made stays where it is; what is made then is the deployment's own, unless a create says where.
    assert_eq!(root.post(&choice, json!({"upstream": null})).await.expect(200)["upstream"], Value::Null);
    assert_eq!(account.get("/v1/instances/by-default").await.expect(200)["link"], on_it);
    evolution.post("/instance/create", json!({"instanceName": "own"})).await.expect(201);
    assert_eq!(account.get("/v1/instances/own").await.expect(200)["link"], Value::Null);
    let there = json!({"instanceName": "there", "link": {"upstream": "evo1"}});
    evolution.post("/instance/create", there).await.expect(201);
    assert_eq!(account.get("/v1/instances/there").await.expect(200)["link"], on_it);
    for (name, link) in [
        ("unknown", json!({"upstream": "evo2"})),
        ("unknown", json!({"worker": "none"})),
        ("unclear", json!({"upstream": "evo1", "worker": "baileys"})),
        ("unclear", json!("evo1")),
        ("unclear", json!({"upstream": 1})),
    ] {
        let body = json!({"instanceName": name, "link": link});
        evolution.post("/instance/create", body).await.expect(400);
    }
    account.get("/v1/instances/unknown").await.expect(404);
}

/// Another address of the same server, as a proxy before it has one.
async fn proxy_of(server: &str) -> String {
    let server = server.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    #[expect(clippy::disallowed_methods, reason = "it ends with the runtime of the test")]
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let server = server.clone();
            #[expect(clippy::disallowed_methods, reason = "it ends with the runtime of the test")]
            tokio::spawn(async move {
                let mut behind = TcpStream::connect(server).await.expect("the server");
                let _ended = copy_bidirectional(&mut client, &mut behind).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_deployment_that_is_its_own_upstream_notices() {
    let mut berth = Berth::embedded().start().await;
    let itself = proxy_of(berth.client().base()).await;
    berth.stop().await;
    berth.set("BERTH_UPSTREAM_SELF_URL", &itself);
    berth.set("BERTH_UPSTREAM_SELF_KEY", ACCOUNT_TOKEN);
    berth.restart().await;
    let shown = berth.client().token(ROOT_KEY).get("/v1/upstreams").await.expect(200);
    let trouble = shown["upstreams"][0]["trouble"].as_str().expect("a sentence").to_owned();
    assert!(trouble.contains("its own upstream"), "{trouble}");
}

#[tokio::test]
async fn an_upstream_with_a_certificate_of_nobody_who_is_trusted_is_not_shown_the_key() {
    let (authority, data) = (Authority::new(), tempfile::tempdir().unwrap());
    let pair = authority.certify("localhost", 2_100);
    let settings = BTreeMap::from(
        [
            ("BERTH_DATA", data.path().display().to_string()),
            ("BERTH_HTTP", "127.0.0.1:0".to_owned()),
            ("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN.to_owned()),
            ("BERTH_HTTP_TLS_CERT", pair.certificate.display().to_string()),
            ("BERTH_HTTP_TLS_KEY", pair.key.display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let mut there = Process::start("serve", &["serve"], &settings);
    let url = format!("https://localhost:{}", there.listens().await.port());
    let mut berth = Berth::embedded()
        .setting("BERTH_UPSTREAM_EVO1_URL", &url)
        .setting("BERTH_UPSTREAM_EVO1_KEY", ACCOUNT_TOKEN)
        .start()
        .await;
    let health = async |berth: &Running| {
        let shown = berth.client().token(ROOT_KEY).get("/v1/upstreams").await.expect(200);
        (shown["upstreams"][0]["healthy"].clone(), shown["upstreams"][0]["trouble"].clone())
    };
    assert_eq!(health(&berth).await, (json!(false), json!("it cannot be reached")));
    berth.stop().await;
    berth.set("SSL_CERT_FILE", &authority.ca().display().to_string());
    berth.restart().await;
    assert_eq!(health(&berth).await, (json!(true), Value::Null));
}
