//! Who asked for a command: where the answer goes, and what is counted of it.

use berth_bus::Replier;
use berth_proto::{
    codec::encode,
    command::Command,
    commit::OutcomeCodeV1,
    frame::{CommandReplyV1, TargetV1},
};
use berth_runtime::telemetry::traces::Span;
use bytes::Bytes;
use tokio::time::Instant;
use tracing::{debug, error};

use crate::metrics;

/// Waits for the answer to one command.
#[derive(Debug)]
pub(crate) struct Asker {
    to: Replier,
    command: &'static str,
    since: Instant,
    span: Option<Span>,
}

// === impl Asker ===

impl Asker {
    /// Somebody who asked just now; what for is not known yet.
    pub(crate) fn new(to: Replier) -> Self {
        Self { to, command: "unknown", since: Instant::now(), span: None }
    }

    /// The same, who asked for this.
    pub(crate) fn of(self, target: &TargetV1) -> Self {
        Self { command: name(target), ..self }
    }

    /// The same, whose answer ends this piece of a trace.
    pub(crate) fn traced(self, span: Span) -> Self {
        Self { span: Some(span), ..self }
    }

    /// The name of what is asked for.
    pub(crate) const fn command(&self) -> &'static str {
        self.command
    }

    /// Sends the answer and counts it.
    pub(crate) fn answer(mut self, reply: &CommandReplyV1) {
        let outcome = match reply {
            CommandReplyV1::Accepted(accepted) if accepted.replayed => "replayed",
            CommandReplyV1::Accepted(accepted) if accepted.outcome.code == OutcomeCodeV1::Unchanged => {
                "unchanged"
            }
            CommandReplyV1::Accepted(_) => "applied",
            CommandReplyV1::Rejected(_) => "rejected",
            CommandReplyV1::Unavailable { reason } | CommandReplyV1::NoRoom { reason } => {
                debug!(command = self.command, reason, "a command was not decided");
                "unavailable"
            }
        };
        metrics::command(self.command, outcome, self.since.elapsed());
        if let Some(span) = &mut self.span {
            span.say("berth.outcome", outcome);
            if outcome == "unavailable" {
                span.fail();
            }
        }
        match encode(reply) {
            Ok(bytes) => self.to.send(Bytes::from(bytes)),
            Err(error) => error!(%error, "a reply could not be encoded: the asker runs into its time-out"),
        }
    }
}

/// The name of what is asked for: one of a closed list.
fn name(target: &TargetV1) -> &'static str {
    match target {
        TargetV1::CreateAccount { .. } | TargetV1::CreateDescribedAccount { .. } => "CreateAccount",
        TargetV1::RotateAccountToken { .. } => "RotateAccountToken",
        TargetV1::ChangeAccount { .. } => "ChangeAccount",
        TargetV1::ConfigureAccountWebhook { .. } => "ConfigureAccountWebhook",
        TargetV1::ReplaceAccountWebhook { .. } => "ReplaceAccountWebhook",
        TargetV1::RotateAccountWebhookSecret { .. } => "RotateAccountWebhookSecret",
        TargetV1::RemoveAccountWebhook { .. } => "RemoveAccountWebhook",
        TargetV1::DisableAccountWebhook { .. } => "DisableAccountWebhook",
        TargetV1::CloseAccount { .. } => "CloseAccount",
        TargetV1::ChooseAccountUpstream { .. } => "ChooseAccountUpstream",
        TargetV1::Instance { command, .. } => {
            let known = Command::TABLE.iter().find(|(_, type_id)| *type_id == command.type_id);
            known.map_or("unknown", |(name, _)| *name)
        }
    }
}
