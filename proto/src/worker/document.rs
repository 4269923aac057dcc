//! The documents of the contract, made of the types: `worker/asyncapi.json` for programs and people, `worker/schema.json`
//! for validators. Both are checked in; this compares them.

use std::path::Path;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{
    Answer, AttemptEnd, CONTRACT, Device, FromWorker, Hello, MESSAGE_BYTES_MAX, Next, PATH, Place, Refusal,
    RefusalCode, Report, Run, Said, Start, ToWorker, Welcome,
};

#[derive(OpenApi)]
#[openapi(components(schemas(
    FromWorker,
    ToWorker,
    Hello,
    Said,
    Report,
    AttemptEnd,
    Device,
    Welcome,
    Refusal,
    RefusalCode,
    Place,
    Run,
    Start,
    Answer,
    Next
)))]
struct Schemas;

/// The schema of every type, by its name.
fn schemas() -> Map<String, Value> {
    let document = serde_json::to_value(Schemas::openapi()).unwrap();
    document["components"]["schemas"].as_object().unwrap().clone()
}

/// A message: its kind, what its payload is beside the kind, and what it says.
struct Message {
    kind: &'static str,
    payload: Option<&'static str>,
    summary: &'static str,
}

const fn message(kind: &'static str, payload: Option<&'static str>, summary: &'static str) -> Message {
    Message { kind, payload, summary }
}

const FROM_WORKER: [Message; 3] = [
    message("hello", Some("Hello"), "Who the worker is; its first message."),
    message("heartbeat", None, "The worker is alive."),
    message("report", Some("Said"), "Something happened on a run."),
];

const TO_WORKER: [Message; 7] = [
    message("welcome", Some("Welcome"), "The hello was accepted."),
    message("refused", Some("Refusal"), "The worker is sent away, and the connection ends."),
    message("heartbeat", None, "The connector is alive."),
    message("run", Some("Run"), "Run a link."),
    message("stop", Some("Place"), "Close the link and keep its keys."),
    message("unlink", Some("Place"), "Unlink the device, and report what came of it."),
    message("answer", Some("Answer"), "What to do after a report."),
];

fn payload(message: &Message) -> Value {
    let kind = json!({ "type": "object", "required": ["kind"], "properties": { "kind": { "const": message.kind } } });
    match message.payload {
        Some(schema) => json!({ "allOf": [kind, { "$ref": format!("#/components/schemas/{schema}") }] }),
        None => kind,
    }
}

/// The messages of one side, under names that the other side has not.
fn messages<'a>(side: &'a str, all: &'a [Message]) -> impl Iterator<Item = (String, Value)> + 'a {
    all.iter().map(move |message| {
        let name = format!("{side}.{}", message.kind);
        let said = json!({
            "name": message.kind, "summary": message.summary, "contentType": "application/json",
            "payload": payload(message),
        });
        (name, said)
    })
}

fn parameter(description: &str) -> Value {
    json!({ "description": description })
}

fn session_parameters() -> Value {
    json!({
        "worker": parameter("The worker's name, without dots"),
        "connector": parameter("A word of the connector's"),
        "session": parameter("The number of the session at the connector"),
    })
}

fn told_parameters() -> Value {
    let mut parameters = session_parameters();
    parameters["process"] = parameter("The process, as its hello says, without dots");
    parameters
}

fn asyncapi() -> Value {
    let said: Map<_, _> = messages("worker", &FROM_WORKER).chain(messages("connector", &TO_WORKER)).collect();
    let refer = |name: &String| json!({ "$ref": format!("#/components/messages/{name}") });
    let listed: Map<_, _> = said.keys().map(|name| (name.clone(), refer(name))).collect();
    let of_side = |side: &str| -> Vec<Value> {
        let names = said.keys().filter(|name| name.starts_with(side));
        names.map(|name| json!({ "$ref": format!("#/channels/socket/messages/{name}") })).collect()
    };
    let of_nats = |is_there: &dyn Fn(&str) -> bool| -> Map<_, _> {
        said.keys().filter(|name| is_there(name)).map(|name| (name.clone(), refer(name))).collect()
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Berth: workers",
            "version": CONTRACT.to_string(),
            "description": format!(
                "What a worker, a process with a WhatsApp library, and Berth's connector say to each other. Each message \
                 is one JSON object of at most {MESSAGE_BYTES_MAX} bytes, in a text message of a WebSocket or in a \
                 request on NATS, which whoever takes it answers with nothing. A field that the reader does not know is \
                 ignored, a kind that it does not know is refused."
            ),
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "connector": {
                "host": "localhost:8480", "protocol": "ws",
                "description": "`berth connector`, or `berth serve`; `wss` behind a proxy",
                "security": [{ "type": "http", "scheme": "bearer", "description": "`worker_token`" }],
            },
            "nats": {
                "host": "localhost:4222", "protocol": "nats",
                "description": "The servers of the deployment, where workers are let in by `berth provision --worker`",
                "security": [{ "type": "userPassword", "description": "`worker-` and the worker's name" }],
            },
        },
        "channels": {
            "socket": {
                "address": PATH,
                "title": "A worker's connection",
                "servers": [{ "$ref": "#/servers/connector" }],
                "messages": listed,
            },
            "hellos": {
                "address": "berth.v1.worker.{worker}.hello",
                "title": "Hellos, to all connectors",
                "description": "Said again every ten seconds, and a second after a session ended.",
                "servers": [{ "$ref": "#/servers/nats" }],
                "parameters": { "worker": parameter("The worker's name, without dots") },
                "messages": of_nats(&|name| name == "worker.hello"),
            },
            "said": {
                "address": "berth.v1.worker.{worker}.said.{connector}.{session}",
                "title": "What a worker says in a session",
                "servers": [{ "$ref": "#/servers/nats" }],
                "parameters": session_parameters(),
                "messages": of_nats(&|name| name.starts_with("worker.") && name != "worker.hello"),
            },
            "told": {
                "address": "berth.v1.worker.{worker}.told.{process}.{connector}.{session}",
                "title": "What a worker is told in a session, which a connector opens with `welcome`",
                "servers": [{ "$ref": "#/servers/nats" }],
                "parameters": told_parameters(),
                "messages": of_nats(&|name| name.starts_with("connector.")),
            },
        },
        "operations": {
            "hear": {
                "action": "receive", "channel": { "$ref": "#/channels/socket" },
                "summary": "What a worker says.", "messages": of_side("worker."),
            },
            "tell": {
                "action": "send", "channel": { "$ref": "#/channels/socket" },
                "summary": "What a worker is told.", "messages": of_side("connector."),
            },
            "greeted": { "action": "receive", "channel": { "$ref": "#/channels/hellos" } },
            "hearOnNats": { "action": "receive", "channel": { "$ref": "#/channels/said" } },
            "tellOnNats": { "action": "send", "channel": { "$ref": "#/channels/told" } },
        },
        "components": { "messages": said, "schemas": schemas() },
    })
}

fn json_schema() -> Value {
    let text = Value::Object(schemas()).to_string().replace("#/components/schemas/", "#/$defs/");
    let definitions: Value = serde_json::from_str(&text).unwrap();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Berth: a message between a worker and the connector",
        "anyOf": [{ "$ref": "#/$defs/FromWorker" }, { "$ref": "#/$defs/ToWorker" }],
        "$defs": definitions,
    })
}

/// Compares the documents with those that are checked in, or writes them if `BERTH_WRITE_VECTORS` is set.
#[test]
fn the_documents_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("worker");
    for (name, document) in [("asyncapi.json", asyncapi()), ("schema.json", json_schema())] {
        let path = folder.join(name);
        let mut made = serde_json::to_string_pretty(&document).unwrap();
        made.push('\n');
        if std::env::var_os("BERTH_WRITE_VECTORS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "worker/{name} is out of date: run `BERTH_WRITE_VECTORS=1 cargo test -p berth-proto worker`"
        );
    }
}

#[test]
fn every_kind_and_every_report_is_in_them() {
    let document = asyncapi();
    let text = document["components"]["schemas"]["Report"].to_string();
    for name in Report::NAMES {
        assert!(text.contains(&format!("\"{name}\"")), "{name}");
    }
    let variants =
        |schema: &str| document["components"]["schemas"][schema]["oneOf"].as_array().unwrap().len();
    assert_eq!(variants("FromWorker"), FROM_WORKER.len());
    assert_eq!(variants("ToWorker"), TO_WORKER.len());
    assert_eq!(variants("Report"), Report::NAMES.len());
}
