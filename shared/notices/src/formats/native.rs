//! The native format: `{type, timestamp, data}` in the words of the native API.

use berth_domain::instance::{connection_word, state_word};
use berth_proto::{
    event::{EndReasonV1, LogoutOriginV1},
    instance::PauseReasonV1,
};
use serde_json::{Map, Value, json};

use super::{Facts, Format, RenderError, Rendered, Word, facts::rfc3339};
use crate::derive::{CodeKind, Happening, Notice};

/// See the module.
#[derive(Debug)]
pub(super) struct Native;

impl Format for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn words(&self, happening: &Happening) -> Vec<Word> {
        let name = match happening {
            Happening::Created => "instance.created",
            Happening::Connecting => "instance.connecting",
            Happening::CodeShown(code) => match code.kind {
                CodeKind::Qr => "instance.qr",
                CodeKind::Pairing => "instance.pairing_code",
            },
            Happening::PairingRefused { .. } => "instance.pairing_code_refused",
            Happening::AttemptEnded { .. } => "instance.connect_ended",
            Happening::Linked => "instance.linked",
            Happening::Opening => "instance.opening",
            Happening::Open => "instance.open",
            Happening::Lost { .. } => "instance.lost",
            Happening::Paused { .. } => "instance.paused",
            Happening::LoggedOut { .. } => "instance.logged_out",
            Happening::Unlinked => "instance.unlinked",
            Happening::UnlinkAbandoned => "instance.unlink_abandoned",
            Happening::Deleted { .. } => "instance.deleted",
            // Whoever changes these knows it, and nothing of the session changes.
            Happening::TokenChanged | Happening::Switched { .. } => return Vec::new(),
        };
        vec![Word { event: name, filter: name }]
    }

    fn render(&self, notice: &Notice, facts: &Facts<'_>) -> Result<Rendered, RenderError> {
        let mut data = Map::new();
        data.insert("instance".into(), json!(notice.key.instance));
        data.insert("name".into(), json!(facts.name));
        data.insert("number".into(), json!(facts.state.number.to_string()));
        data.insert("session".into(), json!(notice.session));
        data.insert("version".into(), json!(notice.key.version));
        data.insert("state".into(), json!(state_word(&facts.state.phase)));
        data.insert("connection".into(), json!(connection_word(&facts.state.phase)));
        details(notice, facts, &mut data)?;
        Rendered::json(&json!({
            "type": notice.word.event,
            "timestamp": facts.occurred_at_text(),
            "data": data,
        }))
    }
}

fn details(notice: &Notice, facts: &Facts<'_>, data: &mut Map<String, Value>) -> Result<(), RenderError> {
    match notice.happening {
        Happening::CodeShown(code) => {
            let text = match code.kind {
                CodeKind::Qr => facts.qr,
                CodeKind::Pairing => facts.pairing_code,
            };
            data.insert(
                match code.kind {
                    CodeKind::Qr => "qr",
                    CodeKind::Pairing => "pairing_code",
                }
                .into(),
                json!({
                    "attempt": code.attempt,
                    "index": code.index,
                    "text": text.ok_or(RenderError::NoCode)?,
                    "expires_at": rfc3339(code.expires_at),
                }),
            );
        }
        Happening::Linked | Happening::Open => {
            data.insert("device".into(), device(facts));
        }
        Happening::PairingRefused { code } | Happening::Lost { code } => {
            data.insert("code".into(), json!(code));
        }
        Happening::AttemptEnded { reason, code } => {
            data.insert("reason".into(), json!(end_word(reason)));
            data.insert("code".into(), json!(code));
        }
        Happening::Paused { reason, code } => {
            data.insert("reason".into(), json!(pause_word(reason)));
            data.insert("code".into(), json!(code));
        }
        Happening::LoggedOut { origin, code, .. } => {
            data.insert("origin".into(), json!(origin_word(origin)));
            data.insert("code".into(), json!(code));
        }
        Happening::Deleted { had_session } => {
            data.insert("had_session".into(), json!(had_session));
        }
        Happening::Created
        | Happening::Connecting
        | Happening::Opening
        | Happening::Unlinked
        | Happening::UnlinkAbandoned
        | Happening::TokenChanged
        | Happening::Switched { .. } => {}
    }
    Ok(())
}

fn device(facts: &Facts<'_>) -> Value {
    facts.device.map_or(Value::Null, |device| {
        json!({
            "jid": device.jid,
            "phone": device.phone,
            "push_name": device.push_name,
            "business_name": device.business_name,
            "picture_url": device.picture_url,
        })
    })
}

const fn end_word(reason: EndReasonV1) -> &'static str {
    match reason {
        EndReasonV1::Unreachable => "unreachable",
        EndReasonV1::CodesExhausted => "codes_exhausted",
        EndReasonV1::PairError => "pair_error",
        EndReasonV1::OwnerLost => "owner_lost",
        EndReasonV1::Expired => "expired",
        EndReasonV1::Cancelled => "cancelled",
        EndReasonV1::Replaced => "replaced",
        EndReasonV1::Refused => "refused",
    }
}

const fn pause_word(reason: PauseReasonV1) -> &'static str {
    match reason {
        PauseReasonV1::Asked => "asked",
        PauseReasonV1::Replaced => "replaced",
        PauseReasonV1::Banned => "banned",
        PauseReasonV1::Outdated => "outdated",
        PauseReasonV1::Refused => "refused",
    }
}

const fn origin_word(origin: LogoutOriginV1) -> &'static str {
    match origin {
        LogoutOriginV1::Command => "command",
        LogoutOriginV1::Phone => "phone",
        LogoutOriginV1::Server => "server",
        LogoutOriginV1::Delete => "delete",
    }
}
