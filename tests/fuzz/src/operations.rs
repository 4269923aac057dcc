//! The operations of the seven documents, and requests that are made of them.

use serde_json::{Map, Value, json};

use crate::{mutate::mutated_text, tape::Tape, town::Town, wire::Wire};

/// Documents of the doors.
const DOORS: [&str; 7] = ["native", "evolution", "evolution-go", "ryze", "codechat", "mega", "green"];
/// Schemas inside one another at most.
const DEPTH_MAX: usize = 5;
/// Words that stand in paths where the documents have parameters, besides names of instances.
const SEGMENTS: [&str; 6] = ["native", "x", "0", "..%2f", "%ff", "logout"];

/// A documented operation.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Whose document it is in.
    pub door: &'static str,
    /// The method.
    pub method: String,
    /// The path, with its parameters in braces.
    pub path: String,
    /// The names of its parameters in the query.
    query: Vec<String>,
    /// Whether it takes an idempotency key.
    keyed: bool,
    /// The schema of its body and the schemas that it refers to; none without a body.
    body: Option<(Value, Value)>,
    /// The statuses that it is said to answer.
    pub statuses: Vec<u16>,
}

/// Who asks, and as whose clients.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token, which stands where the door wants it; none without one.
    pub token: Option<String>,
    /// The account of the token, if it is one's: its place in the town.
    pub house: Option<usize>,
    /// Whether it is the operator.
    pub is_root: bool,
}

/// A request that can still be changed before it is written.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path and the query.
    pub target: String,
    /// The headers besides `host`, `connection` and the length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

// === impl Operation ===

impl Operation {
    /// All operations that the deployment documents, in order, but the one by which an account ends its own token: the
    /// town would know none of it any more.
    pub async fn all(town: &Town) -> Vec<Self> {
        let mut all = Vec::new();
        for door in DOORS {
            let document = town.client().get(&format!("/docs/{door}/openapi.json")).await.expect(200);
            for (path, item) in document["paths"].as_object().into_iter().flatten() {
                let operations = item.as_object().into_iter().flatten();
                all.extend(
                    operations
                        .filter(|_| !path.ends_with("/token/regenerate"))
                        .filter_map(|(method, it)| Self::read(door, path, method, it, &document)),
                );
            }
        }
        all
    }

    fn read(door: &'static str, path: &str, method: &str, item: &Value, document: &Value) -> Option<Self> {
        let statuses: Vec<u16> =
            item["responses"].as_object()?.keys().filter_map(|it| it.parse().ok()).collect();
        let parameters = item["parameters"].as_array().into_iter().flatten();
        let keyed = parameters.clone().any(|it| it["in"] == "header" && it["name"] == "Idempotency-Key");
        let query = parameters.filter(|it| it["in"] == "query").filter_map(|it| it["name"].as_str());
        let schema = item["requestBody"]["content"]["application/json"].get("schema");
        Some(Self {
            door,
            method: method.to_uppercase(),
            path: path.to_owned(),
            query: query.map(str::to_owned).collect(),
            keyed,
            body: schema.map(|schema| (schema.clone(), document["components"]["schemas"].clone())),
            statuses,
        })
    }

    /// Whether its answer may take long or never end.
    pub fn is_long(&self) -> bool {
        ["/stream", "/ws/", "scanqrcode", "receiveNotification"].iter().any(|it| self.path.contains(it))
    }

    /// A request of that caller that the document allows, more or less, for something of one of those accounts.
    pub fn asked(&self, tape: &mut Tape<'_>, town: &Town, caller: &Caller, about: &[usize]) -> Asked {
        let house = &town.houses[*tape.pick(about)];
        let resident = tape.pick(&house.residents);
        let mut target = String::new();
        let mut rest = self.path.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            target.push_str(before);
            target.push_str(&match name {
                "a" | "businessId" => house.id.clone(),
                "idInstance" => resident.number.clone(),
                "apiTokenInstance" | "partnerToken" => caller.token.clone().unwrap_or_else(|| "-".to_owned()),
                "i" | "instance" | "instanceId" | "instance_key" if !tape.one_in(12) => {
                    (*tape.pick(&[&resident.id, &resident.name, &resident.number])).clone()
                }
                _ => (*tape.pick(&SEGMENTS)).to_owned(),
            });
            rest = after;
        }
        target.push_str(rest);
        let mut before = '?';
        for name in &self.query {
            if tape.one_in(3) {
                continue;
            }
            let value = if name == "instanceId" { resident.id.clone() } else { encoded(&plain(tape)) };
            target.push_str(&format!("{before}{name}={value}"));
            before = '&';
        }
        let mut headers = self.headers(caller);
        if self.keyed && tape.one_in(2) {
            // A key of another request now and then.
            headers.push(("idempotency-key".to_owned(), format!("key-{}", tape.below(1_000))));
        }
        let body = self.body.as_ref().filter(|_| !tape.one_in(10));
        let body = body.map(|(schema, all)| value(tape, schema, all, 0));
        Asked {
            method: self.method.clone(),
            target,
            headers,
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        }
    }

    fn headers(&self, caller: &Caller) -> Vec<(String, String)> {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(token) = &caller.token {
            headers.push(match self.door {
                "evolution" | "evolution-go" => ("apikey".to_owned(), token.clone()),
                "ryze" => ("token".to_owned(), token.clone()),
                _ => ("authorization".to_owned(), format!("Bearer {token}")),
            });
        }
        headers
    }
}

// === impl Asked ===

impl Asked {
    /// The bytes of the request; the connection ends with it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes =
            format!("{} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", self.method, self.target)
                .into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !self.headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding") {
            bytes.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Changes a piece of it into something that a client should not send.
    pub fn spoil(&mut self, tape: &mut Tape<'_>) {
        match tape.below(9) {
            0 => {
                let method = *tape.pick(&[
                    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "\u{e9}",
                ]);
                self.method = method.to_owned();
            }
            1 => self.target = line(&mutated_text(tape, &self.target, "/v1/instances?x=%00&limit=0")),
            2 => {
                self.target = format!(
                    "{}{}",
                    self.target,
                    *tape.pick(&["/", "//", "?", "?&&=", "%", "#x", "/..", ";a=b"])
                )
            }
            3 => {
                let value = line(&tape.text());
                let name = *tape.pick(&[
                    "content-type",
                    "authorization",
                    "apikey",
                    "token",
                    "accept",
                    "idempotency-key",
                    "x-request-id",
                    "traceparent",
                    "x-forwarded-for",
                    "last-event-id",
                    "origin",
                ]);
                self.headers.push((name.to_owned(), value));
            }
            4 => {
                let coding = *tape.pick(&["chunked", "gzip", "chunked, chunked", "identity", "x"]);
                self.headers.push(("transfer-encoding".to_owned(), coding.to_owned()));
            }
            5 => self
                .headers
                .push(("content-encoding".to_owned(), (*tape.pick(&["gzip", "br", "deflate"])).to_owned())),
            6 => {
                let other = br#"{"name":1,"name":"\ud800","a":1e999,"token":[{}]}"#;
                self.body = crate::mutate::mutated(tape, &self.body, other);
            }
            7 => {
                let depth = tape.below(3_000);
                self.body = ["[".repeat(depth), "]".repeat(tape.below(depth + 1))].concat().into_bytes();
            }
            _ => self.body = format!("{{\"name\":\"{}\"}}", "x".repeat(tape.below(200) * 1_000)).into_bytes(),
        }
    }
}

/// No answer may have a status that says that we failed, or repeat what somebody guessed. On a machine with much else to
/// do a part may not answer in time, which is documented as 503.
pub fn judged(wire: &Wire, asked: &Asked, guess: &str) -> Result<(), String> {
    let refused = |why: &str| {
        Err(format!(
            "{why}: {} {}\n{}\n{}",
            asked.method,
            asked.target,
            String::from_utf8_lossy(&asked.body),
            wire.shown()
        ))
    };
    match wire.status {
        Some(500 | 502 | 504..) => return refused("a failure of ours"),
        // Documented, and then it says when to come again.
        Some(503) if !wire.says("retry-after") => return refused("unavailable without a word of when"),
        _ => {}
    }
    if wire.says(guess) {
        return refused("the token that was guessed is repeated");
    }
    Ok(())
}

/// A value of a schema, now and then another one.
fn value(tape: &mut Tape<'_>, schema: &Value, all: &Value, depth: usize) -> Value {
    if depth > DEPTH_MAX || tape.one_in(24) {
        return odd(tape);
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return value(tape, &all[name], all, depth + 1);
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.is_empty()) {
        return tape.pick(words).clone();
    }
    if let Some(choices) =
        schema["oneOf"].as_array().or(schema["anyOf"].as_array()).filter(|it| !it.is_empty())
    {
        let chosen = tape.pick(choices);
        return value(tape, chosen, all, depth + 1);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts: Vec<Value> = parts.iter().map(|part| value(tape, part, all, depth + 1)).collect();
        let parts = parts.into_iter().filter_map(|part| part.as_object().cloned());
        return Value::Object(parts.flatten().collect());
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match kind {
        "object" => {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let mut object = Map::new();
            for (name, of) in schema["properties"].as_object().into_iter().flatten() {
                if required.contains(&name.as_str()) || tape.one_in(3) {
                    object.insert(name.clone(), value(tape, of, all, depth + 1));
                }
            }
            Value::Object(object)
        }
        "array" => (0..tape.below(3)).map(|_| value(tape, &schema["items"], all, depth + 1)).collect(),
        "boolean" => Value::Bool(tape.one_in(2)),
        "integer" | "number" => json!(*tape.pick(&[1_i64, 0, 500, 1_000, 60_000, -1, i64::MAX])),
        "null" => Value::Null,
        _ => Value::String(plain(tape)),
    }
}

/// A text that many fields take.
fn plain(tape: &mut Tape<'_>) -> String {
    let known =
        ["https://example.com/hook", "scan", "qr", "5511987654321", "name", "MESSAGES_UPSERT", "true", "1"];
    if tape.one_in(4) { tape.text() } else { (*tape.pick(&known)).to_owned() }
}

/// A value that fits nowhere.
fn odd(tape: &mut Tape<'_>) -> Value {
    match tape.below(6) {
        0 => Value::Null,
        1 => json!(tape.number()),
        2 => json!(-1.5e300),
        3 => json!([[[[[{}]]]]]),
        4 => json!({"": {"a": [null]}}),
        _ => Value::String(tape.text()),
    }
}

/// A text as it may stand in a query.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// A text without the ends of lines, which would end a header or the head.
fn line(text: &str) -> String {
    text.replace(['\r', '\n'], "")
}
