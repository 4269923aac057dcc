//! The codes of problems: one table, which problems, their documentation and its anchors are made of.

use axum::http::StatusCode;

/// A row for each code: its name here, its status, its text and what it says.
macro_rules! codes {
    ($($name:ident, $status:ident, $text:literal, $meaning:literal;)+) => {
        /// A stable code, which programs compare.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $meaning] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The HTTP status that it comes with.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)+
                }
            }

            /// The text of `code`.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What it says, for the documentation.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)+
                }
            }
        }
    };
}

codes! {
    InvalidRequest, BAD_REQUEST, "invalid_request", "Something in the request is not as expected; `detail` says what.";
    InvalidCursor, BAD_REQUEST, "invalid_cursor", "The cursor is not one of this list: start again without it.";
    Unauthorized, UNAUTHORIZED, "unauthorized", "The token is missing, unknown or no longer the present one.";
    Forbidden, FORBIDDEN, "forbidden", "The token is valid and does not allow this.";
    GateClosed, FORBIDDEN, "gate_closed", "The token may not use the instance for messaging now; `X-Berth-Reason` says why in a word.";
    NotFound, NOT_FOUND, "not_found", "There is no such instance, account or webhook for this token.";
    UnknownRoute, NOT_FOUND, "unknown_route", "There is no such path.";
    NoLiveCode, NOT_FOUND, "no_live_code", "No QR code is shown at this moment: connect to get one.";
    MethodNotAllowed, METHOD_NOT_ALLOWED, "method_not_allowed", "The path has no such method.";
    NotAcceptable, NOT_ACCEPTABLE, "not_acceptable", "The answer has none of the forms that `Accept` names.";
    NoSession, CONFLICT, "no_session", "The instance has no session: connect and link a device first.";
    HasSession, CONFLICT, "has_session", "The instance has a session or an attempt: log it out first.";
    HasInstances, CONFLICT, "has_instances", "The account has instances: delete them first, or close it by force.";
    Banned, CONFLICT, "banned", "The number is banned until the moment that `pause.until` of the instance says.";
    OutOfPlace, CONFLICT, "out_of_place", "The state of the instance does not allow this.";
    NameTaken, CONFLICT, "name_taken", "Another instance or account has this name.";
    TokenTaken, CONFLICT, "token_taken", "The token is in use: choose another or leave it out.";
    AliasTaken, CONFLICT, "alias_taken", "Another instance of the account has this foreign id.";
    NumberTaken, CONFLICT, "number_taken", "No free number was found: try again.";
    StillLeaving, CONFLICT, "still_leaving", "An instance that had this name at the upstream is deleted, and its device is not unlinked there yet: wait until it is, a day at most, or choose another name.";
    TooManyWebhooks, CONFLICT, "too_many_webhooks", "The instance or account has as many webhooks as it may have.";
    WebhookOfAccount, CONFLICT, "webhook_of_account", "The webhook is the account's: it is changed and removed there.";
    Silent, CONFLICT, "silent", "The endpoint may be told nothing now; `detail` says why.";
    Changed, CONFLICT, "changed", "Somebody else changed it meanwhile: read it and try again.";
    ObservedOnly, CONFLICT, "observed_only", "The instance is on an upstream that is only observed: ask there, or have it driven.";
    UpstreamUnusable, BAD_GATEWAY, "upstream_unusable", "The upstream gave no answer that can be used; `detail` says what it was.";
    Exists, CONFLICT, "exists", "It exists already.";
    NotSimulated, CONFLICT, "not_simulated", "The devices of this deployment are real and play nothing.";
    NotSimulatable, CONFLICT, "not_simulatable", "The simulated device cannot play this now; `detail` says why.";
    UpgradeNeeded, CONFLICT, "upgrade_needed", "The deployment does not write formats yet that can say this: its operator has to run `berth upgrade`.";
    Deleted, GONE, "deleted", "The instance is deleted.";
    WebhookRemoved, GONE, "webhook_removed", "The webhook that a repeated request added or changed was removed since.";
    BodyTooLarge, PAYLOAD_TOO_LARGE, "body_too_large", "The body is larger than 1 MiB.";
    IdempotencyKeyReused, UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The key was used for another request.";
    WebhooksTooLarge, UNPROCESSABLE_ENTITY, "webhooks_too_large", "The webhooks of an instance have at most 16 KiB.";
    StateTooLarge, UNPROCESSABLE_ENTITY, "state_too_large", "Settings and webhooks are larger than allowed.";
    RateLimited, TOO_MANY_REQUESTS, "rate_limited", "Too many requests: wait for the seconds of `Retry-After`.";
    HistoryDamaged, INTERNAL_SERVER_ERROR, "history_damaged", "The last commit of the instance cannot be read; it refuses commands until an operator decides.";
    CodeTooLong, INTERNAL_SERVER_ERROR, "code_too_long", "The text of the code does not fit into a picture.";
    NotSignedYet, SERVICE_UNAVAILABLE, "not_signed_yet", "No signed checkpoint has it yet: ask again after `Retry-After`. `detail` says if there is trouble with the next one.";
    Unavailable, SERVICE_UNAVAILABLE, "unavailable", "A part of the service does not answer: send the same request again after `Retry-After`.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented() {
        let documented = include_str!("../../../../docs/api.md");
        for code in Code::ALL {
            let mut rows = documented.lines().filter(|line| line.starts_with("| "));
            let row = rows.find(|line| line.contains(&format!("`{}`", code.text())));
            let row = row.unwrap_or_else(|| panic!("docs/api.md does not have {}", code.text()));
            assert!(
                row.contains(code.status().as_str()),
                "docs/api.md has another status for {}",
                code.text()
            );
        }
    }
}
