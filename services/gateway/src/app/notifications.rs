//! Notices that wait to be fetched: the webhooks service keeps them, whoever dispatches serves them.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, KeyRing, Presence};
use berth_proto::{
    InstanceId,
    pull::{PullReplyV1, PullRequestV1},
    subject::pull_subject,
};
use berth_runtime::sealing::field;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    asking::{AskFault, PAUSE, Question},
    failure::Failure,
    principal::Principal,
    record::Records,
};

/// What answers, as an error names it.
const PART: &str = "the dispatcher of webhooks";
/// How long one question waits for a notice: who dispatches may change, and a longer wait asks again.
const SLICE: Duration = Duration::from_secs(5);
/// How much longer than its wait a question may take.
const MARGIN: Duration = Duration::from_secs(3);
/// How long a deletion is held while nobody dispatches.
const PATIENCE: Duration = Duration::from_secs(15);

/// A notice that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Names it among those of its instance.
    pub receipt: u64,
    /// Its body: JSON, as it would have been sent.
    pub body: String,
}

/// Fetches what waits.
#[derive(Debug)]
pub struct Notifications {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) keys: KeyRing,
    pub(super) presence: Presence,
    pub(super) records: Arc<Records>,
    /// Ends waits when the process stops.
    pub(super) stop: CancellationToken,
}

impl Notifications {
    /// The oldest notice of an instance that waits to be fetched; none if there is none within `wait`. It stays
    /// the oldest until it is deleted. The permission of who asks is asked again after each slice of the wait, which ends when
    /// the process stops: whoever asks again finds another replica, or waits for this one.
    pub async fn receive(
        &self,
        principal: &Principal,
        instance: InstanceId,
        wait: Duration,
    ) -> Result<Option<Notification>, Failure> {
        let deadline = Instant::now() + wait;
        loop {
            let slice = deadline.saturating_duration_since(Instant::now()).min(SLICE);
            let request = PullRequestV1::Receive { wait_ms: u32::try_from(slice.as_millis()).unwrap_or(0) };
            let question = self.question(instance, &request, slice + MARGIN);
            let Some(asked) = self.stop.run_until_cancelled(question.ask()).await else { return Ok(None) };
            let over = Instant::now() >= deadline;
            match asked {
                Ok(PullReplyV1::Notice { receipt, body }) => {
                    self.records.read_again(principal, instance).await?;
                    let key = self.keys.key(instance.as_bytes()).await?.ok_or(Failure::NotFound)?;
                    let body = key
                        .open_text(instance.as_bytes(), field::NOTICE, &body)
                        .map_err(|_| AskFault::Unexpected.of(PART))?;
                    return Ok(Some(Notification { receipt, body }));
                }
                Ok(_) if over => return Ok(None),
                Err(fault) if over => return Err(fault.of(PART)),
                // Nobody waited as long as was asked for: the wait is longer than a slice, or the deployment is
                // stopping, moving or busy. A permission that ended meanwhile ends the wait.
                Ok(_) | Err(_) => {
                    self.records.read_again(principal, instance).await?;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Deletes a notice that was fetched; says whether there was one that nobody had deleted.
    pub async fn delete(&self, instance: InstanceId, receipt: u64) -> Result<bool, Failure> {
        let (reply, repeated) = self.insist(instance, &PullRequestV1::Delete { receipt }).await?;
        match reply {
            // What a try of unknown fate may have deleted is deleted.
            PullReplyV1::Deleted { existed } => Ok(existed || repeated),
            _ => Err(AskFault::Unexpected.of(PART)),
        }
    }

    /// Deletes everything that waits.
    pub async fn clear(&self, instance: InstanceId) -> Result<(), Failure> {
        self.insist(instance, &PullRequestV1::Clear).await.map(|_| ())
    }

    /// Asks until there is an answer or the patience ends. Says whether a try before may have been done.
    async fn insist(
        &self,
        instance: InstanceId,
        request: &PullRequestV1,
    ) -> Result<(PullReplyV1, bool), Failure> {
        let mut left_open = false;
        let note = |fault: &AskFault| {
            left_open |= fault.leaves_open();
            true
        };
        let question = self.question(instance, request, SLICE + MARGIN);
        let reply = question.insist(&self.presence, PATIENCE, note).await.map_err(|fault| fault.of(PART))?;
        Ok((reply, left_open))
    }

    fn question<'a>(
        &'a self,
        instance: InstanceId,
        asked: &'a PullRequestV1,
        timeout: Duration,
    ) -> Question<'a, PullRequestV1> {
        Question { bus: self.bus.as_ref(), subject: pull_subject(instance), asked, timeout }
    }
}
