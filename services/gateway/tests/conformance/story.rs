//! A story: requests and complete answers side by side, with what differs from run to run replaced by its name.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::Value;

use crate::{receiver::Receiver, world::World};

/// Headers of an answer that belong to a contract.
const TOLD_HEADERS: [&str; 6] = [
    "content-type",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "location",
];

/// A request of a story.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
}

impl Request {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: Vec::new(), body: None }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn put(path: &str) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(crate) fn patch(path: &str) -> Self {
        Self::new(Method::PATCH, path)
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw(&body.to_string())
    }

    /// A body as it is, said to be JSON.
    pub(crate) fn raw(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.header("content-type", "application/json")
    }
}

/// What was asked and answered so far.
pub(crate) struct Story<'w> {
    world: &'w World,
    told: String,
    names: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl<'w> Story<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self { world, told: String::new(), names: Vec::new() }
    }

    /// Gives a value that differs from run to run a name; it is told by that name from the beginning on.
    pub(crate) fn calls(&mut self, value: &impl ToString, name: &str) {
        let value = value.to_string();
        assert!(value.len() > 3, "the value for {name} is too short to be told apart");
        self.names.push((value, format!("{{{name}}}")));
    }

    /// Sends a request and tells of it.
    pub(crate) async fn ask(&mut self, why: &str, request: Request) -> Answer {
        let response = self.world.send(&request).await;
        let status = response.status();
        let _ = writeln!(self.told, "# {why}\n{} {}", request.method, request.path);
        for (name, value) in request.headers.iter().filter(|(name, _)| *name != "content-type") {
            let _ = writeln!(self.told, "{name}: {value}");
        }
        if let Some(body) = &request.body {
            let shown = if body.len() > 1_000 { format!("{{{} bytes}}", body.len()) } else { body.clone() };
            let _ = writeln!(self.told, "{shown}");
        }
        let _ = writeln!(self.told, "\n{status}");
        for name in TOLD_HEADERS {
            match response.headers().get(name).map(|value| value.to_str().unwrap()) {
                None | Some("application/json") => {}
                Some(value) => {
                    let _ = writeln!(self.told, "{name}: {value}");
                }
            }
        }
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice::<Value>(&bytes);
        let text = match &body {
            Ok(body) => {
                let mut shown = body.clone();
                hide(&mut shown);
                // A body that is compared byte for byte by a client is told as it came.
                if bytes.len() < 60 {
                    serde_json::to_string(&shown)
                } else {
                    serde_json::to_string_pretty(&shown)
                }
                .unwrap()
            }
            Err(_) => hidden_pictures(&String::from_utf8_lossy(&bytes)),
        };
        let _ = writeln!(self.told, "{text}\n");
        Answer { status: status.as_u16(), body: body.unwrap_or_default() }
    }

    /// Sends a request and tells of it in a row: for tables of requests that differ in one thing each. Headers are
    /// not told.
    pub(crate) async fn row(&mut self, request: Request) -> Answer {
        let response = self.world.send(&request).await;
        let status = response.status().as_u16();
        let sent = match &request.body {
            Some(body) if body.len() > 300 => format!("{{{} bytes}}", body.len()),
            Some(body) => body.clone(),
            None => String::new(),
        };
        let path = if request.path.len() > 300 { "/{long}" } else { &request.path };
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice::<Value>(&bytes);
        let text = match &body {
            Ok(body) => {
                let mut shown = body.clone();
                hide(&mut shown);
                // Rows are put in and taken out.
                if let Some(Value::String(moment)) = shown.get_mut("timestamp") {
                    "{timestamp}".clone_into(moment);
                }
                shown.to_string()
            }
            Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
        };
        let asked = format!("{} {path} {sent}", request.method);
        let _ = writeln!(self.told, "{}\n    {status} {text}", asked.trim_end());
        Answer { status, body: body.unwrap_or_default() }
    }

    /// Begins a table of rows.
    pub(crate) fn table(&mut self, of: &str) {
        let _ = writeln!(self.told, "\n# {of}");
    }

    /// Waits for deliveries and tells of them in the order in which they came; `told` of them were told before.
    pub(crate) async fn deliveries(&mut self, why: &str, receiver: &Receiver, told: usize, more: usize) {
        let _ = writeln!(self.told, "# {why}");
        for delivery in receiver.received(told + more).await.into_iter().skip(told) {
            let _ = writeln!(self.told, "{} {}", delivery.method, delivery.path);
            for (name, value) in &delivery.headers {
                let value = match name.as_str() {
                    "accept" | "accept-encoding" | "content-length" | "host" => continue,
                    "webhook-id" => "{id of the notice}",
                    "webhook-signature" => "{signature}",
                    _ => value.to_str().unwrap(),
                };
                let _ = writeln!(self.told, "{name}: {value}");
            }
            let mut body = delivery.body;
            hide(&mut body);
            let _ = writeln!(self.told, "{}\n", serde_json::to_string_pretty(&body).unwrap());
        }
    }

    /// The story so far.
    pub(crate) fn told(&self) -> String {
        let mut names = self.names.clone();
        names.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        names.iter().fold(self.told.clone(), |told, (value, name)| told.replace(value, name))
    }
}

/// Replaces codes, pictures and generated rows' ids, whose form alone is the contract.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(name) = form_of(text) {
                *text = name;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match (name.as_str(), field.as_str()) {
                    ("pairingCode", Some(code)) if code.len() == 8 => *field = "{8 characters}".into(),
                    ("pairingCode" | "PairingCode", Some(code)) if code.len() == 9 => {
                        *field = "{4 characters-4 characters}".into();
                    }
                    ("code", Some(code)) if code.len() == 8 => *field = "{8 characters}".into(),
                    _ => hide(field),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn form_of(text: &str) -> Option<String> {
    let of = |alphabet: fn(char) -> bool, length: usize| text.len() == length && text.chars().all(alphabet);
    let row = of(|c| c.is_ascii_lowercase() || c.is_ascii_digit(), 25) && text.starts_with('c');
    let name = if text.starts_with("data:image/png;base64,iVBOR") {
        "data:image/png;base64,{picture}"
    } else if text.starts_with("iVBOR") {
        "{picture}"
    } else if text.starts_with("https://wa.me/settings/linked_devices#") {
        "{text of the QR code}"
    } else if row {
        "{row}"
    } else {
        return None;
    };
    Some(name.to_owned())
}

/// A page with its pictures taken out.
fn hidden_pictures(page: &str) -> String {
    let mut rest = page;
    let mut shown = String::new();
    while let Some((before, picture)) = rest.split_once("data:image/png;base64,") {
        shown.push_str(before);
        shown.push_str("data:image/png;base64,{picture}");
        rest = picture.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "+/=".contains(c));
    }
    shown.push_str(rest);
    shown
}
