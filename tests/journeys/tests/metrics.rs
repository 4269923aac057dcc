//! What `/metrics` says of a process that worked: everything that the documentation promises, with help, and
//! nothing that a client sent.

use std::collections::BTreeSet;

use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, Process, Recorder, eventually,
    steps::{PHONE, link, until},
};
use berth_test_support::NatsServer;
use serde_json::json;

const DOCUMENTATION: &str = include_str!("../../../docs/operation.md");

#[tokio::test]
async fn every_documented_metric_is_there_with_help_and_no_secret() {
    let receiver = Recorder::start().await;
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    let webhooks = json!([{ "url": receiver.url("/hook") }]);
    let made =
        client.post("/v1/instances", json!({ "name": "shop", "webhooks": webhooks })).await.expect(201);
    link(&client, "shop").await;
    receiver.wait("a notice", |received| !received.is_empty()).await;
    let (number, token) = (made["number"].as_str().unwrap(), made["token"].as_str().unwrap());
    client.get(&format!("/waInstance{number}/getStateInstance/{token}")).await.expect(200);
    client.get(&format!("/nowhere/{token}")).await.expect(404);
    client.get(&format!("/rest/instance/{token}")).await;
    client.post("/v1/instances/shop/logout", json!({})).await.expect(200);
    until(&client, "shop", "it is logged out", |now| now["state"] == "logged_out").await;
    client.get("/v1/instances?q=shop").await.expect(200);

    let text = eventually("every metric is there", async || {
        let text = Client::new(client.base()).get("/metrics").await.text();
        let helped: BTreeSet<_> = words_after(&text, "# HELP ").collect();
        let missing: Vec<_> = documented().filter(|name| !helped.contains(name)).collect();
        if missing.is_empty() { Ok(text.clone()) } else { Err(missing.join(", ")) }
    })
    .await;
    let helped: BTreeSet<_> = words_after(&text, "# HELP ").collect();
    for name in words_after(&text, "# TYPE ") {
        assert!(helped.contains(name), "{name} has no help");
        assert!(documented().any(|known| known == name), "{name} is not documented");
    }
    for secret in [ACCOUNT_TOKEN, token, number, PHONE, "shop", "nowhere"] {
        assert!(!text.contains(secret), "{secret} stands in the metrics");
    }
    let route = r#"door="green",route="/waInstance{number}/{method}/{token}",status="2xx""#;
    assert!(text.contains(route), "{text}");
    assert!(text.contains(r#"berth_aggregate_commands_total{command="CreateInstance",outcome="applied"} 1"#));
}

/// The address of the metrics, which a process says at its start.
fn metrics_of(process: &Process) -> Client {
    let said = process.stdout();
    let url = said.lines().find_map(|line| line.strip_prefix("metrics are at ")).expect("it says where");
    Client::new(url.trim_end_matches("/metrics"))
}

#[tokio::test]
async fn metrics_may_have_an_address_of_their_own_that_clients_do_not_reach() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().setting("BERTH_METRICS", "127.0.0.1:0");
    let mut berth = berth.start().await;
    let here = berth.ops();
    let apart: Vec<_> = berth.processes().map(|process| metrics_of(process)).collect();
    assert_eq!(apart.len(), here.len());
    for (here, apart) in here.iter().zip(&apart) {
        here.get("/metrics").await.expect(404);
        assert!(apart.get("/metrics").await.text().contains("process_open_fds"));
        for probe in ["/healthz", "/readyz"] {
            here.get(probe).await.expect(200);
            apart.get(probe).await.expect(200);
        }
        apart.token(ACCOUNT_TOKEN).get("/v1/instances").await.expect(404);
    }
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained");
}

#[tokio::test]
async fn an_address_of_metrics_that_is_taken_is_named_at_the_start() {
    let berth = Berth::embedded().start().await;
    let folder = tempfile::tempdir().unwrap();
    let taken = berth.client().base().trim_start_matches("http://").to_owned();
    let settings = [
        ("BERTH_DATA", folder.path().display().to_string()),
        ("BERTH_HTTP", "127.0.0.1:0".to_owned()),
        ("BERTH_METRICS", taken.clone()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
    let (code, said) = Process::start("serve", &["serve"], &settings).outcome().await;
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains(&format!("`metrics` (BERTH_METRICS): cannot listen on {taken}")), "{said}");
}

fn words_after<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.strip_prefix(prefix)?.split(' ').next())
}

/// The metrics in the first column of the table of the documentation.
fn documented() -> impl Iterator<Item = &'static str> {
    let cells = DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let names = cells.flat_map(|cell| cell.split(", ").map(|name| name.trim_matches('`')));
    names.filter(|name| name.starts_with("berth_") || name.starts_with("process_"))
}
