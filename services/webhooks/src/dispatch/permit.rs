//! Permission: an instance as the log has it at this moment, and what the gate says of a notice on it.

use std::time::Duration;

use berth_bus::{KeyRingError, VolatileError};
use berth_domain::instance::Verdict;
use berth_log::{ReadError, Rehydrated, StateError, decode_commit, rehydrate};
use berth_notices::{
    derive::Step,
    gate::{Occasion, gate},
};
use berth_proto::{
    DecodeError, InstanceId, StreamKey,
    delivery::NoticeKeyV1,
    instance::{InstanceStateV1, WebhookV1},
};
use thiserror::Error;
use tokio::time::Instant;

use super::attempt::Tools;
use crate::{attempts::AttemptsError, outbox::Owed};

/// Sending begins within this time of the read that allowed it, or the log is read again (R1).
const GATE_FRESH_MAX: Duration = Duration::from_secs(1);

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
            Self::Log(_) | Self::Key(_) | Self::Volatile(_) | Self::Attempts(_) | Self::NotKeptYet => false,
        }
    }
}

/// What the gate is asked with: the instance's last commit as the log had it at that moment.
pub(crate) struct Permit {
    pub(crate) step: Step,
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
}

/// Reads the instance's last commit where every acknowledged one is visible.
pub(crate) async fn read(tools: &Tools, instance: InstanceId) -> Result<Permit, Fault> {
    // Taken before the read: the answer is at most as old as this.
    let read_at = Instant::now();
    let stored = tools.log.tail(&StreamKey::instance(instance)).await?.ok_or(Fault::Missing)?;
    let Rehydrated { commit, state, .. } = rehydrate(&*tools.log, &stored).await?;
    let step = Step::with(&commit, state)?.ok_or(Fault::Missing)?;
    Ok(Permit { step, read_at })
}

/// Asks the gate about a notice on a state.
pub(crate) fn ask(tools: &Tools, state: &InstanceStateV1, key: &NoticeKeyV1, owed: &Owed) -> Verdict {
    let asked = Occasion {
        class: owed.class,
        session: owed.session,
        code: owed.code.as_ref(),
        now: tools.clock.now(),
    };
    // An endpoint that changed its format is another one: what the old format said is nothing to it.
    gate(state, webhook(state, key).filter(|webhook| webhook.format == owed.format), &asked)
}

/// The endpoint of a notice, if a state has it.
pub(super) fn webhook<'a>(state: &'a InstanceStateV1, key: &NoticeKeyV1) -> Option<&'a WebhookV1> {
    state.webhooks.iter().find(|webhook| webhook.id == key.endpoint)
}

/// Reads the commit of a notice.
pub(crate) async fn read_step(tools: &Tools, key: &NoticeKeyV1) -> Result<Step, Fault> {
    let stream = StreamKey::instance(key.instance);
    let stored = tools.log.read(&stream, key.version.saturating_sub(1), 1).await?;
    let commit = decode_commit(stored.first().ok_or(Fault::Missing)?)?;
    Step::of(&commit)?.filter(|step| step.version == key.version).ok_or(Fault::Missing)
}
