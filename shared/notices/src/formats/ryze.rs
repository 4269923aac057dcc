//! RyzeAPI: every transition is an `instance.state` event.

use berth_proto::{event::EndReasonV1, instance::PauseReasonV1};
use serde_json::{Map, Value, json};

use super::{Facts, Format, RenderError, Rendered, UrlSuffix, Word};
use crate::derive::{CodeKind, Happening, Notice};

const STATE: Word = Word { event: "instance.state", filter: "instance.state" };

/// See the module.
#[derive(Debug)]
pub(super) struct Ryze;

impl Format for Ryze {
    fn name(&self) -> &'static str {
        "ryze"
    }

    fn words(&self, happening: &Happening) -> Vec<Word> {
        state(happening).map(|_| STATE).into_iter().collect()
    }

    fn render(&self, notice: &Notice, facts: &Facts<'_>) -> Result<Rendered, RenderError> {
        let mut data = Map::new();
        data.insert("instance".into(), json!(facts.name));
        data.insert("state".into(), json!(state(&notice.happening)));
        data.insert("timestamp".into(), json!(facts.occurred_at_text()));
        if notice.happening.code().is_some() {
            data.insert("codes".into(), json!([facts.qr.ok_or(RenderError::NoCode)?]));
        }
        let mut rendered = Rendered::json(&json!({
            "event": notice.word.event,
            "data": data,
            "instanceData": {"baseUrl": facts.server_url, "instance": facts.name, "token": facts.token},
        }))?;
        if facts.flag("by_events") {
            rendered.suffix = UrlSuffix::Path(format!("/{}", notice.word.event));
        }
        Ok(rendered)
    }

    fn needs_token(&self, options: &Map<String, Value>) -> bool {
        options.get("token_in_body") == Some(&Value::Bool(true))
    }
}

/// The word of `data.state`; none where RyzeAPI says nothing.
fn state(happening: &Happening) -> Option<&'static str> {
    Some(match happening {
        Happening::CodeShown(code) if code.kind == CodeKind::Qr => "qr_ready",
        Happening::AttemptEnded { reason: EndReasonV1::PairError, .. } => "pair_error",
        Happening::AttemptEnded { reason: EndReasonV1::Replaced | EndReasonV1::Cancelled, .. }
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
        Happening::Linked => "pair_success",
        Happening::Open => "connected",
        Happening::AttemptEnded { .. } | Happening::Lost { .. } => "disconnected",
        Happening::Paused { reason, .. } => match reason {
            PauseReasonV1::Asked => "disconnected",
            PauseReasonV1::Replaced => "stream_replaced",
            PauseReasonV1::Banned => "temp_banned",
            PauseReasonV1::Outdated => "client_outdated",
            PauseReasonV1::Refused => "connect_failure",
        },
        Happening::LoggedOut { .. } => "logged_out",
    })
}
