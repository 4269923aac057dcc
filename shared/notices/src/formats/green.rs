//! GREEN-API: `stateInstanceChanged` and `statusInstanceChanged`, with a schedule of its own. No QR notice.
//! Without a URL they wait a day to be fetched.

use berth_proto::instance::PauseReasonV1;
use serde_json::{Map, Value, json};

use super::{Facts, Format, RenderError, Rendered, RetryRule, Word};
use crate::derive::{Happening, Notice};

const STATE: Word = Word { event: "stateInstanceChanged", filter: "stateInstanceChanged" };
const STATUS: Word = Word { event: "statusInstanceChanged", filter: "statusInstanceChanged" };

/// See the module.
#[derive(Debug)]
pub(super) struct GreenApi;

impl Format for GreenApi {
    fn name(&self) -> &'static str {
        "green"
    }

    fn words(&self, happening: &Happening) -> Vec<Word> {
        match happening {
            Happening::Linked | Happening::Opening | Happening::LoggedOut { .. } => vec![STATE],
            Happening::Open | Happening::Paused { .. } => vec![STATE, STATUS],
            Happening::Lost { .. } => vec![STATUS],
            Happening::Created
            | Happening::Connecting
            | Happening::CodeShown(_)
            | Happening::PairingRefused { .. }
            | Happening::AttemptEnded { .. }
            | Happening::Unlinked
            | Happening::UnlinkAbandoned
            | Happening::TokenChanged
            | Happening::Switched { .. }
            | Happening::Deleted { .. } => Vec::new(),
        }
    }

    fn render(&self, notice: &Notice, facts: &Facts<'_>) -> Result<Rendered, RenderError> {
        let state = match notice.happening {
            Happening::Open | Happening::Lost { .. } => "authorized",
            Happening::Linked | Happening::Opening => "starting",
            Happening::Paused { reason: PauseReasonV1::Banned, .. } => "blocked",
            Happening::Paused { .. } => "sleepMode",
            _ => "notAuthorized",
        };
        let wid = match facts.device {
            Some(device) if state == "authorized" => format!("{}@c.us", device.phone),
            _ => String::new(),
        };
        let mut body = Map::new();
        body.insert("typeWebhook".into(), json!(notice.word.event));
        body.insert(
            "instanceData".into(),
            json!({"idInstance": facts.state.number, "wid": wid, "typeInstance": "whatsapp"}),
        );
        body.insert("timestamp".into(), json!(facts.occurred_at.seconds()));
        if notice.word.event == STATE.event {
            body.insert("stateInstance".into(), json!(state));
        } else {
            let online = matches!(notice.happening, Happening::Open);
            body.insert("statusInstance".into(), json!(if online { "online" } else { "offline" }));
        }
        Rendered::json(&body)
    }

    /// A bare token is sent as a bearer token; a value that names its scheme is sent as it is.
    fn authorization(&self, value: &str) -> String {
        if value.contains(' ') { value.to_owned() } else { format!("Bearer {value}") }
    }

    fn retry_rule(&self) -> RetryRule {
        RetryRule::GreenApi
    }

    fn pulled(&self) -> bool {
        true
    }

    fn muted(&self, options: &Map<String, Value>) -> bool {
        options.get("state_webhook") == Some(&Value::Bool(false))
    }
}
