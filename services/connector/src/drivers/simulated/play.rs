//! What the simulated driver can be told.
//!
//! | action | arguments | when |
//! | --- | --- | --- |
//! | `scan` | `phone`, `push_name`, `business_name` | a QR code is shown |
//! | `enter_code` | the same | a pairing code is shown |
//! | `pair_error` | | an attempt runs |
//! | `logout_from_phone` | | the connection is open, or lost: it is then learned at the return |
//! | `logout_from_server` | | the connection is open |
//! | `drop` | `returns` (default true) | the connection is open |
//! | `return` | | the connection is lost |
//! | `ban` | `seconds` (default 3600) | the connection is open |
//! | `replace`, `outdated`, `refuse` | | the connection is open |
//! | `never_show_code`, `unlink_timeout`, `confirm_unlink_twice` | | at any time, until `heal` |
//! | `refuse_pairing_code` | `code` (400, 403, 429, 452 or 500; default 429) | at any time, until `heal` |
//! | `fail_unlink` | `times` (default 1) | at any time |
//! | `heal` | | at any time |
//!
//! Without a `phone` the number is made from the instance's id, or is the one that the code was asked for.

use serde_json::Value;
use tokio::sync::oneshot;

use super::faults::Arm;
use crate::simulate::Refused;

/// Every action, for the text of an error.
const ACTIONS: &str = "scan, enter_code, pair_error, logout_from_phone, logout_from_server, drop, return, ban, \
                       replace, outdated, refuse, never_show_code, refuse_pairing_code, fail_unlink, \
                       unlink_timeout, confirm_unlink_twice, heal";
/// The codes with which WhatsApp refuses pairing codes.
const PAIRING_REFUSED: [u16; 5] = [400, 403, 429, 452, 500];
/// The one that is played if the request does not say.
const PAIRING_REFUSED_DEFAULT: i64 = 429;
/// How long a ban lasts if the request does not say.
const BAN_SECONDS_DEFAULT: i64 = 3_600;
/// The longest ban.
const BAN_SECONDS_MAX: i64 = 31 * 24 * 3_600;

/// Where a play is answered: when what it brings about is decided.
pub(super) type Reply = oneshot::Sender<Result<(), Refused>>;

/// A play that is being reported and that ends the link: whoever plays is told that it is done when this is
/// dropped. The owner ends the link as soon as the report is in the log, perhaps before the report returns here.
#[derive(Debug)]
pub(super) struct Done(Option<Reply>);

impl Done {
    pub(super) const fn when_dropped(reply: Reply) -> Self {
        Self(Some(reply))
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(reply) = self.0.take() {
            let _gone = reply.send(Ok(()));
        }
    }
}

/// A play on its way to a link.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) action: Action,
    pub(super) reply: Reply,
}

/// The person whose phone scans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Person {
    pub(super) phone: Option<String>,
    pub(super) push_name: Option<String>,
    pub(super) business_name: Option<String>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Scan(Person),
    EnterCode(Person),
    PairError,
    LogoutFromPhone,
    LogoutFromServer,
    Drop { returns: bool },
    Return,
    Ban { seconds: i64 },
    Replace,
    Outdated,
    Refuse,
    Arm(Arm),
}

impl Action {
    pub(super) fn read(request: &Value) -> Result<Self, Refused> {
        let text = |name: &str| request.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str, default: i64, max: i64| {
            request.get(name).map_or(Some(default), Value::as_i64).filter(|value| (1..=max).contains(value))
        };
        let person = || {
            let phone = text("phone");
            let digits = |phone: &String| {
                phone.bytes().all(|byte| byte.is_ascii_digit()) && (7..=15).contains(&phone.len())
            };
            if phone.as_ref().is_some_and(|phone| !digits(phone)) {
                return Err(invalid("`phone`: 7 to 15 digits are expected.".to_owned()));
            }
            Ok(Person { phone, push_name: text("push_name"), business_name: text("business_name") })
        };
        Ok(match text("action").as_deref().unwrap_or_default() {
            "scan" => Self::Scan(person()?),
            "enter_code" => Self::EnterCode(person()?),
            "pair_error" => Self::PairError,
            "logout_from_phone" => Self::LogoutFromPhone,
            "logout_from_server" => Self::LogoutFromServer,
            "drop" => Self::Drop {
                returns: request
                    .get("returns")
                    .map_or(Some(true), Value::as_bool)
                    .ok_or_else(|| invalid("`returns`: true or false is expected.".to_owned()))?,
            },
            "return" => Self::Return,
            "ban" => Self::Ban {
                seconds: number("seconds", BAN_SECONDS_DEFAULT, BAN_SECONDS_MAX)
                    .ok_or_else(|| invalid("`seconds`: 1 to 2678400 is expected.".to_owned()))?,
            },
            "replace" => Self::Replace,
            "outdated" => Self::Outdated,
            "refuse" => Self::Refuse,
            "never_show_code" => Self::Arm(Arm::NoCode),
            "refuse_pairing_code" => {
                let code = number("code", PAIRING_REFUSED_DEFAULT, 999);
                let code = code.and_then(|code| u16::try_from(code).ok());
                let code = code.filter(|code| PAIRING_REFUSED.contains(code));
                Self::Arm(Arm::RefusePairing(
                    code.ok_or_else(|| invalid("`code`: 400, 403, 429, 452 or 500 is expected.".to_owned()))?,
                ))
            }
            "fail_unlink" => {
                let times = number("times", 1, 1_000).and_then(|times| u32::try_from(times).ok());
                Self::Arm(Arm::FailUnlinks(
                    times.ok_or_else(|| invalid("`times`: 1 to 1000 is expected.".to_owned()))?,
                ))
            }
            "unlink_timeout" => Self::Arm(Arm::HangUnlinks),
            "confirm_unlink_twice" => Self::Arm(Arm::ConfirmUnlinkTwice),
            "heal" => Self::Arm(Arm::Heal),
            _ => return Err(invalid(format!("`action`: one of {ACTIONS} is expected."))),
        })
    }
}

fn invalid(message: String) -> Refused {
    Refused { code: "invalid_request", message }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const DOCUMENTATION: &str = include_str!("../../../../../docs/device-links.md");

    fn read(request: &Value) -> Result<Action, String> {
        Action::read(request).map_err(|refused| {
            assert_eq!(refused.code, "invalid_request");
            refused.message
        })
    }

    #[test]
    fn every_action_is_read_and_documented() {
        for action in ACTIONS.split(", ") {
            assert!(read(&json!({ "action": action })).is_ok(), "{action}");
            assert!(DOCUMENTATION.contains(&format!("`{action}`")), "{action} is not documented");
        }
    }

    #[test]
    fn arguments_have_defaults() {
        assert_eq!(read(&json!({"action": "scan"})), Ok(Action::Scan(Person::default())));
        assert_eq!(read(&json!({"action": "scan", "phone": null})), Ok(Action::Scan(Person::default())));
        assert_eq!(read(&json!({"action": "drop"})), Ok(Action::Drop { returns: true }));
        assert_eq!(read(&json!({"action": "ban"})), Ok(Action::Ban { seconds: 3_600 }));
        assert_eq!(read(&json!({"action": "fail_unlink"})), Ok(Action::Arm(Arm::FailUnlinks(1))));
        let refused = read(&json!({"action": "refuse_pairing_code"}));
        assert_eq!(refused, Ok(Action::Arm(Arm::RefusePairing(429))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (request, named) in [
            (json!({}), "`action`"),
            (json!({"action": "Scan"}), "`action`"),
            (json!([]), "`action`"),
            (json!({"action": "scan", "phone": "+5511987654321"}), "`phone`"),
            (json!({"action": "enter_code", "phone": "123456"}), "`phone`"),
            (json!({"action": "ban", "seconds": 0}), "`seconds`"),
            (json!({"action": "ban", "seconds": 2_678_401}), "`seconds`"),
            (json!({"action": "drop", "returns": "no"}), "`returns`"),
            (json!({"action": "refuse_pairing_code", "code": 404}), "`code`"),
            (json!({"action": "fail_unlink", "times": 1.5}), "`times`"),
        ] {
            assert!(read(&request).unwrap_err().starts_with(named), "{request}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_is_bounded(
            action in prop::sample::select(ACTIONS.split(", ").collect::<Vec<_>>()),
            number in any::<i64>(),
            text in ".{0,20}",
        ) {
            let request = json!({
                "action": action, "phone": text, "seconds": number, "times": number, "code": number,
            });
            match read(&request) {
                Ok(Action::Ban { seconds }) => prop_assert!((1..=BAN_SECONDS_MAX).contains(&seconds)),
                Ok(Action::Arm(Arm::FailUnlinks(times))) => prop_assert!((1..=1_000).contains(&times)),
                Ok(Action::Arm(Arm::RefusePairing(code))) => prop_assert!(PAIRING_REFUSED.contains(&code)),
                Ok(Action::Scan(person) | Action::EnterCode(person)) => {
                    let phone = person.phone.unwrap();
                    prop_assert!(phone.len() >= 7 && phone.bytes().all(|byte| byte.is_ascii_digit()));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
}
