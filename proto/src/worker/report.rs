//! What a worker says of itself and of its runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    CAPACITY_MAX, CODE_BYTES_MAX, CONTRACTS_MAX, DEVICE_TEXT_BYTES_MAX, NAME_CHARS_MAX, Place, VALID_MS_MAX,
};

/// Who a worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Hello {
    /// The contracts that it knows; the highest that both know is the one that counts.
    #[cfg_attr(test, schema(min_items = 1, max_items = 16))]
    pub contracts: Vec<u32>,
    /// Its name: it has the keys of what it linked, so it must be the same at each start, and nobody else's.
    #[cfg_attr(test, schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$"))]
    pub worker: String,
    /// Made at random at each start of the process: tells a connection that comes back from another process with the
    /// same name.
    #[cfg_attr(test, schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$"))]
    pub process: String,
    /// Its WhatsApp library, such as `baileys`: one of those that the deployment was told of.
    #[cfg_attr(test, schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$"))]
    pub library: String,
    /// The version of that library.
    #[serde(default)]
    #[cfg_attr(test, schema(max_length = 64))]
    pub version: String,
    /// Links that it runs at once at most. Whoever has keys here is run beyond that.
    #[cfg_attr(test, schema(minimum = 1, maximum = 100_000))]
    pub capacity: u32,
}

/// A report on a run. The next one is sent when this one was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Said {
    /// The run, as it was told.
    #[serde(flatten)]
    pub place: Place,
    /// The number of the report within the run, which its answer repeats.
    pub number: u64,
    /// What happened.
    #[serde(flatten)]
    pub report: Report,
}

/// What happened, in WhatsApp's own codes; 0 where it gave none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// A QR code can be scanned.
    Qr {
        /// Its text. Never to be logged: whoever reads it can take over the pairing.
        #[cfg_attr(test, schema(min_length = 1, max_length = 4096))]
        text: String,
        /// How long it can be scanned.
        #[cfg_attr(test, schema(minimum = 1, maximum = 600_000))]
        valid_ms: u64,
    },
    /// A pairing code can be typed.
    PairingCode {
        /// Its eight characters.
        #[cfg_attr(test, schema(min_length = 1, max_length = 4096))]
        text: String,
        /// How long it can be typed.
        #[cfg_attr(test, schema(minimum = 1, maximum = 600_000))]
        valid_ms: u64,
    },
    /// WhatsApp gives no pairing code. QR codes may go on.
    PairingCodeRefused {
        /// 400, 403, 429, 452 or 500.
        code: u16,
        /// Seconds to wait before another try.
        #[serde(default)]
        backoff_seconds: u32,
    },
    /// The attempt is over without a device.
    AttemptEnded {
        /// Why.
        reason: AttemptEnd,
        /// WhatsApp's code.
        #[serde(default)]
        code: u16,
    },
    /// A device is linked, and its keys are saved.
    Linked {
        /// The device.
        device: Device,
    },
    /// The connection is open: the device is logged in.
    Open {},
    /// The connection is lost, and the worker opens it again by itself.
    Lost {
        /// WhatsApp's code.
        #[serde(default)]
        code: u16,
        /// What the library calls it; opaque.
        #[serde(default)]
        #[cfg_attr(test, schema(max_length = 1024))]
        source_code: String,
    },
    /// The person removed the device on the phone: a stream error 401 or 516.
    Removed {
        /// WhatsApp's code.
        code: u16,
    },
    /// WhatsApp refused the login: its `failure`. The worker does not try again.
    Refused {
        /// WhatsApp's code.
        code: u16,
        /// Why the number is banned, 101 to 106, with the code 402.
        #[serde(default)]
        ban_code: u16,
        /// For how many seconds more, with the code 402; 0 if it was not said.
        #[serde(default)]
        ban_seconds: u32,
    },
    /// Another connection took the session over. The worker does not try again.
    Replaced {},
    /// WhatsApp confirmed that the device is unlinked, or said 401 before it was asked.
    Unlinked {},
    /// It did not; a retry may help.
    UnlinkFailed {
        /// WhatsApp's code.
        #[serde(default)]
        code: u16,
        /// What the library calls it; opaque.
        #[serde(default)]
        #[cfg_attr(test, schema(max_length = 1024))]
        source_code: String,
    },
    /// The worker has no device of this attempt: none was linked, or its keys are gone.
    NoDevice {},
}

/// Why an attempt is over without a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// WhatsApp cannot be reached.
    Unreachable,
    /// All codes were shown and none was used.
    CodesExhausted,
    /// A wrong HMAC or signature at the end of pairing.
    PairError,
}

/// A linked device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Device {
    /// Its JID.
    #[cfg_attr(test, schema(min_length = 1, max_length = 1024))]
    pub jid: String,
    /// Its LID.
    #[cfg_attr(test, schema(max_length = 1024))]
    pub lid: Option<String>,
    /// The person's name.
    #[cfg_attr(test, schema(max_length = 1024))]
    pub push_name: Option<String>,
    /// The name of a business.
    #[cfg_attr(test, schema(max_length = 1024))]
    pub business_name: Option<String>,
    /// The address of its picture.
    #[cfg_attr(test, schema(max_length = 1024))]
    pub picture_url: Option<String>,
    /// The platform of the phone, such as `android`.
    #[serde(default)]
    #[cfg_attr(test, schema(max_length = 1024))]
    pub platform: String,
}

// === impl Hello ===

impl Hello {
    pub(super) fn is_bounded(&self) -> bool {
        let is_name = |text: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
        };
        (1..=CONTRACTS_MAX).contains(&self.contracts.len())
            && [&self.worker, &self.process, &self.library].into_iter().all(|name| is_name(name))
            && self.version.len() <= NAME_CHARS_MAX
            && (1..=CAPACITY_MAX).contains(&self.capacity)
    }
}

// === impl Report ===

impl Report {
    /// The words of all reports, in the order in which they are declared.
    pub const NAMES: [&str; 13] = [
        "qr",
        "pairing_code",
        "pairing_code_refused",
        "attempt_ended",
        "linked",
        "open",
        "lost",
        "removed",
        "refused",
        "replaced",
        "unlinked",
        "unlink_failed",
        "no_device",
    ];

    /// Its word, for logs: the report itself holds personal values.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Qr { .. } => "qr",
            Self::PairingCode { .. } => "pairing_code",
            Self::PairingCodeRefused { .. } => "pairing_code_refused",
            Self::AttemptEnded { .. } => "attempt_ended",
            Self::Linked { .. } => "linked",
            Self::Open {} => "open",
            Self::Lost { .. } => "lost",
            Self::Removed { .. } => "removed",
            Self::Refused { .. } => "refused",
            Self::Replaced {} => "replaced",
            Self::Unlinked {} => "unlinked",
            Self::UnlinkFailed { .. } => "unlink_failed",
            Self::NoDevice {} => "no_device",
        }
    }

    pub(super) fn is_bounded(&self) -> bool {
        match self {
            Self::Qr { text, valid_ms } | Self::PairingCode { text, valid_ms } => {
                (1..=CODE_BYTES_MAX).contains(&text.len()) && (1..=VALID_MS_MAX).contains(valid_ms)
            }
            Self::Linked { device } => device.is_bounded(),
            Self::Lost { source_code, .. } | Self::UnlinkFailed { source_code, .. } => {
                source_code.len() <= DEVICE_TEXT_BYTES_MAX
            }
            Self::PairingCodeRefused { .. }
            | Self::AttemptEnded { .. }
            | Self::Open {}
            | Self::Removed { .. }
            | Self::Refused { .. }
            | Self::Replaced {}
            | Self::Unlinked {}
            | Self::NoDevice {} => true,
        }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Device ===

impl Device {
    fn is_bounded(&self) -> bool {
        let given = [&self.lid, &self.push_name, &self.business_name, &self.picture_url];
        let texts = given.into_iter().flatten().chain([&self.jid, &self.platform]);
        !self.jid.is_empty() && texts.into_iter().all(|text| text.len() <= DEVICE_TEXT_BYTES_MAX)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("platform", &self.platform).finish_non_exhaustive()
    }
}
