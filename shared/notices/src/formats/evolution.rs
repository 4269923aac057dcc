//! Evolution API 2.x: several notices of one transition, each `{event, instance, data, …}`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_proto::{Timestamp, event::EndReasonV1, instance::PauseReasonV1};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{
    Facts, Format, RenderError, Rendered, UrlSuffix, Word,
    facts::{pause_code, rfc3339},
};
use crate::{
    derive::{Happening, Notice},
    qr_code::{Shape, png_data_url},
};

/// Seconds that the JWT of `jwt_key` is valid.
const JWT_SECONDS: i64 = 600;

const CREATE: Word = Word { event: "instance.create", filter: "INSTANCE_CREATE" };
const DELETE: Word = Word { event: "instance.delete", filter: "INSTANCE_DELETE" };
const REMOVE: Word = Word { event: "remove.instance", filter: "REMOVE_INSTANCE" };
const STATUS: Word = Word { event: "status.instance", filter: "STATUS_INSTANCE" };
const LOGOUT: Word = Word { event: "logout.instance", filter: "LOGOUT_INSTANCE" };
const CONNECTION: Word = Word { event: "connection.update", filter: "CONNECTION_UPDATE" };
const QRCODE: Word = Word { event: "qrcode.updated", filter: "QRCODE_UPDATED" };

/// See the module.
#[derive(Debug)]
pub(super) struct Evolution;

/// The format of the endpoint that message events of an upstream are handed on to.
pub const RELAYING_FORMAT: &str = "evolution";
/// Its label: an instance has one webhook in this vocabulary.
pub const RELAYING_LABEL: &str = "default";

/// What is sent of an event that the upstream itself made: its body as it came, where this endpoint wants it.
pub fn relayed(body: Vec<u8>, event: &str, options: &Map<String, Value>, now: Timestamp) -> Rendered {
    let by_events = options.get("by_events").and_then(Value::as_bool).unwrap_or_default();
    let suffix = if by_events { UrlSuffix::End(by_event(event)) } else { UrlSuffix::None };
    let key = options.get("jwt_key").and_then(Value::as_str);
    let authorization = key.map(|key| format!("Bearer {}", jwt(key, now.seconds())));
    Rendered { body, headers: Vec::new(), suffix, authorization }
}

/// The name of an event in an endpoint's filter: `messages.upsert` is `MESSAGES_UPSERT`.
pub fn relayed_filter(event: &str) -> String {
    event.replace(['.', '-'], "_").to_uppercase()
}

fn by_event(event: &str) -> String {
    format!("/{}", event.replace(['.', '_'], "-"))
}

impl Format for Evolution {
    fn name(&self) -> &'static str {
        RELAYING_FORMAT
    }

    fn words(&self, happening: &Happening) -> Vec<Word> {
        match happening {
            Happening::Created => vec![CREATE],
            Happening::CodeShown(_) => vec![QRCODE],
            Happening::AttemptEnded { reason: EndReasonV1::CodesExhausted, .. } => vec![QRCODE, CONNECTION],
            Happening::AttemptEnded { reason: EndReasonV1::Replaced | EndReasonV1::Cancelled, .. }
            | Happening::Linked
            | Happening::PairingRefused { .. }
            | Happening::Unlinked
            | Happening::UnlinkAbandoned
            | Happening::TokenChanged
            | Happening::Switched { .. } => Vec::new(),
            Happening::Paused { reason: PauseReasonV1::Banned, .. } => vec![STATUS, CONNECTION],
            Happening::Connecting
            | Happening::AttemptEnded { .. }
            | Happening::Opening
            | Happening::Open
            | Happening::Lost { .. }
            | Happening::Paused { .. } => vec![CONNECTION],
            Happening::LoggedOut { .. } => vec![STATUS, LOGOUT, CONNECTION],
            Happening::Deleted { had_session: true } => vec![STATUS, LOGOUT, CONNECTION, DELETE, REMOVE],
            Happening::Deleted { had_session: false } => vec![DELETE, REMOVE],
        }
    }

    fn render(&self, notice: &Notice, facts: &Facts<'_>) -> Result<Rendered, RenderError> {
        let event = notice.word.event;
        let mut body = Map::new();
        body.insert("event".into(), json!(event));
        body.insert("instance".into(), json!(facts.name));
        body.insert("data".into(), data(notice, facts)?);
        body.insert("destination".into(), json!(facts.url));
        body.insert("date_time".into(), json!(facts.occurred_at_text()));
        if let Some(device) = facts.device {
            body.insert("sender".into(), json!(device.jid));
        }
        body.insert("server_url".into(), json!(facts.server_url));
        body.insert("apikey".into(), Value::Null);
        let mut rendered = Rendered::json(&body)?;
        if facts.flag("by_events") {
            rendered.suffix = UrlSuffix::End(by_event(event));
        }
        rendered.authorization =
            facts.text("jwt_key").map(|key| format!("Bearer {}", jwt(key, facts.now.seconds())));
        Ok(rendered)
    }
}

fn data(notice: &Notice, facts: &Facts<'_>) -> Result<Value, RenderError> {
    let event = notice.word.event;
    Ok(if event == QRCODE.event {
        match notice.happening {
            Happening::CodeShown(_) => qrcode(facts)?,
            _ => json!({"message": "QR code limit reached, please login again", "statusCode": 500}),
        }
    } else if event == CONNECTION.event {
        connection(notice, facts)
    } else if event == STATUS.event {
        let code = end_code(&notice.happening);
        let at = facts.occurred_at_text();
        json!({
            "instance": facts.name,
            "status": "closed",
            "disconnectionAt": at,
            "disconnectionReasonCode": code,
            "disconnectionObject": disconnection_object(code, facts.occurred_at),
        })
    } else if event == CREATE.event || event == DELETE.event {
        json!({"instanceName": facts.name, "instanceId": notice.key.instance.to_uuid().to_string()})
    } else {
        Value::Null
    })
}

fn qrcode(facts: &Facts<'_>) -> Result<Value, RenderError> {
    if facts.qr.is_none() && facts.pairing_code.is_none() {
        return Err(RenderError::NoCode);
    }
    let shape = Shape { margin_modules: 3, module_pixels: 4, dark: [0x19, 0x87, 0x54] };
    let picture = facts.qr.map(|text| png_data_url(text, shape)).transpose()?;
    Ok(json!({"qrcode": {
        "instance": facts.name,
        "pairingCode": facts.pairing_code,
        "code": facts.qr,
        "base64": picture,
    }}))
}

fn connection(notice: &Notice, facts: &Facts<'_>) -> Value {
    let (state, code) = match notice.happening {
        Happening::Open => ("open", 200),
        Happening::AttemptEnded { reason: EndReasonV1::CodesExhausted, .. } => ("refused", 428),
        Happening::AttemptEnded { code, .. } => ("close", if code == 0 { 428 } else { code }),
        Happening::Paused { .. } | Happening::LoggedOut { .. } | Happening::Deleted { .. } => {
            ("close", end_code(&notice.happening))
        }
        _ => ("connecting", 200),
    };
    let mut data = Map::new();
    data.insert("instance".into(), json!(facts.name));
    let profile =
        [("wuid", Some(facts.jid())), ("profileName", facts.device.and_then(|d| d.push_name.as_deref()))];
    if state == "open" {
        data.extend(profile.map(|(key, value)| (key.to_owned(), json!(value))));
        data.insert("profilePictureUrl".into(), json!(facts.device.and_then(|d| d.picture_url.as_deref())));
    }
    data.insert("state".into(), json!(state));
    data.insert("statusReason".into(), json!(code));
    if state == "refused" {
        data.extend(profile.map(|(key, value)| (key.to_owned(), json!(value))));
        data.insert("profilePictureUrl".into(), json!(facts.device.and_then(|d| d.picture_url.as_deref())));
    }
    Value::Object(data)
}

/// How a session ended, as the product writes it: JSON in a string.
pub fn disconnection_object(code: u16, at: Timestamp) -> String {
    let (error, message) = match code {
        401 => ("Unauthorized", "Intentional Logout"),
        402 => ("Payment Required", "Connection Failure"),
        403 => ("Forbidden", "Connection Failure"),
        405 => ("Method Not Allowed", "Connection Failure"),
        428 => ("Precondition Required", "Connection Closed"),
        440 => ("Unknown", "Stream Errored (conflict)"),
        _ => ("Unknown", "Connection Failure"),
    };
    let output = json!({
        "statusCode": code,
        "payload": {"statusCode": code, "error": error, "message": message},
        "headers": {},
    });
    let error = json!({"data": null, "isBoom": true, "isServer": code >= 500, "output": output});
    json!({"error": error, "date": rfc3339(at)}).to_string()
}

const fn end_code(happening: &Happening) -> u16 {
    match *happening {
        Happening::Paused { reason, code } => pause_code(reason, code),
        Happening::LoggedOut { code, .. } if code != 0 => code,
        _ => 401,
    }
}

/// A JWT as Evolution makes it from `jwt_key`: HS256, ten minutes.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn jwt(key: &str, now_seconds: i64) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = json!({
        "iat": now_seconds,
        "exp": now_seconds + JWT_SECONDS,
        "app": "evolution",
        "action": "webhook",
    });
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length");
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}
