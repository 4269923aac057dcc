//! The queue of notices that have nowhere to be sent to: whoever they are for fetches them, oldest first.
//!
//! It is no store of its own. What waits are the rows that the outbox has of an endpoint without a URL, asked
//! through the same gate as what is sent; a notice that its owner deletes is settled as delivered, by a commit
//! of the delivery stream. So the queue survives restarts, and whichever replica owns the partition serves the
//! same one.

use std::{pin::pin, sync::Arc, time::Duration};

use berth_domain::instance::Verdict;
use berth_notices::{
    formats::{self, Format},
    open::{Listener, Opener},
};
use berth_proto::{
    InstanceId, Partition,
    delivery::{NoticeKeyV1, SETTLED_PER_COMMIT_MAX, SettledV1, SettlementV1},
    instance::{InstanceStateV1, WebhookV1},
    pull::{PullReplyV1, PullRequestV1},
    subject::pull_filter,
};
use berth_runtime::{DataKey, sealing::field};
use berth_views::ViewError;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use super::{
    attempt::Tools,
    desk::Desk,
    open::{Endpoint, Keyhole},
    permit::{Fault, Permit, Reach, ask, read, read_step},
    prepare::kept_until,
    receipt::{key_of, receipt_of},
    scan,
    serving::Answers,
    settle::{SettleError, Settler, until_settled},
};
use crate::outbox::{CommitStands, Owed, SettledRow, owed_key, read_row, settled_key};

/// The longest that one request waits for a notice. Whoever wants to wait longer asks again, perhaps another
/// replica by then.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Rows that are read at once for the oldest notice, which is among the first ones as a rule.
const ROWS_AT_ONCE: usize = 64;
/// How long the outbox may take to know what was just deleted.
const KNOWN_MAX: Duration = Duration::from_secs(5);

/// The queue cannot be asked now.
#[derive(Debug, Error)]
pub(super) enum PullFault {
    #[error(transparent)]
    Ours(#[from] Fault),
    #[error("the outbox cannot be read")]
    View(#[from] ViewError),
    #[error("what was deleted cannot be settled")]
    Settle(#[from] SettleError),
}

/// The queues of the instances of a partition.
pub(super) struct Queue {
    pub(super) tools: Tools,
    pub(super) settler: Settler,
    pub(super) desk: Arc<Desk>,
}

/// The endpoint whose notices wait to be fetched.
struct Waiter {
    webhook: WebhookV1,
    endpoint: Endpoint,
    format: &'static dyn Format,
    data_key: DataKey,
}

// === impl Queue ===

impl Answers for Queue {
    type Asked = PullRequestV1;
    type Reply = PullReplyV1;
    type Fault = PullFault;

    const UNDONE: &'static str = "notices cannot be fetched";
    const UNAVAILABLE: PullReplyV1 = PullReplyV1::Unavailable;

    fn filter(partition: Partition) -> String {
        pull_filter(partition)
    }

    async fn answer(&self, instance: InstanceId, asked: &PullRequestV1) -> Result<PullReplyV1, PullFault> {
        match *asked {
            PullRequestV1::Receive { wait_ms } => {
                self.receive(instance, Duration::from_millis(u64::from(wait_ms))).await
            }
            PullRequestV1::Delete { receipt } => {
                Ok(PullReplyV1::Deleted { existed: self.delete(instance, receipt).await? })
            }
            PullRequestV1::Clear => {
                self.clear(instance).await?;
                Ok(PullReplyV1::Cleared)
            }
        }
    }

    fn unsettled(fault: &PullFault) -> Option<&SettleError> {
        match fault {
            PullFault::Settle(error) => Some(error),
            PullFault::Ours(_) | PullFault::View(_) => None,
        }
    }
}

impl Queue {
    async fn receive(&self, instance: InstanceId, wait: Duration) -> Result<PullReplyV1, PullFault> {
        let deadline = Instant::now() + wait.min(WAIT_MAX);
        let waiting = self.desk.wait_for(instance);
        loop {
            let mut news = pin!(waiting.news.notified());
            // Heard from now on, so that what comes while the rows are read is not missed.
            news.as_mut().enable();
            if let Some(notice) = self.oldest(instance).await? {
                return Ok(notice);
            }
            if timeout_at(deadline, news).await.is_err() {
                return Ok(PullReplyV1::Nothing);
            }
        }
    }

    /// The oldest notice that may be told at this moment.
    async fn oldest(&self, instance: InstanceId) -> Result<Option<PullReplyV1>, PullFault> {
        let mut permit = read(&self.tools, instance, Reach::Own).await?;
        let Some(waiter) = self.waiter(instance, &permit.step.state).await? else {
            return Ok(None);
        };
        if waiter.format.muted(&waiter.endpoint.options) {
            return Ok(None);
        }
        let mut after = None;
        loop {
            let view = self.tools.outbox.clone();
            let (rows, next) = scan::page_of_instance(view, instance, after, ROWS_AT_ONCE).await?;
            for (key, owed) in rows {
                if key.endpoint != waiter.webhook.id || !self.may_tell(&permit, &key, &owed) {
                    continue;
                }
                let Some(reply) = self.render(&waiter, &permit, (&key, owed.commit)).await? else {
                    continue;
                };
                while !permit.is_fresh() {
                    permit = read(&self.tools, instance, Reach::Own).await?;
                }
                if self.may_tell(&permit, &key, &owed) {
                    return Ok(Some(reply));
                }
            }
            let Some(next) = next else { return Ok(None) };
            after = Some(next);
        }
    }

    fn may_tell(&self, permit: &Permit, key: &NoticeKeyV1, owed: &Owed) -> bool {
        !self.is_expired(owed) && ask(&self.tools, permit, key, owed) == Verdict::Send
    }

    fn is_expired(&self, owed: &Owed) -> bool {
        kept_until(&self.tools, owed) <= self.tools.clock.now()
    }

    async fn render(
        &self,
        waiter: &Waiter,
        permit: &Permit,
        (key, commit): (&NoticeKeyV1, CommitStands),
    ) -> Result<Option<PullReplyV1>, PullFault> {
        let step = if permit.step.version == key.version {
            permit.step.clone()
        } else {
            read_step(&self.tools, key, commit).await?
        };
        let (Some(notice), Some(receipt)) = (step.notice(key), receipt_of(key)) else {
            return Ok(None);
        };
        let opener =
            Opener { key: &waiter.data_key, instance: key.instance, master: self.tools.keys.master() };
        let listener =
            Listener { options: &waiter.endpoint.options, url: "", server_url: &self.tools.server_url };
        let (volatile, now) = (self.tools.volatile.as_ref(), self.tools.clock.now());
        let body = opener
            .body(volatile, (&step, &notice), waiter.format, listener, now)
            .await
            .map_err(Fault::Volatile)?;
        Ok(body.map(|rendered| PullReplyV1::Notice {
            receipt,
            body: waiter.data_key.seal(key.instance.as_bytes(), field::NOTICE, &rendered.body),
        }))
    }

    /// The first enabled endpoint that keeps its notices to be fetched.
    async fn waiter(
        &self,
        instance: InstanceId,
        state: &InstanceStateV1,
    ) -> Result<Option<Waiter>, PullFault> {
        let candidates: Vec<_> = state
            .webhooks
            .iter()
            .filter(|webhook| webhook.enabled)
            .filter_map(|webhook| Some((webhook, formats::by_name(&webhook.format)?)))
            .filter(|(_, format)| format.pulled())
            .collect();
        if candidates.is_empty() {
            return Ok(None);
        }
        let Some(data_key) = self.tools.keys.key(instance.as_bytes()).await.map_err(Fault::Key)? else {
            return Ok(None);
        };
        for (webhook, format) in candidates {
            let keyhole = Keyhole { key: &data_key, owner: instance.as_bytes() };
            if let Ok(endpoint) = Endpoint::open(keyhole, webhook, self.tools.clock.now())
                && endpoint.url.is_empty()
            {
                return Ok(Some(Waiter { webhook: webhook.clone(), endpoint, format, data_key }));
            }
        }
        Ok(None)
    }

    /// Settles the notice with this receipt; says whether there was one that nobody had deleted. One that a
    /// logout took away after it was handed out counts as there.
    async fn delete(&self, instance: InstanceId, receipt: u64) -> Result<bool, PullFault> {
        let permit = read(&self.tools, instance, Reach::Own).await?;
        let Some(waiter) = self.waiter(instance, &permit.step.state).await? else {
            return Ok(false);
        };
        let Some(key) = key_of(instance, waiter.webhook.id, permit.step.version, receipt) else {
            return Ok(false);
        };
        if !self.is_there(&key)? {
            return Ok(false);
        }
        self.settle(vec![key], SettlementV1::Delivered).await?;
        Ok(true)
    }

    fn is_there(&self, key: &NoticeKeyV1) -> Result<bool, ViewError> {
        let owed = self.tools.outbox.get(&owed_key(key))?;
        if let Some(owed) = owed.and_then(|row| read_row::<Owed>(&row)) {
            return Ok(!self.is_expired(&owed));
        }
        Ok(self.settled(key)?.is_some_and(|outcome| match outcome {
            SettlementV1::CancelledByLogout
            | SettlementV1::CancelledByDelete
            | SettlementV1::CancelledByEndpoint
            | SettlementV1::Superseded => true,
            SettlementV1::Delivered | SettlementV1::Exhausted | SettlementV1::Expired => false,
        }))
    }

    fn settled(&self, key: &NoticeKeyV1) -> Result<Option<SettlementV1>, ViewError> {
        let row = self.tools.outbox.get(&settled_key(key))?;
        Ok(row.and_then(|row| read_row::<SettledRow>(&row)).map(|row| row.outcome))
    }

    /// Settles everything of the instance that its endpoints of such a format are owed.
    async fn clear(&self, instance: InstanceId) -> Result<(), PullFault> {
        let mut after = None;
        loop {
            let view = self.tools.outbox.clone();
            let (rows, next) = scan::page_of_instance(view, instance, after, SETTLED_PER_COMMIT_MAX).await?;
            let pulled = rows.into_iter().filter(|(_, owed)| formats::is_pulled(&owed.format));
            self.settle(pulled.map(|(key, _)| key).collect(), SettlementV1::CancelledByEndpoint).await?;
            let Some(next) = next else { return Ok(()) };
            after = Some(next);
        }
    }

    /// Settles notices of one instance in one commit and waits until the outbox knows it, so that they are not
    /// handed out again.
    async fn settle(&self, keys: Vec<NoticeKeyV1>, outcome: SettlementV1) -> Result<(), PullFault> {
        let Some(last) = keys.last().copied() else {
            return Ok(());
        };
        let at = self.tools.clock.now();
        let notices: Vec<_> =
            keys.into_iter().map(|notice| SettledV1 { notice, outcome, attempts: 1, at }).collect();
        until_settled(|| self.settler.settle(notices.clone())).await?;
        let deadline = Instant::now() + KNOWN_MAX;
        let mut changes = self.tools.outbox.changes();
        while self.settled(&last)? != Some(outcome) {
            if timeout_at(deadline, changes.changed()).await.is_err() {
                tracing::warn!(instance = %last.instance, "the outbox lags: a deleted notice may be told again");
                break;
            }
        }
        Ok(())
    }
}
