//! The words of the native API that are closed lists, as the document has them.

use berth_domain::instance::STATE_WORDS;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{
    code::Code,
    routes::{AuditFileForm, RESULTS, STATES},
};
use crate::app::About;

/// A schema for each list.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $words:expr;)+) => {
        $(
            $(#[$doc])*
            pub(super) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new().schema_type(Type::String).enum_values(Some($words)).into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

words! {
    /// See [`berth_domain::instance::state_word`].
    State: STATE_WORDS;
    /// See [`berth_domain::instance::connection_word`].
    Connection: ["opening", "open", "lost"];
    /// What webhooks are told.
    Permission: ["open", "silent", "qr_only"];
    /// Why an instance is paused.
    PauseReason: ["asked", "replaced", "banned", "outdated", "refused"];
    /// What ended a session, a link or an attempt.
    EndCause: ["command", "phone", "server", "delete", "attempt", "pause"];
    /// What became of an unlink.
    UnlinkStatus: ["pending", "confirmed", "abandoned"];
    /// How far an erasure is.
    Erasing: ["pending", "done"];
    /// What an endpoint is told after a logout.
    Silence: ["silent", "all"];
    /// How a delivery stands.
    DeliveryState: STATES.iter().map(|(word, _)| *word);
    /// What came of an attempt.
    AttemptResult: RESULTS;
    /// Who sent a command.
    Sender: ["root", "account", "instance", "service"];
    /// What a command came to.
    Outcome: ["applied", "unchanged", "joined"];
    /// The codes of problems.
    ProblemCode: Code::ALL.iter().map(|code| code.text());
    /// What an event of the audit happened to.
    AuditAbout: About::ALL.iter().map(|about| about.word());
    /// The form of an answer to a search of the audit.
    AuditForm: AuditFileForm::WORDS;
    /// The products that can be upstreams.
    UpstreamKind: ["evolution"];
    /// What is done with an upstream.
    UpstreamMode: ["observe", "drive"];
    /// How an upstream is heard.
    UpstreamHear: ["poll", "socket"];
    /// What an adoption came to.
    AdoptionOutcome: ["adopted", "to_adopt", "present", "deleted_here", "refused"];
    /// Why an adoption is refused.
    AdoptionReason: ["name_taken", "token_taken", "still_leaving", "invalid_name", "invalid_token", "no_device"];
    /// What becomes of what an upstream told.
    Heard: ["hint", "relayed", "silenced"];
    /// What keeps the log.
    EngineKind: ["nats", "embedded"];
    /// Whose token it is.
    TokenOf: ["root", "account", "instance"];
}
