//! Evolution Go: events of the library that it is built on, each `{event, data, instanceToken, instanceId, instanceName}`.

use berth_proto::{
    event::{EndReasonV1, LogoutOriginV1},
    instance::{PauseReasonV1, PhaseV1},
};
use serde_json::{Map, Value, json};

use super::{Facts, Format, RenderError, Rendered, Word, facts::pause_code};
use crate::{
    derive::{CodeKind, Happening, Notice},
    qr_code::{QUIET_MODULES, Shape, png_data_url},
};

const QRCODE: Word = Word { event: "QRCode", filter: "QRCODE" };
const QRTIMEOUT: Word = Word { event: "QRTimeout", filter: "QRCODE" };
const PAIRED: Word = connection("PairSuccess");
const CONNECTED: Word = connection("Connected");
const DISCONNECTED: Word = connection("Disconnected");
const FAILED: Word = connection("ConnectFailure");
const BANNED: Word = connection("TemporaryBan");
const LOGGED_OUT: Word = connection("LoggedOut");

const fn connection(event: &'static str) -> Word {
    Word { event, filter: "CONNECTION" }
}

/// See the module.
#[derive(Debug)]
pub(super) struct EvolutionGo;

impl Format for EvolutionGo {
    fn name(&self) -> &'static str {
        super::EVOLUTION_GO
    }

    fn words(&self, happening: &Happening) -> Vec<Word> {
        word(happening).into_iter().collect()
    }

    fn render(&self, notice: &Notice, facts: &Facts<'_>) -> Result<Rendered, RenderError> {
        let id = notice.key.instance.to_uuid().to_string();
        Rendered::json(&json!({
            "event": notice.word.event,
            "data": data(&notice.happening, facts)?,
            "instanceToken": facts.token,
            "instanceId": facts.text("instance_id").unwrap_or(&id),
            "instanceName": facts.name,
        }))
    }

    fn settings(&self) -> Option<&'static str> {
        Some(self.name())
    }

    fn needs_token(&self, options: &Map<String, Value>) -> bool {
        options.get("token_in_body") == Some(&Value::Bool(true))
    }
}

/// The event of a happening; none where the product says nothing.
fn word(happening: &Happening) -> Option<Word> {
    Some(match happening {
        Happening::CodeShown(code) if code.kind == CodeKind::Qr => QRCODE,
        Happening::AttemptEnded { reason: EndReasonV1::CodesExhausted | EndReasonV1::Expired, .. } => {
            QRTIMEOUT
        }
        Happening::AttemptEnded { reason: EndReasonV1::Refused, .. } => FAILED,
        Happening::Linked => PAIRED,
        Happening::Open => CONNECTED,
        Happening::Lost { .. } => DISCONNECTED,
        Happening::Paused { reason, .. } => match reason {
            PauseReasonV1::Asked | PauseReasonV1::Replaced => DISCONNECTED,
            PauseReasonV1::Outdated | PauseReasonV1::Refused => FAILED,
            PauseReasonV1::Banned => BANNED,
        },
        Happening::LoggedOut { .. } => LOGGED_OUT,
        Happening::AttemptEnded { .. }
        | Happening::CodeShown(_)
        | Happening::Created
        | Happening::Connecting
        | Happening::Opening
        | Happening::PairingRefused { .. }
        | Happening::Unlinked
        | Happening::UnlinkAbandoned
        | Happening::TokenChanged
        | Happening::Switched { .. }
        | Happening::Deleted { .. } => return None,
    })
}

fn data(happening: &Happening, facts: &Facts<'_>) -> Result<Value, RenderError> {
    Ok(match *happening {
        Happening::CodeShown(code) => {
            let text = facts.qr.ok_or(RenderError::NoCode)?;
            let shape = Shape { margin_modules: QUIET_MODULES, module_pixels: 4, dark: [0; 3] };
            json!({"qrcode": png_data_url(text, shape)?, "code": text, "count": code.index})
        }
        Happening::Linked => {
            let business = facts.device.and_then(|device| device.business_name.as_deref());
            let mut data = device(facts);
            data.insert("ID".to_owned(), json!(facts.jid()));
            data.insert("BusinessName".to_owned(), json!(business.unwrap_or_default()));
            Value::Object(data)
        }
        Happening::Open => Value::Object(device(facts)),
        Happening::LoggedOut { origin: LogoutOriginV1::Phone | LogoutOriginV1::Server, code, .. } => {
            json!({"OnConnect": false, "Reason": code, "reason": format!("{code}: logged out from WhatsApp")})
        }
        Happening::LoggedOut { .. } => json!({"reason": "Logged out"}),
        Happening::Paused { reason: PauseReasonV1::Banned, code } => ban(code, facts),
        Happening::Paused { reason: reason @ (PauseReasonV1::Outdated | PauseReasonV1::Refused), code } => {
            json!({"Reason": pause_code(reason, code), "Message": ""})
        }
        Happening::AttemptEnded { reason: EndReasonV1::Refused, code } => {
            json!({"Reason": code, "Message": ""})
        }
        _ => json!({}),
    })
}

/// The device that is linked.
fn device(facts: &Facts<'_>) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert("status".to_owned(), json!("open"));
    data.insert("jid".to_owned(), json!(facts.jid()));
    if let Some(push_name) = facts.device.and_then(|device| device.push_name.as_deref()) {
        data.insert("pushName".to_owned(), json!(push_name));
    }
    data
}

/// A ban, with how long it lasts in nanoseconds; 0 if that is not known.
fn ban(code: u16, facts: &Facts<'_>) -> Value {
    let until = match &facts.state.phase {
        PhaseV1::Paused(pause) => pause.until,
        _ => None,
    };
    let micros = until.map_or(0, |until| until.0.saturating_sub(facts.occurred_at.0).max(0));
    let expire = micros.saturating_mul(1_000);
    json!({"Code": code, "Expire": expire, "reason": format!("{code}: temporarily banned"), "expire": expire})
}
