//! Traces: one request through every hop, at a collector that decodes with the official protobufs and at one that others
//! wrote; and collectors that nobody should run.

use std::time::Duration;

use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, Collector, Received, Recorder, Reply, Running, eventually, steps,
};
use berth_proto::{InstanceId, StreamKey};
use berth_test_support::{NatsServer, free_port};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;
use serde_json::json;

/// The trace of a client that traces itself, and its span.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";
/// The id of its request.
const REQUEST: &str = "logout-of-the-story";

/// A span, with the role of the process that told it.
#[derive(Debug, Clone)]
struct Told {
    role: String,
    span: Span,
}

/// The spans of the client's trace that a collector has received.
fn of_the_trace(received: &[Received]) -> Vec<Told> {
    let mut told = Vec::new();
    for request in received {
        let batch = ExportTraceServiceRequest::decode(request.bytes.clone())
            .expect("what OTLP calls a batch of spans");
        for process in batch.resource_spans {
            let resource = process.resource.expect("a resource").attributes;
            assert_eq!(text(&resource, "service.name"), "berth");
            let role = text(&resource, "berth.role");
            let spans = process.scope_spans.into_iter().flat_map(|scope| scope.spans);
            let spans = spans.filter(|span| hex(&span.trace_id) == TRACE);
            told.extend(spans.map(|span| Told { role: role.clone(), span }));
        }
    }
    told
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found =
        attributes.iter().find(|attribute| attribute.key == key).and_then(|it| it.value.clone()?.value);
    match found {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The one span with this name.
fn named(told: &[Told], name: &str) -> Told {
    let found: Vec<_> = told.iter().filter(|told| told.span.name == name).collect();
    let [one] = found.as_slice() else { panic!("one {name:?} is expected: {told:#?}") };
    (*one).clone()
}

/// A trace as a tree: what each hop is called, who did it, when it began after the first one, how long it took, in milliseconds,
/// and what else it says.
fn tree(told: &[Told]) -> String {
    let began = told.iter().map(|told| told.span.start_time_unix_nano).min().unwrap_or_default();
    let millis = |nanos: u64| format!("{}.{}", nanos / 1_000_000, nanos / 100_000 % 10);
    let mut lines = Vec::new();
    let mut waiting = vec![(CLIENT.to_owned(), 0)];
    while let Some((parent, depth)) = waiting.pop() {
        let children = told.iter().filter(|told| hex(&told.span.parent_span_id) == parent);
        for Told { role, span } in children {
            let name = format!("{}{}", "  ".repeat(depth), span.name);
            let at = millis(span.start_time_unix_nano - began);
            let took = millis(span.end_time_unix_nano - span.start_time_unix_nano);
            let said =
                span.attributes.iter().map(|it| format!("{}={}", it.key, text(&span.attributes, &it.key)));
            let said = said.collect::<Vec<_>>().join(" ");
            lines.push(format!("{name:<40}{role:<19}+{at:<7}{took:<7}{said}"));
            waiting.push((hex(&span.span_id), depth + 1));
        }
    }
    lines.join("\n")
}

fn traced(client: &Client) -> Client {
    client.header("traceparent", &format!("00-{TRACE}-{CLIENT}-01")).header("x-request-id", REQUEST)
}

async fn linked(berth: &Running, webhook: &Recorder) -> Client {
    let client = berth.client();
    let webhooks = json!([{ "url": webhook.url("/hook") }]);
    client.post("/v1/instances", json!({ "name": "shop", "webhooks": webhooks })).await.expect(201);
    steps::link(&client, "shop").await;
    client
}

#[tokio::test]
async fn a_logout_is_one_trace_from_the_request_to_the_webhook_over_all_processes() {
    let (server, webhook, collector) =
        (NatsServer::start().await, Recorder::start().await, Recorder::start().await);
    let berth = Berth::on_nats(&server).roles_in_processes().setting("BERTH_TRACES", &collector.url(""));
    let mut berth = berth.setting("BERTH_LOG", "info,berth_gateway=debug").start().await;
    let client = linked(&berth, &webhook).await;
    let answer = traced(&client).post("/v1/instances/shop/logout", json!({})).await;
    assert_eq!(answer.header("x-request-id"), REQUEST);
    answer.expect(200);
    let is_whole =
        |received: &[Received]| of_the_trace(received).iter().any(|told| told.span.name == "webhook");
    collector.wait("the last hop", is_whole).await;
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained, and sent what was left");

    let received = collector.received();
    assert!(received.iter().all(|request| request.path == "/v1/traces"));
    let told = of_the_trace(&received);
    let mut parent = CLIENT.to_owned();
    for (name, role) in [
        ("POST /v1/instances/{i}/logout", "gateway"),
        ("command", "gateway"),
        ("Logout", "session-aggregate"),
        ("append", "session-aggregate"),
        ("outbox", "webhooks"),
        ("webhook", "webhooks"),
    ] {
        let Told { role: from, span } = named(&told, name);
        assert_eq!((from.as_str(), hex(&span.parent_span_id)), (role, parent), "{name}");
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano && span.start_time_unix_nano > 0);
        parent = hex(&span.span_id);
    }
    let asked = named(&told, "POST /v1/instances/{i}/logout").span;
    for (key, said) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/instances/{i}/logout"),
        ("http.response.status_code", "200"),
        ("berth.request_id", REQUEST),
    ] {
        assert_eq!(text(&asked.attributes, key), said);
    }
    // What docs/operation.md shows: run with `--no-capture` to see it.
    let tree = tree(&told);
    println!("{tree}");
    assert_eq!(tree.lines().count(), told.len(), "{tree}");
    let sent = named(&told, "webhook").span;
    assert_eq!(text(&sent.attributes, "http.response.status_code"), "200");
    let all = received
        .iter()
        .map(|request| String::from_utf8_lossy(&request.bytes).into_owned())
        .collect::<String>();
    for secret in [ACCOUNT_TOKEN, steps::PHONE, steps::PUSH_NAME, "shop", "/hook"] {
        assert!(!all.contains(secret), "{secret} stands in a span");
    }
}

#[tokio::test]
async fn a_collector_that_others_wrote_has_one_trace_from_the_request_to_the_webhook() {
    let (webhook, collector) = (Recorder::start().await, Collector::start().await);
    let mut berth = Berth::embedded().setting("BERTH_TRACES", collector.url()).start().await;
    let client = linked(&berth, &webhook).await;
    traced(&client).post("/v1/instances/shop/logout", json!({})).await.expect(200);
    let hops = ["POST /v1/instances/{i}/logout", "command", "Logout", "append", "outbox", "webhook"];
    eventually("each hop belongs to the one before", async || {
        let received = collector.received();
        let mut parent = CLIENT.to_owned();
        for hop in hops {
            let mut of_the_hop = received.iter().filter(|span| span.trace == TRACE && span.name == hop);
            match (of_the_hop.next(), of_the_hop.next()) {
                (Some(span), None) if span.parent == parent => parent.clone_from(&span.id),
                found => return Err(format!("{hop} of {parent} is {found:?} among {received:?}")),
            }
        }
        Ok(())
    })
    .await;
    let others = collector.received();
    assert!(others.iter().any(|span| span.trace != TRACE), "the create is a trace of its own: {others:?}");
    assert_eq!(berth.stop().await, [Some(0)], "it drains");
}

#[tokio::test]
async fn the_names_that_opentelemetry_gives_its_settings_are_known_and_headers_are_shown_to_nobody() {
    let (webhook, collector) = (Recorder::start().await, Recorder::start().await);
    let berth = Berth::embedded().setting("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url(""));
    let mut berth = berth
        .setting("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret-of-the-story,x-tenant=one")
        .setting("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .setting("OTEL_SERVICE_NAME", "harbour")
        .setting("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=story,service.name=other")
        .setting("OTEL_METRICS_EXPORTER", "none")
        .start()
        .await;
    linked(&berth, &webhook).await;
    collector.wait("spans come", |received| !received.is_empty()).await;
    let config = berth.run(&["config"]);
    let config = eventually("the settings are shown", async || {
        let said = config.stdout();
        if said.contains("OTEL_SDK_DISABLED") { Ok(said) } else { Err(said) }
    })
    .await;
    assert!(
        config.contains("# otel_headers = (hidden)") && !config.contains("secret-of-the-story"),
        "{config}"
    );
    assert_eq!(berth.stop().await, [Some(0)]);
    assert!(!berth.logs().contains("secret-of-the-story"));
    let first = &collector.received()[0];
    assert_eq!(first.path, "/v1/traces");
    assert_eq!(first.headers["authorization"], "Bearer secret-of-the-story");
    assert_eq!(first.headers["x-tenant"], "one");
    let batch = ExportTraceServiceRequest::decode(first.bytes.clone()).unwrap();
    let said = &batch.resource_spans[0].resource.as_ref().unwrap().attributes;
    assert_eq!(text(said, "service.name"), "harbour");
    assert_eq!(text(said, "deployment.environment.name"), "story");
    assert_eq!(text(said, "berth.role"), "serve");

    let grpc = Berth::embedded().setting("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").down();
    let (code, said) = grpc.run(&["serve"]).outcome().await;
    assert!(
        code == Some(64) && said.contains("OTEL_EXPORTER_OTLP_PROTOCOL") && said.contains("http/protobuf"),
        "{said}"
    );
}

#[tokio::test]
async fn every_line_of_the_access_log_has_its_request_and_no_secret_of_the_path() {
    let berth = Berth::embedded().setting("BERTH_LOG", "info,berth_gateway=debug").start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    let (number, token) = (made["number"].as_str().unwrap(), made["token"].as_str().unwrap());
    let green = Client::new(client.base()).header("x-request-id", "green-1");
    green.get(&format!("/waInstance{number}/getStateInstance/{token}?token={token}")).await.expect(200);
    let logs = eventually("the request is in the log", async || {
        let logs = berth.logs();
        if logs.contains("green-1") { Ok(logs.clone()) } else { Err(logs) }
    })
    .await;
    let line = logs.lines().find(|line| line.contains("green-1")).unwrap();
    for part in
        ["a request was answered", "door=\"green\"", "/waInstance{number}/{method}/{token}", "status=200"]
    {
        assert!(line.contains(part), "{part} is missing: {line}");
    }
    assert!(!logs.contains(token) && !logs.contains(number), "the access log shows a path: {logs}");
}

#[tokio::test]
async fn a_clients_trace_is_kept_with_the_commit_though_nothing_is_traced_here() {
    let (server, webhook) = (NatsServer::start().await, Recorder::start().await);
    let berth = Berth::on_nats(&server).start().await;
    let client = linked(&berth, &webhook).await;
    let out = traced(&client).post("/v1/instances/shop/logout", json!({})).await.expect(200);
    let instance: InstanceId = out["id"].as_str().unwrap().parse().unwrap();
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let subject = StreamKey::instance(instance).subject();
    let mut kept = Vec::new();
    for shard in 0..4 {
        let stream = context.get_stream(format!("BERTH_LOG_{shard}")).await.unwrap();
        let mut from = 1;
        while let Ok(message) = stream.get_first_raw_message_by_subject(subject.as_str(), from).await {
            kept.extend(message.headers.get("traceparent").map(|kept| kept.as_str().to_owned()));
            from = message.sequence + 1;
        }
    }
    assert_eq!(kept, [format!("00-{TRACE}-{CLIENT}-01")]);
}

#[tokio::test]
async fn a_collector_that_is_down_loses_spans_and_holds_nobody_up() {
    let webhook = Recorder::start().await;
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let mut berth = Berth::embedded().setting("BERTH_TRACES", &nobody).start().await;
    linked(&berth, &webhook).await;
    let ops = berth.client();
    eventually("lost spans are counted", async || {
        let text = ops.get("/metrics").await.text();
        let lost =
            text.lines().find(|line| line.starts_with("berth_trace_spans_dropped_total{reason=\"refused\"}"));
        lost.map(str::to_owned).ok_or("none")
    })
    .await;
    assert!(berth.logs().contains("the collector of traces takes no spans"));
    assert_eq!(berth.stop().await, [Some(0)], "it drains");
}

#[tokio::test]
async fn a_collector_that_hangs_holds_up_neither_commands_nor_the_stop() {
    let (webhook, collector) = (Recorder::start().await, Recorder::start().await);
    collector.always(Reply::status(200).after(Duration::from_secs(3_600)));
    let mut berth = Berth::embedded().setting("BERTH_TRACES", &collector.url("/v1/traces")).start().await;
    let client = linked(&berth, &webhook).await;
    collector.wait("it is asked", |received| !received.is_empty()).await;
    client.post("/v1/instances/shop/logout", json!({})).await.expect(200);
    assert_eq!(berth.stop().await, [Some(0)], "it drains");
}
