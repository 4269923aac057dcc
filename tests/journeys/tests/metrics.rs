//! What `/metrics` says of a process that worked: everything that the documentation promises, with help, and
//! nothing that a client sent.

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
};

use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, Process, Prometheus, Recorder, Reply, eventually,
    steps::{PHONE, link, until},
};
use berth_test_support::NatsServer;
use serde_json::json;

const DOCUMENTATION: &str = include_str!("../../../docs/operation.md");

#[tokio::test]
async fn every_documented_metric_is_there_with_help_and_no_secret() {
    let receiver = Recorder::start().await;
    // A collector that takes every other batch, so that both counters of spans are there.
    let collector = Recorder::start().await;
    collector.next([Reply::status(400)]);
    let berth = Berth::embedded().setting("BERTH_TRACES", &collector.url("")).start().await;
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
        // Something to trace.
        client.get("/v1/instances/shop").await.expect(200);
        let text = Client::new(client.base()).get("/metrics").await.text();
        let helped: BTreeSet<_> = words_after(&text, "# HELP ").collect();
        let mut missing: Vec<_> = documented().filter(|name| !helped.contains(name)).collect();
        // Instances are counted now and then.
        let counted = r#"berth_instances{state="logged_out"} 1"#;
        missing.extend(Some(counted).filter(|counted| !text.contains(counted)));
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
    assert!(text.contains(r#"berth_partitions_held{role="session-aggregate"} 64"#), "{text}");
    accepted(&text);
    let route = r#"door="green",route="/waInstance{number}/{method}/{token}",status="2xx""#;
    assert!(text.contains(route), "{text}");
    assert!(text.contains(r#"berth_aggregate_commands_total{command="CreateInstance",outcome="applied"} 1"#));
}

/// Prometheus's own tool finds nothing to say about the names, the help and the kinds of metrics.
fn accepted(text: &str) {
    let mut tool = Command::new(Prometheus::binary().with_file_name("promtool"));
    tool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tool = tool.spawn().expect("promtool starts");
    tool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let said = tool.wait_with_output().expect("it ends");
    let said = [said.stdout, said.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert_eq!(said, "", "promtool finds fault with the metrics");
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

/// The metrics in the first column of the table of the documentation, but for those of a listener with a certificate, which
/// the story of that has.
fn documented() -> impl Iterator<Item = &'static str> {
    let lines = DOCUMENTATION.lines().filter(|line| !line.ends_with("; with TLS |"));
    let cells = lines.filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let names = cells.flat_map(|cell| cell.split(", ").map(|name| name.trim_matches('`')));
    names.filter(|name| name.starts_with("berth_") || name.starts_with("process_"))
}
