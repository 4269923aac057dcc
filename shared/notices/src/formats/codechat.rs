//! CodeChat v2: `{event, instance, data}` with the instance as its API shows it.

use berth_domain::instance::connection_word;
use berth_proto::event::EndReasonV1;
use serde_json::{Map, Value, json};

use super::{
    Facts, Format, RenderError, Rendered, Word,
    facts::{pause_code, rfc3339},
};
use crate::{
    derive::{CodeKind, Happening, Notice},
    qr_code::{Shape, png_data_url},
};

const CONNECTION: Word = Word { event: "connection.update", filter: "connectionUpdate" };
const QRCODE: Word = Word { event: "qrcode.updated", filter: "qrcodeUpdate" };
const NEW_JWT: Word = Word { event: "new.jwt", filter: "newJwt" };
const STATE: Word = Word { event: "state.instance", filter: "stateInstance" };

/// The owner of the settings that the body shows something of.
const SETTINGS: &str = "codechat";

/// See the module.
#[derive(Debug)]
pub(super) struct CodeChat {
    /// What an endpoint of an instance and one of its business are told apart by.
    pub(super) name: &'static str,
}

impl Format for CodeChat {
    fn name(&self) -> &'static str {
        self.name
    }

    fn settings(&self) -> Option<&'static str> {
        Some(SETTINGS)
    }

    fn words(&self, happening: &Happening) -> Vec<Word> {
        match happening {
            Happening::CodeShown(code) if code.kind == CodeKind::Qr => vec![QRCODE],
            Happening::CodeShown(_)
            | Happening::Created
            | Happening::AttemptEnded { reason: EndReasonV1::Replaced | EndReasonV1::Cancelled, .. }
            | Happening::Linked
            | Happening::PairingRefused { .. }
            | Happening::Unlinked
            | Happening::UnlinkAbandoned => Vec::new(),
            Happening::Connecting
            | Happening::AttemptEnded { .. }
            | Happening::Opening
            | Happening::Open
            | Happening::Lost { .. }
            | Happening::Paused { .. }
            | Happening::LoggedOut { .. } => vec![CONNECTION],
            Happening::Deleted { had_session: true } => vec![CONNECTION, STATE],
            Happening::TokenChanged => vec![NEW_JWT],
            Happening::Switched { .. } | Happening::Deleted { had_session: false } => vec![STATE],
        }
    }

    fn needs_jwt(&self, notice: &Notice) -> bool {
        notice.word == NEW_JWT
    }

    fn render(&self, notice: &Notice, facts: &Facts<'_>) -> Result<Rendered, RenderError> {
        let data = match notice.word.event {
            "qrcode.updated" => {
                let text = facts.qr.ok_or(RenderError::NoCode)?;
                let shape = Shape { margin_modules: 3, module_pixels: 4, dark: [0x19, 0x87, 0x54] };
                json!({"code": text, "base64": png_data_url(text, shape)?})
            }
            "state.instance" => json!({"state": match notice.happening {
                Happening::Switched { on: true } => "on",
                Happening::Switched { on: false } => "off",
                _ => "deleted",
            }}),
            "new.jwt" => json!({"jwt": facts.jwt}),
            _ => {
                let (state, code) = connection(&notice.happening);
                json!({"state": state, "statusReason": code})
            }
        };
        let own_id = notice.key.instance.to_string();
        let id = facts.text("external_id").unwrap_or(&own_id);
        let business = facts.state.account.to_string();
        let mut rendered = Rendered::json(&json!({
            "event": notice.word.event,
            "instance": instance(notice, facts, id, &business),
            "data": data,
        }))?;
        rendered.headers = vec![
            ("x-businessId", business),
            ("x-instanceId", id.to_owned()),
            ("x-whatsappId", facts.device.map_or_else(String::new, |_| own_id.clone())),
        ];
        Ok(rendered)
    }
}

fn instance(notice: &Notice, facts: &Facts<'_>, id: &str, business: &str) -> Value {
    let mut instance = Map::new();
    instance.insert("instanceId".into(), json!(id));
    instance.insert("name".into(), json!(facts.name));
    let state = match notice.happening {
        Happening::Deleted { .. } => "deleted",
        Happening::Switched { on: true } => "active",
        Happening::Switched { on: false } => "inactive",
        _ if facts.options.get("active") == Some(&Value::Bool(false)) => "inactive",
        _ => "active",
    };
    instance.insert("state".into(), json!(state));
    instance.insert("connection".into(), json!(stored(facts)));
    instance.insert("createdAt".into(), json!(rfc3339(facts.state.created_at)));
    if let Some(device) = facts.device {
        instance.insert(
            "WhatsApp".into(),
            json!({
                "whatsappId": notice.key.instance,
                "remoteJid": device.jid,
                "pictureUrl": device.picture_url.as_deref().unwrap_or_default(),
                "pushName": device.push_name.as_deref().unwrap_or_default(),
                "createdAt": rfc3339(facts.occurred_at),
            }),
        );
    }
    let name = facts.text("business_name").unwrap_or_default();
    instance.insert("Business".into(), json!({"businessId": business, "name": name}));
    Value::Object(instance)
}

/// The stored word: it stays `open` while a linked device has merely lost its connection.
fn stored(facts: &Facts<'_>) -> &'static str {
    match connection_word(&facts.state.phase) {
        Some("open" | "lost") => "open",
        _ => "close",
    }
}

const fn connection(happening: &Happening) -> (&'static str, u16) {
    match *happening {
        Happening::Open => ("open", 200),
        Happening::Lost { code: 0 } => ("connecting", 428),
        Happening::Lost { code } => ("connecting", code),
        Happening::AttemptEnded { code: 0, .. } => ("close", 428),
        Happening::AttemptEnded { reason, code } => {
            ("close", if matches!(reason, EndReasonV1::CodesExhausted) { 428 } else { code })
        }
        Happening::Paused { reason, code } => ("close", pause_code(reason, code)),
        Happening::LoggedOut { code, .. } if code != 0 => ("close", code),
        Happening::LoggedOut { .. } | Happening::Deleted { .. } => ("close", 401),
        _ => ("connecting", 200),
    }
}
