//! What comes in: it is checked before it is answered, and printed after that.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, Request, StatusCode},
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    cli::Format,
    clock,
    failure::Failure,
    http::tell,
    json::Fields,
    output::{clean, moment, plain},
    session::Session,
    signature::{Forged, Secret, Signed},
};

/// Bytes of a notice.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What checks a notice.
#[derive(Debug)]
pub(super) struct Receiver {
    /// One of them has to have signed it.
    pub(super) secrets: Vec<Secret>,
    /// Who prints it.
    pub(super) heard: mpsc::Sender<Heard>,
}

/// A request that came.
#[derive(Debug)]
pub(super) struct Heard {
    id: String,
    body: Value,
    /// Why it is not believed.
    pub(super) forged: Option<Forged>,
}

/// Answers a request once it is clear whether it can be believed.
pub(super) async fn take(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> StatusCode {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_BYTES_MAX).await else { return StatusCode::PAYLOAD_TOO_LARGE };
    let forged = believe(&receiver.secrets, &parts.headers, &bytes).err();
    let heard = Heard {
        id: header(&parts.headers, "webhook-id").unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
        forged,
    };
    if receiver.heard.send(heard).await.is_err() {
        // It is about to end: the notice is sent again, to whoever listens then.
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if forged.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::NO_CONTENT }
}

fn believe(secrets: &[Secret], headers: &HeaderMap, body: &Bytes) -> Result<(), Forged> {
    let text = |name| header(headers, name).ok_or(Forged::Missing(name));
    let signed = Signed {
        id: text("webhook-id")?,
        timestamp: text("webhook-timestamp")?,
        signatures: text("webhook-signature")?,
        body,
    };
    signed.verify(secrets, clock::now_seconds())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

impl Heard {
    /// Prints it, or tells why it was refused.
    pub(super) fn show(&self, session: &Session) -> Result<(), Failure> {
        if let Some(forged) = &self.forged {
            tell(&format!("refused a request that claims to be notice {:?}: {forged}", clean(&self.id)));
            return Ok(());
        }
        match session.out.format {
            Format::Table => session.out.line(&self.words()),
            Format::Name => session.out.line(&plain(self.body.at("type"))),
            Format::Json | Format::Jsonl => {
                session.out.line(&json!({ "id": self.id, "body": self.body }).to_string())
            }
        }
    }

    fn words(&self) -> String {
        let (body, data) = (&self.body, self.body.at("data"));
        let kind =
            body.at("type").as_str().or_else(|| body.at("event").as_str()).map_or_else(|| plain(body), clean);
        let details = ["state", "connection", "reason", "origin", "code"];
        let details = details.iter().filter(|name| !data[**name].is_null());
        let details: Vec<String> = details.map(|name| format!("{name}={}", plain(&data[*name]))).collect();
        let time = moment(body.at("timestamp"));
        format!("{time}  {kind}  {}  {}", plain(data.at("name")), details.join(" ")).trim_end().to_owned()
    }
}
