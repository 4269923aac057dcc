//! The contract between the connector and a worker: a process with a WhatsApp library that is the device link.
//!
//! One JSON object a message, told apart by `kind`. A worker says hello, is welcomed under a contract that both know, and
//! is then told which links to run; what happens on them it reports, one report of a run at a time, each answered by what
//! to do next. The worker says what WhatsApp said; what that comes to is decided here, as is everything that must be
//! ordered, sealed, fenced off or repeated.
//!
//! A field that the reader does not know is ignored, a kind that it does not know is refused. Numbers stay below 2^53,
//! since many languages have no others. The document that is generated of this is `worker/asyncapi.json`.

#[cfg(test)]
mod document;
mod orders;
mod report;
mod stands;

pub use orders::{Answer, Next, Place, Refusal, RefusalCode, Run, Start, ToWorker, Welcome};
pub use report::{AttemptEnd, Device, Hello, Report, Said};
pub use stands::Stands;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The contract that is described here.
pub const CONTRACT: u32 = 1;
/// Where a worker connects to, on the listener of a connector.
pub const PATH: &str = "/workers/v1";
/// Bytes of a message.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Characters of the name of a worker, a process and a library.
pub const NAME_CHARS_MAX: usize = 64;
/// Links that a worker may offer to run at once.
pub const CAPACITY_MAX: u32 = 100_000;
/// Bytes of the text of a code.
pub const CODE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of each text about a device.
pub const DEVICE_TEXT_BYTES_MAX: usize = 1024;
/// How long a code may be said to be valid, in milliseconds.
pub const VALID_MS_MAX: u64 = 10 * 60 * 1000;
/// Contracts that a worker may offer.
const CONTRACTS_MAX: usize = 16;

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FromWorker {
    /// Who it is; its first message.
    Hello(Hello),
    /// It is alive: to be said as often as [`Welcome::heartbeat_ms`] says.
    Heartbeat {},
    /// Something happened on a run.
    Report(Said),
}

/// A message that is none. Whoever sent it is sent away; a retry does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MessageError {
    /// It has more bytes than [`MESSAGE_BYTES_MAX`].
    #[error("a message has more than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    /// It is no JSON object with a `kind`.
    #[error("a message is a JSON object with a `kind`")]
    Malformed,
    /// This contract has no such kind, of a message or of a report.
    #[error("this contract has no such kind of message or report")]
    UnknownKind,
    /// A field of it is missing or is not what it must be.
    #[error("a field of a message is missing or out of its bounds")]
    Invalid,
}

/// What must be known of a message before all of it can be read.
#[derive(Deserialize)]
struct Kind {
    kind: String,
    report: Option<String>,
}

impl FromWorker {
    /// Reads a message and checks its bounds. An error says nothing of what it holds, which may be a secret.
    pub fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(MessageError::TooLong);
        }
        let Kind { kind, report } = serde_json::from_slice(bytes).map_err(|_| MessageError::Malformed)?;
        let is_known = match kind.as_str() {
            "hello" | "heartbeat" => true,
            "report" => report.is_none_or(|report| Report::NAMES.contains(&report.as_str())),
            _ => false,
        };
        if !is_known {
            return Err(MessageError::UnknownKind);
        }
        let message: Self = serde_json::from_slice(bytes).map_err(|_| MessageError::Invalid)?;
        let is_bounded = match &message {
            Self::Hello(hello) => hello.is_bounded(),
            Self::Heartbeat {} => true,
            Self::Report(said) => said.report.is_bounded(),
        };
        if is_bounded { Ok(message) } else { Err(MessageError::Invalid) }
    }
}

impl ToWorker {
    /// The message as it is sent.
    pub fn write(&self) -> String {
        // Of texts, numbers and ids: nothing in it can fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstanceId;

    const PLACE: &str = r#""run":7,"instance":"000000000000000000000000g0","attempt":1,"epoch":3,"number":1"#;

    fn report(rest: &str) -> Result<FromWorker, MessageError> {
        FromWorker::read(format!(r#"{{"kind":"report",{PLACE},{rest}}}"#).as_bytes())
    }

    #[test]
    fn a_message_is_read_whatever_else_it_says() {
        let said = report(r#""report":"qr","text":"2@ref","valid_ms":60000,"colour":"green""#).unwrap();
        let FromWorker::Report(Said { place, number, report }) = said else { panic!("no report") };
        assert_eq!((place.run, place.attempt, place.epoch, number), (7, 1, 3, 1));
        assert_eq!(place.instance.to_string(), "000000000000000000000000g0");
        assert_eq!(report, Report::Qr { text: "2@ref".to_owned(), valid_ms: 60_000 });
        for bare in ["open", "replaced", "unlinked", "no_device", "lost", "unlink_failed"] {
            assert!(report_of(bare).is_ok(), "{bare}");
        }
    }

    fn report_of(name: &str) -> Result<FromWorker, MessageError> {
        report(&format!(r#""report":"{name}""#))
    }

    #[test]
    fn what_is_unknown_malformed_or_out_of_bounds_is_refused() {
        let read = |text: &str| FromWorker::read(text.as_bytes());
        assert_eq!(read("[]"), Err(MessageError::Malformed));
        assert_eq!(read(r#"{"run":1}"#), Err(MessageError::Malformed));
        assert_eq!(read(r#"{"kind":"dance"}"#), Err(MessageError::UnknownKind));
        assert_eq!(report_of("danced"), Err(MessageError::UnknownKind));
        assert_eq!(report_of("qr"), Err(MessageError::Invalid), "without its text");
        assert_eq!(read(r#"{"kind":"report","report":"open"}"#), Err(MessageError::Invalid));
        let long = "x".repeat(CODE_BYTES_MAX + 1);
        let qr = |text: &str, ms: u64| report(&format!(r#""report":"qr","text":"{text}","valid_ms":{ms}"#));
        assert_eq!(qr(&long, 1), Err(MessageError::Invalid));
        assert_eq!(qr("", 1), Err(MessageError::Invalid));
        assert_eq!(qr("x", VALID_MS_MAX + 1), Err(MessageError::Invalid));
        assert_eq!(qr(&"x".repeat(1 << 20), 1), Err(MessageError::TooLong));
        let hello = |name: &str, capacity: u32| {
            read(&format!(
                r#"{{"kind":"hello","contracts":[1],"worker":"{name}","process":"p","library":"baileys","capacity":{capacity}}}"#
            ))
        };
        assert!(hello("w-1.a_b", 1).is_ok());
        for (name, capacity) in [("", 1), ("a b", 1), ("w", 0), ("w", CAPACITY_MAX + 1), (&*long, 1)] {
            assert_eq!(hello(name, capacity), Err(MessageError::Invalid), "{name} {capacity}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?}", report(r#""report":"qr","text":"2@secret","valid_ms":1"#).unwrap());
        assert!(!shown.contains("secret"), "{shown}");
        let device = r#""report":"linked","device":{"jid":"5511@s.whatsapp.net","platform":"android"}"#;
        let shown = format!("{:?}", report(device).unwrap());
        assert!(!shown.contains("5511"), "{shown}");
        let place = Place { run: 1, instance: InstanceId::from_bytes([1; 16]), attempt: 1, epoch: 1 };
        let run = ToWorker::Run(Run { place, start: Start::Code { phone: "5511".to_owned() } });
        assert!(!format!("{run:?}").contains("5511"));
        assert!(run.write().contains("5511"));
    }
}
