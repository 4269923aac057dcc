//! Asking a service over the bus, once or for as long as its patience says.

use std::time::Duration;

use berth_bus::{Bus, Presence, RequestError};
use berth_proto::{
    DecodeError, EncodeError,
    codec::{self, Frozen},
    deliveries::DeliveriesReplyV1,
    evidence::EvidenceReplyV1,
    letter::LetterReplyV1,
    pull::PullReplyV1,
    redelivery::RedeliveryReplyV1,
};
use berth_runtime::Role;
use bytes::Bytes;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use super::failure::Failure;

/// How long the webhooks service is asked again if there is none at all.
const PATIENCE_ALONE: Duration = Duration::from_millis(1_500);
/// The pause before a question is repeated.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// A question was not answered; it may be asked again.
#[derive(Debug, Error)]
pub(super) enum AskFault {
    #[error("the question cannot be written")]
    Write(#[from] EncodeError),
    #[error("the answer cannot be read")]
    Read(#[from] DecodeError),
    #[error("the answer is another one than expected")]
    Unexpected,
    #[error("nobody answers")]
    Asked(#[from] RequestError),
    #[error("it cannot be done now")]
    Busy,
}

/// An answer of a service.
pub(super) trait Answer: Frozen {
    /// Whether it says no more than that somebody is to be asked again.
    fn is_busy(&self) -> bool;
}

/// A question, and whom it is for.
#[derive(Debug)]
pub(super) struct Question<'a, Q> {
    pub(super) bus: &'a dyn Bus,
    pub(super) subject: String,
    pub(super) asked: &'a Q,
    /// How long it may take.
    pub(super) timeout: Duration,
}

// === impl Question ===

impl<Q: Frozen> Question<'_, Q> {
    /// Asks once.
    pub(super) async fn ask<A: Answer>(&self) -> Result<A, AskFault> {
        let payload = Bytes::from(codec::encode(self.asked)?);
        let reply = self.bus.request(&self.subject, payload, self.timeout).await?;
        let answer: A = codec::decode(&reply)?;
        if answer.is_busy() { Err(AskFault::Busy) } else { Ok(answer) }
    }

    /// Asks the webhooks service until it answers, the patience ends, or a fault forbids to ask again.
    pub(super) async fn insist<A: Answer>(
        &self,
        presence: &Presence,
        patience: Duration,
        mut may_repeat: impl FnMut(&AskFault) -> bool,
    ) -> Result<A, AskFault> {
        let started = Instant::now();
        loop {
            let patience = if presence.lacks(Role::Webhooks) { PATIENCE_ALONE } else { patience };
            match self.ask().await {
                Ok(answer) => return Ok(answer),
                Err(fault) if !may_repeat(&fault) || started.elapsed() + PAUSE >= patience => {
                    return Err(fault);
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

// === impl AskFault ===

impl AskFault {
    /// Whether what was asked for may have been done.
    pub(super) const fn leaves_open(&self) -> bool {
        matches!(self, Self::Asked(RequestError::TimedOut { .. }))
    }

    /// The failure that a client is told of, with the part that was asked.
    pub(super) fn of(self, part: &'static str) -> Failure {
        Failure::unavailable(part, self)
    }
}

// === impl Answer ===

impl Answer for DeliveriesReplyV1 {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

impl Answer for RedeliveryReplyV1 {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

impl Answer for LetterReplyV1 {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

impl Answer for PullReplyV1 {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

/// It says why, which a client is told at once.
impl Answer for EvidenceReplyV1 {
    fn is_busy(&self) -> bool {
        false
    }
}
