//! The AsyncAPI document that is checked in is what the code sends: it is made of what the code makes of the golden
//! examples of each event.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod shape;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use berth_gateway::docs::documents;
use berth_notices::{
    derive::Step,
    fixtures::{at, commit, linked, logged_out, pairing, state},
    formats::{self, Device, Facts},
};
use berth_proto::{
    AccountId, RecordV1,
    codec::{PRELUDE_BYTES, peek},
    event::Event,
    instance::{PermissionV1, PhaseV1},
    public::{cloud_event, event_data, event_type},
};
use serde_json::{Map, Value, json};
use shape::Shape;

/// The examples of an event, as they are stored.
fn examples(name: &str) -> Vec<Event> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../proto/vectors/v1/{name}V1.hex"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let bytes = data_encoding::HEXLOWER.decode(line.trim().as_bytes()).unwrap();
            let (type_id, version) = peek(&bytes).unwrap();
            let body = bytes.get(PRELUDE_BYTES..).unwrap().to_vec();
            Event::from_record(&RecordV1 { type_id, version, body }).unwrap()
        })
        .collect()
}

/// The schemas of what every event says, by its name.
fn schemas_of_data() -> Map<String, Value> {
    let names = Event::TABLE.iter().map(|(name, _)| *name);
    names
        .map(|name| {
            let mut shape = Shape::default();
            for event in examples(name) {
                shape.see(&Value::Object(event_data(&event)));
            }
            (format!("{name}Data"), shape.schema())
        })
        .collect()
}

/// The schema of what every event has around its data in the public feed.
fn envelope() -> Value {
    let mut shape = Shape::default();
    let state = state(logged_out(), PermissionV1::Silent, 1);
    for event in examples("LoggedOut") {
        let commit = commit(2, std::slice::from_ref(&event), &state);
        let mut rendered = cloud_event(&commit, 0, &event, AccountId::from_bytes([1; 16]));
        let fields = rendered.as_object_mut().unwrap();
        fields.remove("data");
        fields.remove("type");
        shape.see(&rendered);
        // An event that answers a command says which.
        for id in ["causationid", "correlationid"] {
            rendered[id] = json!("5tigptn6stt118p4mhs3rj1plo");
        }
        shape.see(&rendered);
    }
    shape.schema()
}

/// The native bodies that webhooks are sent, by their type.
fn bodies() -> BTreeMap<String, Shape> {
    let device = Device {
        jid: "5511987654321@s.whatsapp.net".to_owned(),
        phone: "5511987654321".to_owned(),
        push_name: Some("Ana".to_owned()),
        business_name: None,
        picture_url: None,
    };
    let phases: [PhaseV1; 4] = [PhaseV1::Created, pairing(1, 1), linked(), logged_out()];
    let native = formats::by_name("native").unwrap();
    let options = Map::new();
    let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
    let steps = Event::TABLE.iter().flat_map(|(name, _)| examples(name)).flat_map(|event| {
        phases
            .clone()
            .map(|phase| commit(5, std::slice::from_ref(&event), &state(phase, PermissionV1::Open, 1)))
    });
    for step in steps.filter_map(|commit| Step::of(&commit).unwrap()) {
        for notice in step.notices() {
            let facts = Facts {
                state: &step.state,
                name: "shop",
                token: "",
                jwt: "",
                device: Some(&device),
                occurred_at: at(0),
                now: at(3),
                qr: Some("2@ref,noise,identity,adv"),
                pairing_code: Some("WZYEH1YY"),
                options: &options,
                url: "https://example.com/hook",
                server_url: "https://berth.example",
            };
            let body: Value = serde_json::from_slice(&native.render(&notice, &facts).unwrap().body).unwrap();
            shapes.entry(body["type"].as_str().unwrap().to_owned()).or_default().see(&body);
        }
    }
    shapes
}

/// A message with a payload and words for it.
fn message(name: &str, title: &str, payload: &Value) -> Value {
    json!({ "name": name, "title": title, "contentType": "application/json", "payload": payload })
}

fn refer(to: &str) -> Value {
    json!({ "$ref": to })
}

/// The words of an event's name: `LoggedOut` is `Logged out`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for (place, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && place > 0 {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

/// What programs of customers ask over NATS: the verb, what it does, and the schemas of what is asked and answered.
const VERBS: [(&str, &str, Option<&str>, &str); 6] = [
    ("connect", "Links a device.", Some("ConnectRequest"), "ConnectBody"),
    ("reconnect", "Opens the link that there is.", None, "InstanceBody"),
    ("restart", "Closes the connection and opens it again.", None, "InstanceBody"),
    ("disconnect", "Closes the connection and keeps the link.", None, "InstanceBody"),
    ("logout", "Ends the session.", Some("LogoutRequest"), "InstanceBody"),
    ("get", "Shows the instance.", None, "InstanceBody"),
];

/// A request of a program, and what it is answered if it succeeds.
fn asked_and_answered(verb: &str, summary: &str, asked: Option<&str>, answered: &str) -> (Value, Value) {
    let schema = |name: &str| refer(&format!("#/components/schemas/{name}"));
    let payload = asked.map_or_else(|| json!({ "type": "object", "properties": {} }), schema);
    let mut asked = message(verb, summary, &payload);
    asked["headers"] = schema("AskHeaders");
    let mut answered = message(&format!("{verb}.answer"), "The instance after it", &schema(answered));
    answered["headers"] = schema("AnswerHeaders");
    (asked, answered)
}

/// The headers of requests of programs and of their answers.
fn program_headers() -> [(&'static str, Value); 2] {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let asked = json!({
        "type": "object",
        "properties": {
            "Idempotency-Key": text("The same request with the same key is done once, over HTTP and over NATS together."),
            "X-Request-Id": text("Stands in the answer, in the log and, sealed, in the history."),
            "traceparent": text("The trace that the request belongs to (W3C Trace Context)."),
        }
    });
    let answered = json!({
        "type": "object",
        "required": ["Berth-Status", "content-type"],
        "properties": {
            "Berth-Status": text("The status, as HTTP has it."),
            "content-type": text("`application/json`, or `application/problem+json` for a problem."),
            "x-request-id": text("The id of the request."),
            "idempotency-replayed": text("`true` if an earlier request with this key did it."),
            "retry-after": text("Seconds after which the same request may be sent again."),
            "ratelimit": text("What is left of the quotas of the account."),
            "ratelimit-policy": text("The quotas of the account."),
            "Nats-Service-Error-Code": text("The status of a problem."),
            "Nats-Service-Error": text("The code of a problem."),
        }
    });
    [("AskHeaders", asked), ("AnswerHeaders", answered)]
}

/// The schemas of the native OpenAPI document that the events of a stream have too.
fn native_schemas() -> Map<String, Value> {
    let (_, document) = documents().into_iter().find(|(name, _)| *name == "native").unwrap();
    let document = serde_json::to_value(document).unwrap();
    let all = document["components"]["schemas"].as_object().unwrap();
    let mut wanted = vec!["CommandBody".to_owned(), "Problem".to_owned()];
    wanted.extend(VERBS.iter().flat_map(|(_, _, asked, answered)| {
        [*asked, Some(*answered)].into_iter().flatten().map(str::to_owned)
    }));
    let mut taken = Map::new();
    while let Some(name) = wanted.pop() {
        if taken.contains_key(&name) {
            continue;
        }
        let schema = all[&name].clone();
        let text = schema.to_string();
        let refers = text.split("#/components/schemas/").skip(1);
        wanted.extend(refers.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()));
        taken.insert(name, schema);
    }
    taken
}

/// An event of the public feed.
fn fed(event: &Event) -> Value {
    let name = event.name();
    let kind = event_type(event);
    let data = json!({
        "allOf": [
            refer(&format!("#/components/schemas/{name}Data")),
            { "type": "object", "required": ["version"], "properties": { "version": { "type": "integer" } } },
        ]
    });
    let payload = json!({
        "allOf": [
            refer("#/components/schemas/CloudEvent"),
            {
                "type": "object",
                "required": ["type", "data"],
                "properties": { "type": { "const": kind }, "data": data },
            },
        ]
    });
    let mut message = message(&kind, &words(name), &payload);
    message["contentType"] = json!("application/cloudevents+json");
    message
}

/// An event of the streams over HTTP.
fn streamed(name: &str) -> Value {
    let payload = json!({
        "type": "object",
        "required": ["instance", "version", "index", "type", "occurred_at", "data"],
        "properties": {
            "instance": { "type": "string" },
            "version": { "type": "integer" },
            "index": { "type": "integer" },
            "type": { "const": name },
            "occurred_at": { "type": "string", "format": "date-time" },
            "data": refer(&format!("#/components/schemas/{name}Data")),
            "command": { "oneOf": [{ "type": "null" }, refer("#/components/schemas/CommandBody")] },
        }
    });
    message(name, &words(name), &payload)
}

/// The headers of a webhook.
fn webhook_headers() -> Value {
    json!({
        "type": "object",
        "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
        "properties": {
            "webhook-id": { "type": "string", "description": "The same for every attempt of a notice." },
            "webhook-timestamp": { "type": "string", "description": "Seconds since the Unix epoch, of this attempt." },
            "webhook-signature": {
                "type": "string",
                "description": "`v1,` and base64 of HMAC-SHA-256 over `id.timestamp.body`; several while a secret is rotated.",
            },
        }
    })
}

fn channel_of_requests(messages: &Map<String, Value>) -> Value {
    json!({
        "address": "berth.v1.api.{account}.{verb}.{instance}",
        "title": "Requests of programs",
        "description": "The native API over NATS, for programs of an account that NATS lets ask on its subjects. Any gateway answers.",
        "servers": [refer("#/servers/nats")],
        "parameters": {
            "account": { "description": "The id of the account" },
            "verb": { "description": "What is asked", "enum": VERBS.map(|(verb, ..)| verb) },
            "instance": { "description": "The id of the instance, or its name or number if that is one token of a subject" },
        },
        "messages": messages,
    })
}

fn channel_of_answers(messages: &Map<String, Value>) -> Value {
    json!({
        "address": null,
        "title": "Answers to programs",
        "description": "The address is the reply subject of the request.",
        "servers": [refer("#/servers/nats")],
        "messages": messages,
    })
}

fn add_operations_of_programs(operations: &mut Value) {
    for (verb, summary, ..) in VERBS {
        operations[format!("ask.{verb}")] = json!({
            "action": "receive", "channel": refer("#/channels/ask"), "summary": summary,
            "messages": [refer(&format!("#/channels/ask/messages/{verb}"))],
            "reply": {
                "channel": refer("#/channels/answer"),
                "messages": [
                    refer(&format!("#/channels/answer/messages/{verb}")), refer("#/channels/answer/messages/problem"),
                ],
            },
        });
    }
}

fn document() -> Value {
    let (mut messages, mut schemas) = (Map::new(), schemas_of_data());
    let mut channels: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut add = |channel: &'static str, name: &str, message: Value| {
        let key = format!("{channel}.{name}");
        let listed = channels.entry(channel).or_default();
        listed.insert(name.to_owned(), refer(&format!("#/components/messages/{key}")));
        messages.insert(key, message);
    };
    for (name, _) in Event::TABLE {
        if let Some(event) = examples(name).first() {
            add("feed", name, fed(event));
            add("stream", name, streamed(name));
        }
    }
    for (kind, shape) in bodies() {
        let schema = format!("Notice.{kind}");
        let mut message = message(&kind, &kind, &refer(&format!("#/components/schemas/{schema}")));
        message["headers"] = refer("#/components/schemas/WebhookHeaders");
        add("webhook", &kind, message);
        schemas.insert(schema, shape.schema());
    }
    for (verb, summary, asked, answered) in VERBS {
        let (asked, answered) = asked_and_answered(verb, summary, asked, answered);
        add("ask", verb, asked);
        add("answer", verb, answered);
    }
    let mut problem = message("problem", "Why it was not done", &refer("#/components/schemas/Problem"));
    problem["contentType"] = json!("application/problem+json");
    problem["headers"] = refer("#/components/schemas/AnswerHeaders");
    add("answer", "problem", problem);
    schemas.extend(program_headers().map(|(name, schema)| (name.to_owned(), schema)));
    schemas.insert("CloudEvent".to_owned(), envelope());
    schemas.insert("WebhookHeaders".to_owned(), webhook_headers());
    schemas.extend(native_schemas());
    let listed = |channel: &str| channels.get(channel).cloned().unwrap_or_default();
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Berth: events and webhooks",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What Berth says by itself. New messages and new fields are added; whoever reads ignores what it does not know.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "nats": { "host": "localhost:4222", "protocol": "nats", "description": "The NATS server of the deployment, if it has one" },
            "gateway": { "host": "localhost:8480", "protocol": "http", "description": "A gateway" },
        },
        "channels": {
            "feed": {
                "address": "berth.v1.events.{account}.{instance}",
                "title": "The public feed",
                "description": "CloudEvents 1.0 in structured mode. Kept for seven days in the stream BERTH_EVENTS, where each event of an instance stands once and in its order: a subscriber with a durable consumer of it misses nothing while it is away for less.",
                "servers": [refer("#/servers/nats")],
                "parameters": {
                    "account": { "description": "The id of the account" },
                    "instance": { "description": "The id of the instance" },
                },
                "messages": listed("feed"),
            },
            "stream": {
                "address": "/v1/events/stream",
                "title": "The events of an account",
                "description": "Server-sent events, each named as its message. Whoever comes back with `Last-Event-ID` misses nothing. The last event of a stream that the gateway ends is `end`, with a problem.",
                "servers": [refer("#/servers/gateway")],
                "messages": listed("stream"),
            },
            "ask": channel_of_requests(&listed("ask")),
            "answer": channel_of_answers(&listed("answer")),
            "webhook": {
                "address": null,
                "title": "Webhooks in the native format",
                "description": "The address is that of the endpoint. In order, at least once, and nothing of before a logout after it.",
                "messages": listed("webhook"),
            },
        },
        "operations": {
            "publishEvent": { "action": "send", "channel": refer("#/channels/feed"), "summary": "An instance had an event." },
            "streamEvent": {
                "action": "send", "channel": refer("#/channels/stream"), "summary": "An instance of the account had an event.",
                "bindings": { "http": { "method": "GET" } },
            },
            "sendWebhook": {
                "action": "send", "channel": refer("#/channels/webhook"), "summary": "An endpoint is told what happened.",
                "bindings": { "http": { "method": "POST" } },
            },
        },
        "components": { "messages": messages, "schemas": schemas },
    });
    add_operations_of_programs(&mut document["operations"]);
    document
}

/// Compares the document with the one that is checked in, or writes it if `BERTH_WRITE_OPENAPI` is set.
#[test]
fn the_document_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("asyncapi/berth.json");
    let mut made = serde_json::to_string_pretty(&document()).unwrap();
    made.push('\n');
    if std::env::var_os("BERTH_WRITE_OPENAPI").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "asyncapi/berth.json is out of date: run `BERTH_WRITE_OPENAPI=1 cargo test -p berth-gateway --test asyncapi`"
    );
}

#[test]
fn every_event_and_every_documented_webhook_is_in_it() {
    let document = document();
    let channels = &document["channels"];
    for (name, _) in Event::TABLE {
        assert!(channels["feed"]["messages"][name].is_object(), "{name}");
    }
    let documented = include_str!("../../../../docs/webhooks.md");
    let named: BTreeSet<&str> = documented.split('`').filter(|text| text.starts_with("instance.")).collect();
    let told: BTreeSet<&str> =
        channels["webhook"]["messages"].as_object().unwrap().keys().map(String::as_str).collect();
    for kind in &told {
        assert!(named.contains(kind), "docs/webhooks.md does not name {kind}");
    }
    assert!(told.len() > 12, "{told:?}");
}
