//! Alarms and dashboards on a real Prometheus that watches a running deployment: every expression finds something, every
//! alarm has a runbook, and two of them go off.

use std::collections::{BTreeMap, BTreeSet};

use berth_journeys::{Authority, Berth, MASTER_KEY, Process, Prometheus, Recorder, eventually, steps};
use berth_proto::StreamKey;
use berth_test_support::NatsServer;
use serde_json::{Value, json};

const ALERTS: &str = include_str!("../../../deploy/prometheus/alerts.yaml");
const DASHBOARD: &str = include_str!("../../../deploy/grafana/berth.json");
const RUNBOOKS: &str = include_str!("../../../docs/runbooks.md");
const DOCUMENTATION: &str = include_str!("../../../docs/operation.md");

/// The rules, each as soon as it is so.
fn at_once() -> String {
    let lines =
        ALERTS.lines().map(|line| if line.trim().starts_with("for: ") { "        for: 0s" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// What is compared in the expression of an alarm: of one that is not so there is nothing to find.
fn compared(expression: &str) -> &str {
    let place = expression.rfind(" > ").max(expression.rfind(" < ")).expect("an alarm compares");
    &expression[..place]
}

/// Every expression of the dashboard.
fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    assert!(panels.iter().all(|panel| ids.insert(panel["id"].as_u64())), "a panel's id is its own");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().expect("an expression").to_owned()).collect()
}

/// The metrics that an expression names.
fn metrics_of(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("berth_") || word.starts_with("process_"))
}

#[tokio::test]
async fn every_panel_and_alarm_finds_something_and_what_is_wrong_is_told_of() {
    let (server, webhook) = (NatsServer::start().await, Recorder::start().await);
    let berth = Berth::on_nats(&server).roles_in_processes().setting("BERTH_EVIDENCE_KEY", MASTER_KEY);
    let mut berth = berth.setting("BERTH_EVIDENCE_INTERVAL", "1").start().await;
    // One that has a certificate.
    let (authority, data) = (Authority::new(), tempfile::tempdir().unwrap());
    let pair = authority.certify("localhost", 2_100);
    let settings = BTreeMap::from([
        ("BERTH_DATA".to_owned(), data.path().display().to_string()),
        ("BERTH_HTTP".to_owned(), "127.0.0.1:0".to_owned()),
        ("BERTH_HTTP_TLS_CERT".to_owned(), pair.certificate.display().to_string()),
        ("BERTH_HTTP_TLS_KEY".to_owned(), pair.key.display().to_string()),
    ]);
    let mut secured = Process::start("serve", &["serve"], &settings);
    let secured_at = format!("https://{}", secured.listens().await);
    let ops = berth.ops();
    let targets: Vec<_> = ops.iter().map(|client| client.base()).chain([secured_at.as_str()]).collect();
    let prometheus = Prometheus::start(&targets, &at_once()).await;

    let client = berth.client();
    let webhooks = json!([{ "url": webhook.url("/hook") }]);
    client.post("/v1/instances", json!({ "name": "shop", "webhooks": webhooks })).await.expect(201);
    steps::link(&client, "shop").await;
    client.post("/v1/instances/shop/logout", json!({ "wait": "unlinked" })).await.expect(200);

    let rules = prometheus.get("/api/v1/rules").await;
    let rules = rules["data"]["groups"][0]["rules"].as_array().expect("rules").clone();
    let query = |rule: &Value| rule["query"].as_str().expect("an expression").to_owned();
    let alarms: Vec<_> = rules.iter().map(|rule| compared(&query(rule)).to_owned()).collect();
    assert!(alarms.len() > 20, "the rules were read");
    let panels = panels();
    assert!(panels.len() > 30, "the dashboard was read");
    for expression in alarms.iter().chain(&panels) {
        for metric in metrics_of(expression) {
            let name = metric.trim_end_matches("_bucket");
            assert!(DOCUMENTATION.contains(&format!("`{name}`")), "{metric} is not documented");
        }
        eventually(expression, async || {
            let found = prometheus.query(expression).await;
            if found.is_empty() { Err("nothing") } else { Ok(()) }
        })
        .await;
    }

    let other = client.post("/v1/instances", json!({ "name": "other" })).await.expect(201);
    let stream = StreamKey::instance(other["id"].as_str().expect("an id").parse().expect("an id"));
    server.publish_raw(stream.subject().as_bytes(), b"NATS/1.0\r\nno colon\r\n\r\n", b"no commit").await;
    goes_off(&prometheus, "BerthLogUndeliverable", |_| true).await;
    // It ends with what it is about, and a view that is built anew and meets it again does not bring it back.
    client.delete(&format!("/v1/instances/{}", other["id"].as_str().expect("an id"))).await.expect(200);
    eventually("the alarm ends", async || {
        let alerts = prometheus.get("/api/v1/alerts").await;
        if alerts.to_string().contains("BerthLogUndeliverable") { Err(alerts.to_string()) } else { Ok(()) }
    })
    .await;
    let mut rebuild = berth.run(&["views", "rebuild", "--gateway", client.base()]);
    assert!(rebuild.ended().await.success(), "{}{}", rebuild.stdout(), rebuild.stderr());
    for client in &ops {
        let metrics = client.get("/metrics").await.text();
        let mut counted = metrics.lines().filter(|line| line.starts_with("berth_log_undeliverable{"));
        assert!(counted.all(|line| line.ends_with(" 0")), "{metrics}");
    }

    berth.kill9_role("connector");
    goes_off(&prometheus, "BerthRoleAway", |labels| labels["role"] == "connector").await;
}

/// Waits until an alarm fires that has such labels.
async fn goes_off(prometheus: &Prometheus, alarm: &str, is_such: impl Fn(&Value) -> bool) {
    eventually(alarm, async || {
        let alerts = prometheus.get("/api/v1/alerts").await;
        let all = alerts["data"]["alerts"].as_array().expect("alerts");
        let mut ours =
            all.iter().filter(|alert| alert["labels"]["alertname"] == alarm && is_such(&alert["labels"]));
        if ours.any(|alert| alert["state"] == "firing") { Ok(()) } else { Err(alerts.to_string()) }
    })
    .await;
}

#[test]
fn every_alarm_has_a_runbook_and_every_runbook_an_alarm() {
    let alarms: BTreeSet<_> =
        ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let runbooks: BTreeSet<_> = RUNBOOKS.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(alarms, runbooks);
    for alarm in alarms {
        let link = format!("docs/runbooks.md#{}\"", alarm.to_lowercase());
        assert!(ALERTS.contains(&link), "{alarm} does not say where its runbook is");
    }
}
