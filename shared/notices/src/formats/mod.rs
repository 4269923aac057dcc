//! The formats of notices: what an endpoint is told, in whose words and in which body.
//!
//! Each format is one file that knows no other. [`WebhookV1::format`](berth_proto::instance::WebhookV1)
//! chooses it; `events` filters by the format's own names (an unknown name matches nothing, so `["none"]` is
//! an endpoint that is told nothing), and `options` is a sealed JSON object with the keys listed here:
//!
//! `codechat` reads the settings block of its own name beside the options (`external_id` text, `active` bool), and
//! `codechat.business` is the same for the endpoint of an account, which is told of all of its instances. `evolution-go` reads the
//! block of its own name too (`instance_id` text).
//!
//! | format | names in `events` | keys of `options` |
//! | --- | --- | --- |
//! | `native` | `instance.open` …, or `instance.*` | none |
//! | `evolution` | `CONNECTION_UPDATE` … | `by_events` bool, `base64` bool, `jwt_key` text |
//! | `evolution-go` | `CONNECTION`, `QRCODE` | `token_in_body` bool |
//! | `ryze` | `instance.state` | `by_events` bool, `token_in_body` bool |
//! | `codechat`, `codechat.business` | flags: `connectionUpdate`, `qrcodeUpdate`, `stateInstance`, `newJwt` | `business_name` text |
//! | `mega` | `connection_update`, `qrcode_update` | none |
//! | `green` | `stateInstanceChanged`, `statusInstanceChanged` | `state_webhook` bool: `false` sends nothing |

mod codechat;
mod evolution;
mod evolution_go;
mod facts;
mod green;
mod mega;
mod native;
mod ryze;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use thiserror::Error;

pub use evolution::{RELAYING_FORMAT, RELAYING_LABEL, disconnection_object, relayed, relayed_filter};
pub use facts::{Device, Facts, pause_code, rfc3339};

use crate::{
    derive::{Happening, Notice},
    qr_code::QrCodeError,
};

/// What a notice is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// As it stands in the body.
    pub event: &'static str,
    /// As it stands in an endpoint's filter.
    pub filter: &'static str,
}

/// A body and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The exact bytes that are signed and sent.
    pub body: Vec<u8>,
    /// Headers of the format.
    pub headers: Vec<(&'static str, String)>,
    /// What the configured URL gets besides.
    pub suffix: UrlSuffix,
    /// An `Authorization` value that replaces the configured one.
    pub authorization: Option<String>,
}

/// What a format adds to the URL of an endpoint that wants its events told apart by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UrlSuffix {
    /// Nothing.
    #[default]
    None,
    /// At the very end, behind a query too.
    End(String),
    /// At the end of the path, before a query.
    Path(String),
}

/// A body could not be made. A retry does not help.
#[derive(Debug, Error)]
pub enum RenderError {
    /// It cannot be written as JSON.
    #[error("the body cannot be written")]
    Json(#[from] serde_json::Error),
    /// The code is too long for a QR picture.
    #[error("the code cannot be drawn")]
    Image(#[from] QrCodeError),
    /// A code is to be told and its text is gone.
    #[error("the text of the code is gone")]
    NoCode,
}

/// What counts as delivered, and when a failed attempt is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryRule {
    /// Any 2xx; the schedule of the deployment.
    Standard,
    /// GREEN-API's: only 200, 180 s to answer, every 60 s for 24 h.
    GreenApi,
}

/// A format.
pub trait Format: fmt::Debug + Send + Sync {
    /// Its name in `WebhookV1::format`.
    fn name(&self) -> &'static str;

    /// What is said of a happening, in order.
    fn words(&self, happening: &Happening) -> Vec<Word>;

    /// The body of a notice.
    fn render(&self, notice: &Notice, facts: &Facts<'_>) -> Result<Rendered, RenderError>;

    /// How the configured authorization value is sent.
    fn authorization(&self, value: &str) -> String {
        value.to_owned()
    }

    /// When to repeat.
    fn retry_rule(&self) -> RetryRule {
        RetryRule::Standard
    }

    /// Whether an endpoint without a URL keeps its notices until somebody fetches them.
    fn pulled(&self) -> bool {
        false
    }

    /// The owner of the instance's settings block whose keys stand beside the options; a key of both is the
    /// block's.
    fn settings(&self) -> Option<&'static str> {
        None
    }

    /// Whether the body shows the instance's token, so that it must be opened.
    fn needs_token(&self, options: &serde_json::Map<String, serde_json::Value>) -> bool {
        let _ = options;
        false
    }

    /// Whether the body of the notice shows the instance's JWT, so that it must be made.
    fn needs_jwt(&self, notice: &Notice) -> bool {
        let _ = notice;
        false
    }

    /// Whether the options forbid sending at all.
    fn muted(&self, options: &serde_json::Map<String, serde_json::Value>) -> bool {
        let _ = options;
        false
    }
}

/// The format of the native API, whose filters may have wildcards.
pub const NATIVE: &str = "native";

/// The format of the Evolution Go dialect, which releases before write version 3 do not know.
pub const EVOLUTION_GO: &str = "evolution-go";

/// The format of CodeChat's bodies at the webhook of a business, which is told of all instances of its account.
pub const CODECHAT_BUSINESS: &str = "codechat.business";

/// The formats that whoever adds an endpoint may choose. The one that a business webhook has is none of them.
pub const CHOICES: [&str; 7] = [NATIVE, "evolution", "ryze", "codechat", "mega", "green", EVOLUTION_GO];

/// What an endpoint of an account is told of endpoints besides, in the native format.
pub const ENDPOINT_EVENTS: [&str; 4] =
    ["endpoint.failing", "endpoint.exhausted", "endpoint.disabled", "endpoint.recovered"];

/// Every format.
static ALL: [&'static dyn Format; 8] = [
    &native::Native,
    &evolution::Evolution,
    &evolution_go::EvolutionGo,
    &ryze::Ryze,
    &codechat::CodeChat { name: "codechat" },
    &codechat::CodeChat { name: CODECHAT_BUSINESS },
    &mega::Mega,
    &green::GreenApi,
];

/// The format with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Format> {
    ALL.into_iter().find(|format| format.name() == name)
}

/// Whether an entry of an endpoint's filter names an event: as it is called, or in the native format by how it begins, with
/// `*` for the rest.
pub fn names(format: &str, entry: &str, event: &str) -> bool {
    let begins = |start| format == NATIVE && event.starts_with(start);
    entry == event || entry.strip_suffix('*').is_some_and(begins)
}

/// Whether an endpoint of this format may be enabled without a URL: its notices wait to be fetched.
pub fn is_pulled(format: &str) -> bool {
    by_name(format).is_some_and(Format::pulled)
}

/// The names that an endpoint's filter may use in this format, in the order of a session's life.
pub fn event_names(format: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    if let Some(format) = by_name(format) {
        for happening in every_happening() {
            for word in format.words(&happening) {
                if !names.contains(&word.filter) {
                    names.push(word.filter);
                }
            }
        }
    }
    names
}

// === impl UrlSuffix ===

impl UrlSuffix {
    /// The URL to send to.
    pub fn on(&self, configured: &str) -> String {
        match self {
            Self::None => configured.to_owned(),
            Self::End(suffix) => format!("{configured}{suffix}"),
            Self::Path(suffix) => {
                let (path, query) = configured.split_at(configured.find('?').unwrap_or(configured.len()));
                format!("{path}{suffix}{query}")
            }
        }
    }
}

// === impl Rendered ===

impl Rendered {
    fn json(body: &impl Serialize) -> Result<Self, RenderError> {
        Ok(Self {
            body: serde_json::to_vec(body)?,
            headers: Vec::new(),
            suffix: UrlSuffix::None,
            authorization: None,
        })
    }
}

fn every_happening() -> Vec<Happening> {
    use berth_proto::{
        Timestamp,
        event::{EndReasonV1, LogoutOriginV1},
        instance::PauseReasonV1,
    };

    use crate::derive::{Code, CodeKind};

    let code = |kind| Happening::CodeShown(Code { kind, attempt: 1, index: 1, expires_at: Timestamp(0) });
    vec![
        Happening::Created,
        Happening::Connecting,
        code(CodeKind::Qr),
        code(CodeKind::Pairing),
        Happening::PairingRefused { code: 0 },
        Happening::AttemptEnded { reason: EndReasonV1::CodesExhausted, code: 0 },
        Happening::AttemptEnded { reason: EndReasonV1::Unreachable, code: 0 },
        Happening::Linked,
        Happening::Opening,
        Happening::Open,
        Happening::Lost { code: 0 },
        Happening::Paused { reason: PauseReasonV1::Asked, code: 0 },
        Happening::Paused { reason: PauseReasonV1::Banned, code: 0 },
        Happening::LoggedOut { session: 1, origin: LogoutOriginV1::Command, code: 401 },
        Happening::Unlinked,
        Happening::UnlinkAbandoned,
        Happening::TokenChanged,
        Happening::Switched { on: true },
        Happening::Deleted { had_session: true },
    ]
}
