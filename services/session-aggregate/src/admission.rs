//! Which sender may ask for what, and as whom.
//!
//! NATS decides who speaks on which subject, and a subject names its sender. So this table makes a request's own
//! words true: a connector that says "the account asked" is refused here, before anything is read or decided.
//! Whether that very account may touch that very instance is decided later, on the state.

use berth_proto::{
    command::Command,
    commit::PrincipalV1,
    frame::TargetV1,
    subject::{CommandSubject, Sender},
};
use thiserror::Error;

/// A request does not fit the subject that it came on. The same request never will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Misfit {
    /// The subject is not one of a command.
    #[error("the subject is not one of a command")]
    Subject,
    /// Partition or id are not those of what the request is for.
    #[error("the subject is of something else than the request is for")]
    Target,
    /// The sender asks for what it never does.
    #[error("the sender may not ask for this")]
    Command,
    /// The sender asks as somebody for whom it does not speak.
    #[error("the sender may not ask as this principal")]
    Principal,
}

/// As whom a sender asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    /// The operator, an account or an instance, whoever showed a key or token.
    Clients,
    /// An account, which its instances follow.
    Account,
    /// A service in its own name.
    Service,
}

/// Who may ask for something, and as whom.
type Senders = &'static [(Sender, As)];

const CLIENTS: Senders = &[(Sender::Client, As::Clients)];
const CLIENTS_AND_START: Senders = &[(Sender::Client, As::Clients), (Sender::Start, As::Service)];
const CLIENTS_AND_ACCOUNTS: Senders = &[(Sender::Client, As::Clients), (Sender::Clock, As::Account)];
const LINK: Senders = &[(Sender::Link, As::Service)];
const CLOCK: Senders = &[(Sender::Clock, As::Service)];
const DELIVERY: Senders = &[(Sender::Delivery, As::Service)];

impl Misfit {
    /// Every one, for the metric.
    pub(crate) const ALL: [Self; 4] = [Self::Subject, Self::Target, Self::Command, Self::Principal];

    /// Its name in the metric.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Target => "target",
            Self::Command => "command",
            Self::Principal => "principal",
        }
    }
}

/// Whether a request may come on a subject. `command` is what the target holds if that is an instance.
pub(crate) fn admit(
    subject: &str,
    principal: PrincipalV1,
    target: &TargetV1,
    command: Option<&Command>,
) -> Result<(), Misfit> {
    let subject: CommandSubject = subject.parse().map_err(|_| Misfit::Subject)?;
    if !subject.is_of(&target.stream()) {
        return Err(Misfit::Target);
    }
    let senders = match command {
        Some(command) => senders_of_command(command),
        None => senders_of_account_command(target),
    };
    let sender = subject.sender;
    let speaks_as = senders
        .iter()
        .find_map(|(one, speaks_as)| (*one == sender).then_some(*speaks_as))
        .ok_or(Misfit::Command)?;
    if !command.is_none_or(|command| is_in_its_words(sender, command)) {
        return Err(Misfit::Command);
    }
    if speaks_as.covers(principal) { Ok(()) } else { Err(Misfit::Principal) }
}

/// The table of what is asked of an instance.
const fn senders_of_command(command: &Command) -> Senders {
    match command {
        Command::CreateInstance(_)
        | Command::Connect(_)
        | Command::Reconnect(_)
        | Command::Restart(_)
        | Command::Disconnect(_)
        | Command::Logout(_)
        | Command::ReplaceWebhook(_)
        | Command::RotateWebhookSecret(_)
        | Command::RotateToken(_)
        | Command::ChangeSettings(_)
        | Command::Switch(_)
        | Command::Rename(_)
        | Command::Move(_) => CLIENTS,
        Command::Delete(_) | Command::ConfigureWebhook(_) | Command::RemoveWebhook(_) => CLIENTS_AND_ACCOUNTS,
        Command::DisableWebhook(_) => DELIVERY,
        Command::ReportQr(_)
        | Command::ReportPairingCode(_)
        | Command::ReportPairingCodeRefused(_)
        | Command::ReportAttemptEnded(_)
        | Command::ReportLinked(_)
        | Command::ReportOpen(_)
        | Command::ReportLost(_)
        | Command::ReportPaused(_)
        | Command::ReportLoggedOut(_)
        | Command::ReportUnlinked(_)
        | Command::ReportWebhookTaken(_)
        | Command::ReportWebhookGivenBack(_) => LINK,
        Command::ExpireAttempt(_)
        | Command::AbandonUnlink(_)
        | Command::EndBan(_)
        | Command::AbandonCreate(_) => CLOCK,
    }
}

/// The table of what is asked of an account.
const fn senders_of_account_command(target: &TargetV1) -> Senders {
    match target {
        TargetV1::CreateAccount { .. } | TargetV1::RotateAccountToken { .. } => CLIENTS_AND_START,
        TargetV1::CreateDescribedAccount { .. }
        | TargetV1::ChangeAccount { .. }
        | TargetV1::ConfigureAccountWebhook { .. }
        | TargetV1::ReplaceAccountWebhook { .. }
        | TargetV1::RotateAccountWebhookSecret { .. }
        | TargetV1::RemoveAccountWebhook { .. }
        | TargetV1::ChooseAccountUpstream { .. }
        | TargetV1::CloseAccount { .. } => CLIENTS,
        TargetV1::DisableAccountWebhook { .. } => DELIVERY,
        // Without a command that could be read nobody asks for anything.
        TargetV1::Instance { .. } => &[],
    }
}

/// Whether a command that several senders have is what this one says with it.
fn is_in_its_words(sender: Sender, command: &Command) -> bool {
    match (sender, command) {
        (Sender::Clock, Command::ConfigureWebhook(configure)) => configure.webhook.is_of_account(),
        (Sender::Link, Command::ReportWebhookTaken(taken)) => {
            taken.webhook.as_ref().is_none_or(|webhook| !webhook.is_of_account())
        }
        _ => true,
    }
}

// === impl As ===

impl As {
    const fn covers(self, principal: PrincipalV1) -> bool {
        match principal {
            PrincipalV1::Root | PrincipalV1::Instance { .. } => matches!(self, Self::Clients),
            PrincipalV1::Account { .. } => matches!(self, Self::Clients | Self::Account),
            PrincipalV1::Service => matches!(self, Self::Service),
        }
    }
}

#[cfg(test)]
mod tests;
