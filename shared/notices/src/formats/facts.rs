//! What a body may be made of: the opened values of one commit.

use berth_proto::{
    Timestamp,
    instance::{InstanceStateV1, PauseReasonV1, PhaseV1},
};
use jiff::{Timestamp as Moment, fmt::temporal::DateTimePrinter};
use serde_json::{Map, Value};

/// A linked device, opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Device {
    /// Its JID without the device part.
    pub jid: String,
    /// The digits of its phone number.
    pub phone: String,
    /// The person's name.
    pub push_name: Option<String>,
    /// The name of a business.
    pub business_name: Option<String>,
    /// The address of its picture.
    pub picture_url: Option<String>,
}

/// Everything that a body may be made of.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The instance as it was after the commit.
    pub state: &'a InstanceStateV1,
    /// Its name.
    pub name: &'a str,
    /// Its token; empty unless the format asked for it.
    pub token: &'a str,
    /// Its JWT after the commit; empty unless the format asked for it.
    pub jwt: &'a str,
    /// The device that is linked, or was last.
    pub device: Option<&'a Device>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The moment of this attempt.
    pub now: Timestamp,
    /// The QR text that is shown.
    pub qr: Option<&'a str>,
    /// The pairing code that is shown.
    pub pairing_code: Option<&'a str>,
    /// The options of the endpoint.
    pub options: &'a Map<String, Value>,
    /// The configured URL.
    pub url: &'a str,
    /// Where this deployment is reached; empty if it does not know.
    pub server_url: &'a str,
}

// === impl Facts ===

impl Facts<'_> {
    /// Whether an option is set to `true`.
    pub fn flag(&self, option: &str) -> bool {
        self.options.get(option) == Some(&Value::Bool(true))
    }

    /// The text of an option.
    pub fn text(&self, option: &str) -> Option<&str> {
        self.options.get(option).and_then(Value::as_str)
    }

    /// Whether a device is linked, stopped or not.
    pub const fn linked(&self) -> bool {
        matches!(self.state.phase, PhaseV1::Linked(_) | PhaseV1::Paused(_))
    }

    /// The JID of the device; empty if there never was one.
    pub fn jid(&self) -> &str {
        self.device.map_or("", |device| &device.jid)
    }

    /// When it happened, as RFC 3339 in UTC with milliseconds.
    pub fn occurred_at_text(&self) -> String {
        rfc3339(self.occurred_at)
    }
}

/// A moment as RFC 3339 in UTC with milliseconds.
pub fn rfc3339(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    PRINTER.timestamp_to_string(&Moment::from_microsecond(at.0).unwrap_or_default())
}

/// The code that a stop has in products on Baileys. It is the reason's, since WhatsApp's own number depends on the
/// release of its protocol; only a refusal is told apart by that number.
pub const fn pause_code(reason: PauseReasonV1, code: u16) -> u16 {
    match reason {
        PauseReasonV1::Asked => 428,
        PauseReasonV1::Replaced => 440,
        PauseReasonV1::Banned => 402,
        PauseReasonV1::Outdated => 405,
        PauseReasonV1::Refused if code == 0 => 403,
        PauseReasonV1::Refused => code,
    }
}
