//! Evolution API 2, as releases 2.2 to 2.3.7 behave.
//!
//! Its `connectionState` is what its memory says and its `fetchInstances` what its database says; both may be wrong for
//! a while, so whoever asks asks again.

use std::collections::HashMap;

use reqwest::Method;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::{
    Ear, UpstreamError, Webhook,
    http::{About, Http, segment},
};

/// How an instance's socket stands, as the upstream says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    /// Open.
    Open,
    /// Being opened, or a code is shown.
    Connecting,
    /// Closed.
    Closed,
    /// It does not say: the instance is in its database and not in its memory.
    Unsaid,
}

/// An instance as the upstream keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its token; empty if it is not told.
    pub token: String,
    /// How its socket stands, as the database has it: open from a login to the end of the session, also while it reconnects.
    pub socket: Socket,
    /// The JID of the device that was linked last.
    pub owner_jid: Option<String>,
    /// The person's name.
    pub profile_name: Option<String>,
    /// The address of the person's picture.
    pub picture_url: Option<String>,
    /// The product's kind of instance: only `WHATSAPP-BAILEYS` has a device.
    pub integration: String,
    /// WhatsApp's code when it was closed last. It stays after a reopening.
    pub closed_by: Option<u16>,
    /// Who ended the session then.
    pub ended_by: EndedBy,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let linked = self.owner_jid.is_some();
        f.debug_struct("Row").field("socket", &self.socket).field("linked", &linked).finish_non_exhaustive()
    }
}

/// Who ended a session, as far as the upstream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// A command to the upstream.
    Command,
    /// The person, on the phone.
    Phone,
    /// WhatsApp, which refused the login.
    Server,
}

/// What a connect came to.
#[derive(Clone, PartialEq, Eq)]
pub enum Connect {
    /// The device is linked and its socket open.
    Open,
    /// Codes are shown.
    Codes {
        /// The text of the QR code.
        qr: Option<String>,
        /// The pairing code.
        pairing: Option<String>,
    },
    /// Nothing is shown yet: ask again.
    NotYet,
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Codes { .. } => "Codes",
            Self::NotYet => "NotYet",
        })
    }
}

/// What is read of the state of a session: which fields are there. The keys in them are not read.
type AuthState = HashMap<String, Option<IgnoredAny>>;

/// How an upstream answers a look at its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The release that it says it is.
    pub version: Option<String>,
    /// Why it cannot be used, if so.
    pub trouble: Option<UpstreamError>,
}

/// A client.
#[derive(Debug, Clone)]
pub struct Evolution {
    http: Http,
}

impl Evolution {
    /// A client that asks by these means.
    pub const fn new(http: Http) -> Self {
        Self { http }
    }

    /// Whether it answers and takes the key.
    pub async fn health(&self) -> Health {
        let root = self.http.ask(Method::GET, "/", None, About::One).await;
        let key = self.http.ask(Method::POST, "/verify-creds", Some(&json!({})), About::One).await;
        let version = root.as_ref().ok().and_then(|root| text(root, "version"));
        Health { version, trouble: root.err().or(key.err()) }
    }

    /// Hears what it tells on its Socket.IO, if that is on there.
    pub async fn ear(&self) -> Result<Ear, UpstreamError> {
        Ear::open(&self.http).await
    }

    /// Every instance. One without a name or that cannot be read is left out.
    pub async fn all(&self) -> Result<Vec<Row>, UpstreamError> {
        rows(&self.http.ask(Method::GET, "/instance/fetchInstances", None, About::All).await?)
    }

    /// One instance.
    pub async fn one(&self, name: &str) -> Result<Row, UpstreamError> {
        let path = format!("/instance/fetchInstances?instanceName={}", segment(name));
        let rows = rows(&self.http.ask(Method::GET, &path, None, About::One).await?)?;
        let is_empty = rows.is_empty();
        let found = rows.into_iter().find(|row| row.name == name);
        found.ok_or(if is_empty { UpstreamError::NotFound } else { UpstreamError::OtherInstance })
    }

    /// How the socket of an instance stands now.
    pub async fn socket(&self, name: &str) -> Result<Socket, UpstreamError> {
        let path = format!("/instance/connectionState/{}", segment(name));
        let answer = self.http.ask(Method::GET, &path, None, About::One).await?;
        let instance = answer.get("instance").ok_or(UpstreamError::Unexpected)?;
        is_of(instance, name)?;
        Ok(socket_of(instance, "state"))
    }

    /// Asks for a code; with a number, for a pairing code too. Only while a device is to be linked: on a closed instance
    /// it starts a session.
    pub async fn connect(&self, name: &str, phone: Option<&str>) -> Result<Connect, UpstreamError> {
        let number = phone.map(|phone| format!("?number={}", segment(phone))).unwrap_or_default();
        let path = format!("/instance/connect/{}{number}", segment(name));
        let answer = self.http.ask(Method::GET, &path, None, About::One).await?;
        // It answers 200 to what went wrong, too.
        if answer.get("error").and_then(Value::as_bool) == Some(true) {
            return Err(UpstreamError::Unexpected);
        }
        if let Some(instance) = answer.get("instance") {
            is_of(instance, name)?;
            let open = socket_of(instance, "state") == Socket::Open;
            return Ok(if open { Connect::Open } else { Connect::NotYet });
        }
        let (qr, pairing) = (text(&answer, "code"), text(&answer, "pairingCode"));
        Ok(if qr.is_some() || pairing.is_some() { Connect::Codes { qr, pairing } } else { Connect::NotYet })
    }

    /// Whether a device has scanned a code of the session that runs there, logged in or not: its keys are there. None where it does not
    /// tell: releases before 2.2.1 do not, nor what stands before one and keeps that route closed.
    pub async fn is_paired(&self, name: &str) -> Result<Option<bool>, UpstreamError> {
        let path = format!("/baileys/getAuthState/{}", segment(name));
        let state: Result<AuthState, _> =
            self.http.ask_for(Method::POST, &path, Some(&json!({})), About::One).await;
        match state {
            // `me` stands beside it as soon as a pairing code is asked for.
            Ok(fields) => Ok(Some(fields.get("account").is_some_and(Option::is_some))),
            // Too busy to tell, or not there at this moment.
            Err(UpstreamError::Status(status)) if status >= 500 || status == 429 => {
                Err(UpstreamError::Status(status))
            }
            Err(error @ (UpstreamError::TimedOut | UpstreamError::Unreachable)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Creates an instance without a device; one that is there already is as good.
    pub async fn create(&self, name: &str) -> Result<(), UpstreamError> {
        let body = json!({ "instanceName": name, "integration": "WHATSAPP-BAILEYS", "qrcode": false });
        match self.http.ask(Method::POST, "/instance/create", Some(&body), About::One).await {
            Ok(_) => Ok(()),
            // A used name is a 403 there, as a wrong key is not.
            Err(UpstreamError::KeyRefused) => self.one(name).await.map(|_| ()),
            Err(error) => Err(error),
        }
    }

    /// Closes the socket and opens it again.
    pub async fn restart(&self, name: &str) -> Result<(), UpstreamError> {
        let path = format!("/instance/restart/{}", segment(name));
        self.http.ask(Method::POST, &path, None, About::One).await.map(|_| ())
    }

    /// The webhook of an instance; none if it never had one.
    pub async fn webhook(&self, name: &str) -> Result<Option<Webhook>, UpstreamError> {
        let path = format!("/webhook/find/{}", segment(name));
        Ok(Webhook::read(&self.http.ask(Method::GET, &path, None, About::One).await?))
    }

    /// Configures the webhook of an instance.
    pub async fn set_webhook(&self, name: &str, webhook: &Webhook) -> Result<(), UpstreamError> {
        let path = format!("/webhook/set/{}", segment(name));
        self.http.ask(Method::POST, &path, Some(&webhook.to_set()), About::One).await.map(|_| ())
    }

    /// Asks WhatsApp, through an open socket, for the picture of a number. Whatever comes of it, an answer says that WhatsApp hears
    /// that socket; none comes, for as long as this waits, through one that is dead.
    pub async fn picture(&self, name: &str, number: &str) -> Result<(), UpstreamError> {
        let path = format!("/chat/fetchProfilePictureUrl/{}", segment(name));
        let body = json!({ "number": number });
        self.http.ask(Method::POST, &path, Some(&body), About::One).await.map(|_| ())
    }

    /// Asks for a logout. An answer says that it was asked for, not that it happened: ask [`Self::socket`] then.
    pub async fn logout(&self, name: &str) -> Result<(), UpstreamError> {
        let path = format!("/instance/logout/{}", segment(name));
        self.http.ask(Method::DELETE, &path, None, About::One).await.map(|_| ())
    }
}

fn is_of(instance: &Value, name: &str) -> Result<(), UpstreamError> {
    match instance.get("instanceName").and_then(Value::as_str) {
        Some(of) if of == name => Ok(()),
        _ => Err(UpstreamError::OtherInstance),
    }
}

fn text(value: &Value, field: &str) -> Option<String> {
    value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn socket_of(value: &Value, field: &str) -> Socket {
    match value.get(field).and_then(Value::as_str) {
        Some("open") => Socket::Open,
        Some("connecting") => Socket::Connecting,
        Some("close" | "refused") => Socket::Closed,
        _ => Socket::Unsaid,
    }
}

fn rows(answer: &Value) -> Result<Vec<Row>, UpstreamError> {
    let rows = answer.as_array().ok_or(UpstreamError::Unexpected)?;
    Ok(rows.iter().filter_map(row).collect())
}

fn row(value: &Value) -> Option<Row> {
    let code = value.get("disconnectionReasonCode").and_then(Value::as_u64);
    Some(Row {
        name: text(value, "name")?,
        token: text(value, "token").unwrap_or_default(),
        socket: socket_of(value, "connectionStatus"),
        owner_jid: text(value, "ownerJid"),
        profile_name: text(value, "profileName"),
        picture_url: text(value, "profilePicUrl"),
        integration: text(value, "integration").unwrap_or_default(),
        closed_by: code.and_then(|code| u16::try_from(code).ok()),
        ended_by: ended_by(value.get("disconnectionObject")),
    })
}

/// Whose logout it was stands only in the error's data, in a text that is JSON once more.
fn ended_by(object: Option<&Value>) -> EndedBy {
    let unwrapped = match object {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    let field = |name: &str| unwrapped.pointer(&format!("/error/data/{name}")).unwrap_or(&Value::Null);
    // With older releases of its library the whole node stands there, and the conflict in it.
    let content = field("content").as_array().into_iter().flatten();
    let is_conflict = |node: &Value| node.get("tag").is_some_and(|tag| tag == "conflict");
    if field("tag") == "conflict" || content.into_iter().any(is_conflict) {
        EndedBy::Phone
    } else if field("reason") == "401" || field("reason") == 401 {
        EndedBy::Server
    } else {
        EndedBy::Command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_with_what_matters_and_without_what_does_not() {
        let answer = json!([
            { "name": "shop", "connectionStatus": "open", "ownerJid": "5511987654321@s.whatsapp.net",
              "token": "T", "integration": "WHATSAPP-BAILEYS", "disconnectionReasonCode": 401, "extra": [1] },
            { "connectionStatus": "open" },
            "no row",
        ]);
        let rows = rows(&answer).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].socket, rows[0].closed_by), (Socket::Open, Some(401)));
        assert_eq!(super::rows(&json!({"error": true})), Err(UpstreamError::Unexpected));
    }

    #[test]
    fn who_ended_a_session_stands_in_a_text_within_the_answer() {
        let of = |data: Value| {
            let object = json!({"error": {"data": data, "output": {"statusCode": 401}}, "date": "x"});
            ended_by(Some(&Value::String(object.to_string())))
        };
        assert_eq!(of(Value::Null), EndedBy::Command);
        let conflict = json!({"tag": "conflict", "attrs": {"type": "device_removed"}});
        assert_eq!(of(conflict.clone()), EndedBy::Phone);
        let whole = json!({"tag": "stream:error", "attrs": {"code": "401"}, "content": [conflict]});
        assert_eq!(of(whole), EndedBy::Phone);
        assert_eq!(of(json!({"reason": "401"})), EndedBy::Server);
        assert_eq!(ended_by(None), EndedBy::Command);
        assert_eq!(ended_by(Some(&Value::String("not JSON".to_owned()))), EndedBy::Command);
    }
}
