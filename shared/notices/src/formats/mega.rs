//! Mega API: flat objects told apart by `messageType`.

use serde_json::{Map, json};

use super::{Facts, Format, RenderError, Rendered, Word};
use crate::{
    derive::{CodeKind, Happening, Notice},
    qr_code::{Shape, png_data_url},
};

const CONNECTION: Word = Word { event: "connection_update", filter: "connection_update" };
const QRCODE: Word = Word { event: "qrcode_update", filter: "qrcode_update" };

/// See the module.
#[derive(Debug)]
pub(super) struct Mega;

impl Format for Mega {
    fn name(&self) -> &'static str {
        "mega"
    }

    fn words(&self, happening: &Happening) -> Vec<Word> {
        match happening {
            Happening::CodeShown(code) if code.kind == CodeKind::Qr => vec![QRCODE],
            Happening::Open | Happening::Paused { .. } | Happening::LoggedOut { .. } => vec![CONNECTION],
            Happening::CodeShown(_)
            | Happening::Created
            | Happening::Connecting
            | Happening::PairingRefused { .. }
            | Happening::AttemptEnded { .. }
            | Happening::Linked
            | Happening::Opening
            | Happening::Lost { .. }
            | Happening::Unlinked
            | Happening::UnlinkAbandoned
            | Happening::TokenChanged
            | Happening::Switched { .. }
            | Happening::Deleted { .. } => Vec::new(),
        }
    }

    fn render(&self, notice: &Notice, facts: &Facts<'_>) -> Result<Rendered, RenderError> {
        let mut body = Map::new();
        body.insert("instance_key".into(), json!(facts.name));
        if notice.word.event == QRCODE.event {
            let shape = Shape { margin_modules: 4, module_pixels: 4, dark: [0, 0, 0] };
            body.insert("jid".into(), json!(""));
            body.insert("messageType".into(), json!(QRCODE.event));
            body.insert("qrcode".into(), json!(png_data_url(facts.qr.ok_or(RenderError::NoCode)?, shape)?));
            return Rendered::json(&body);
        }
        let open = matches!(notice.happening, Happening::Open);
        body.insert("jid".into(), json!(facts.jid()));
        body.insert("messageType".into(), json!(CONNECTION.event));
        body.insert("message".into(), json!(if open { "phone_connected" } else { "phone_disconnected" }));
        if open && let Some(push_name) = facts.device.and_then(|device| device.push_name.as_deref()) {
            body.insert("pushName".into(), json!(push_name));
        }
        Rendered::json(&body)
    }
}
