//! Permission: an instance as the log has it at this moment, and what the gate says of a notice on it.

use std::time::Duration;

use berth_bus::{KeyRingError, PostbagError, VolatileError};
use berth_domain::instance::{NoticeClass, Verdict};
use berth_log::{ReadError, Rehydrated, StateError, Stored, Tail, decode_commit, decode_state, rehydrate};
use berth_notices::{
    derive::Step,
    gate::{Occasion, gate},
};
use berth_proto::{
    AccountId, DecodeError, EndpointId, InstanceId, StreamKey, account::AccountStateV3,
    delivery::NoticeKeyV1, instance::WebhookV1,
};
use serde::Serialize;
use thiserror::Error;
use tokio::time::Instant;

use super::attempt::Tools;
use crate::{
    attempts::AttemptsError,
    outbox::{CommitStands, Owed},
};

/// Sending begins within this time of the read that allowed it, or the log is read again (R1).
pub(super) const GATE_FRESH_MAX: Duration = Duration::from_secs(1);

/// A fault of ours: nothing was sent, no attempt is used up.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    #[error("a commit cannot be read")]
    Commit(#[from] berth_log::DecodeError),
    #[error("a value of a commit cannot be read")]
    Value(#[from] DecodeError),
    #[error("the data key cannot be had")]
    Key(#[from] KeyRingError),
    #[error("the volatile store does not answer")]
    Volatile(#[from] VolatileError),
    #[error("the message cannot be read")]
    Postbag(#[from] PostbagError),
    #[error("the attempt cannot be noted")]
    Attempts(#[from] AttemptsError),
    #[error("the commit of the notice is not in the log")]
    Missing,
    #[error("what was kept for the last notices is not in the outbox yet")]
    NotKeptYet,
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Decode(error) => Self::Commit(error),
            StateError::Read(error) => Self::Log(error),
        }
    }
}

impl Fault {
    /// Whether the same will be found again: what is in the log does not change. What another release wrote is read once
    /// this one is replaced.
    pub(crate) const fn lasts(&self) -> bool {
        match self {
            Self::Value(DecodeError::Unknown { .. })
            | Self::Commit(berth_log::DecodeError::Bytes { source: DecodeError::Unknown { .. }, .. }) => {
                false
            }
            Self::Commit(_) | Self::Value(_) | Self::Missing | Self::Log(ReadError::Damaged(_)) => true,
            Self::Log(_)
            | Self::Key(_)
            | Self::Volatile(_)
            | Self::Postbag(_)
            | Self::Attempts(_)
            | Self::NotKeptYet => false,
        }
    }
}

/// Which endpoints are to be known besides the instance's own: those of its account stand in another stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach<'a> {
    /// None.
    Own,
    /// This one, if the instance does not have it itself.
    Endpoint(EndpointId),
    /// These, those of them that the instance does not have itself.
    Endpoints(&'a [EndpointId]),
}

/// The endpoints that stand with an account, as the log had them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OfAccount {
    pub(crate) webhooks: Vec<WebhookV1>,
    /// Whether the account is closed: what is left to be told then is that its instances are deleted.
    pub(crate) is_closed: bool,
}

/// Whose an endpoint is: under whose key its values are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The instance has it.
    Instance,
    /// It stands with the account, and hears all of its instances.
    Account(AccountId),
}

/// What the gate is asked with: the instance's last commit as the log had it at that moment, and the endpoints of its account.
pub(crate) struct Permit {
    pub(crate) step: Step,
    of_account: OfAccount,
    /// Whether the account was read.
    knows_account: bool,
    read_at: Instant,
}

// === impl Permit ===

impl Permit {
    /// Whether what it allows may begin now.
    pub(crate) fn is_fresh(&self) -> bool {
        Instant::now() < self.fresh_until()
    }

    /// What it allows begins before this.
    pub(crate) fn fresh_until(&self) -> Instant {
        self.read_at + GATE_FRESH_MAX
    }

    /// The endpoints of the account, as far as they were asked for.
    pub(crate) const fn of_account(&self) -> &OfAccount {
        &self.of_account
    }

    /// The same; none if the account was not read.
    pub(crate) fn known_account(&self) -> Option<&OfAccount> {
        Some(&self.of_account).filter(|_| self.knows_account)
    }

    /// Whether it says of an endpoint that it is there or not.
    pub(crate) fn knows(&self, endpoint: EndpointId) -> bool {
        self.knows_account || self.step.state.own_webhooks().any(|webhook| webhook.id == endpoint)
    }

    /// An endpoint, the instance's own or its account's, and whose it is.
    pub(crate) fn endpoint(&self, endpoint: EndpointId) -> Option<(&WebhookV1, Owner)> {
        let mut own = self.step.state.own_webhooks();
        if let Some(own) = own.find(|webhook| webhook.id == endpoint) {
            return Some((own, Owner::Instance));
        }
        let of_account = self.of_account.webhooks.iter().find(|webhook| webhook.id == endpoint)?;
        Some((of_account, Owner::Account(self.step.state.account)))
    }
}

/// Reads the instance's last commit where every acknowledged one is visible, and then its account's as far as that is needed.
pub(crate) async fn read(tools: &Tools, instance: InstanceId, reach: Reach<'_>) -> Result<Permit, Fault> {
    // Taken before the read: the answer is at most as old as this.
    let read_at = Instant::now();
    let stored = tools.log.tail(&StreamKey::instance(instance)).await?.ok_or(Fault::Missing)?;
    let Rehydrated { commit, state, .. } = rehydrate(&*tools.log, &stored).await?;
    let step = Step::with(&commit, state)?.ok_or(Fault::Missing)?;
    let is_own = |endpoint: &EndpointId| step.state.own_webhooks().any(|webhook| webhook.id == *endpoint);
    let knows_account = match reach {
        Reach::Own => false,
        Reach::Endpoint(endpoint) => !is_own(&endpoint),
        Reach::Endpoints(endpoints) => !endpoints.iter().all(is_own),
    };
    let of_account =
        if knows_account { read_account(tools, step.state.account).await? } else { OfAccount::default() };
    Ok(Permit { step, of_account, knows_account, read_at })
}

/// Reads the endpoints that stand with an account. An account that never was has none.
pub(crate) async fn read_account(tools: &Tools, account: AccountId) -> Result<OfAccount, Fault> {
    let Some(stored) = tools.log.tail(&StreamKey::account(account)).await? else {
        return Ok(OfAccount::default());
    };
    let (_, state) = decode_state::<AccountStateV3>(&stored)?;
    let is_closed = state.closed_at.is_some();
    Ok(OfAccount { webhooks: state.webhooks, is_closed })
}

/// Asks the gate about a notice.
pub(crate) fn ask(tools: &Tools, permit: &Permit, key: &NoticeKeyV1, owed: &Owed) -> Verdict {
    let asked = Occasion {
        class: owed.class,
        session: owed.session,
        code: owed.code.as_ref(),
        now: tools.clock.now(),
    };
    let closed = permit.of_account.is_closed && owed.class != NoticeClass::Deletion;
    // An endpoint that changed its format is another one: what the old format said is nothing to it.
    let endpoint = permit.endpoint(key.endpoint).filter(|(webhook, _)| webhook.format == owed.format);
    let endpoint = endpoint.filter(|(_, owner)| *owner == Owner::Instance || !closed);
    gate(&permit.step.state, endpoint.map(|(webhook, _)| webhook), &asked)
}

/// Reads the commit of a notice: one request, if it stands where the outbox met it.
pub(crate) async fn read_step(tools: &Tools, key: &NoticeKeyV1, commit: CommitStands) -> Result<Step, Fault> {
    let stored = read_commit(tools, &StreamKey::instance(key.instance), key.version, commit).await?;
    let commit = decode_commit(&stored)?;
    Step::of(&commit)?.filter(|step| step.version == key.version).ok_or(Fault::Missing)
}

/// Reads the commit of a stream with this version.
pub(super) async fn read_commit(
    tools: &Tools,
    stream: &StreamKey,
    version: u64,
    commit: CommitStands,
) -> Result<Stored, Fault> {
    let found = match commit {
        CommitStands::Applied { revision } => tools.log.read_at(stream, Tail { version, revision }).await?,
        CommitStands::Awaited | CommitStands::Overdue => {
            tools.log.read(stream, version.saturating_sub(1), 1).await?.into_iter().next()
        }
    };
    found.ok_or(Fault::Missing)
}
