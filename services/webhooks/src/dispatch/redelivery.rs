//! Sends again what was settled, on request, and tries now what waits: through the same gate, under the same ids, in
//! order.
//!
//! What is sent again is reopened by a commit of the delivery stream, so it is owed like anything else: it survives a
//! crash, it is in its place in its lane, and the gate is asked before each attempt. While an instance is silent nothing
//! is reopened (R4, R23).

use berth_bus::Tenure;
use berth_domain::instance::{NoticeClass, Verdict};
use berth_proto::{
    AccountId, CommandId, EndpointId, InstanceId, Partition, Timestamp,
    delivery::{NoticeKeyV1, NoticesReopenedV1, ReopenedV1, SETTLED_PER_COMMIT_MAX, SettlementV1},
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
    subject::redelivery_filter,
};
use berth_views::ViewError;
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    attempt::Tools,
    permit::{Fault, GATE_FRESH_MAX, Permit, Reach, ask, read, read_account, read_step},
    serving::Answers,
    settle::{SettleError, Settler, until_settled},
    test_notice,
};
use crate::{
    attempts::TableError,
    outbox::{
        CommitStands, Owed, SettledRow, owed, owed_key, read_row, read_settled_key, settled_key,
        settled_prefix,
    },
    transport::Pass,
};

/// Rows that are read at once.
const PAGE_ROWS: usize = 1_000;
/// Notices that one question brings back.
const RECOVERED_MAX: usize = 4 * SETTLED_PER_COMMIT_MAX;

/// What is asked of the loop of the dispatcher.
#[derive(Debug)]
pub(super) enum Order {
    /// A partition is dispatched here from now on.
    Take(Settler),
    /// Nothing more of it is begun here, and nothing is under way once this is done.
    LetGo { tenure: Tenure, done: oneshot::Sender<()> },
    /// These may be owed again.
    Reopen { notices: Vec<NoticeKeyV1>, done: oneshot::Sender<()> },
    /// What waits for this endpoint is due now; says how many were not.
    Hurry { instance: InstanceId, endpoint: EndpointId, done: oneshot::Sender<usize> },
}

/// Nothing was sent again.
#[derive(Debug, Error)]
pub(super) enum RedeliveryFault {
    #[error(transparent)]
    Ours(#[from] Fault),
    #[error("the outbox cannot be read")]
    View(#[from] ViewError),
    #[error("the store of attempts cannot be read")]
    Table(#[from] TableError),
    #[error("what is sent again cannot be noted")]
    Settle(#[from] SettleError),
    #[error("the dispatcher stops")]
    Stopped,
}

/// Sends again.
pub(super) struct Redelivery {
    pub(super) tools: Tools,
    pub(super) settler: Settler,
    pub(super) orders: mpsc::Sender<Order>,
}

// === impl Redelivery ===

impl Answers for Redelivery {
    type Asked = RedeliveryRequestV1;
    type Reply = RedeliveryReplyV1;
    type Fault = RedeliveryFault;

    const UNDONE: &'static str = "nothing can be sent again";
    const UNAVAILABLE: RedeliveryReplyV1 = RedeliveryReplyV1::Unavailable;

    fn filter(partition: Partition) -> String {
        redelivery_filter(partition)
    }

    async fn answer(
        &self,
        instance: InstanceId,
        asked: &RedeliveryRequestV1,
    ) -> Result<RedeliveryReplyV1, RedeliveryFault> {
        match *asked {
            RedeliveryRequestV1::RetryNow { endpoint } => {
                let deliveries = self.hurry(instance, endpoint).await?;
                Ok(RedeliveryReplyV1::Done { deliveries, more: false })
            }
            RedeliveryRequestV1::Resend { endpoint, id } => self.resend(instance, endpoint, id).await,
            RedeliveryRequestV1::Recover { endpoint, since } => self.recover(instance, endpoint, since).await,
            RedeliveryRequestV1::Test { endpoint } => self.test(instance, endpoint).await,
            RedeliveryRequestV1::TestOfAccount { endpoint } => {
                self.test_of_account(AccountId::from_bytes(*instance.as_bytes()), endpoint).await
            }
        }
    }

    fn unsettled(fault: &RedeliveryFault) -> Option<&SettleError> {
        match fault {
            RedeliveryFault::Settle(error) => Some(error),
            RedeliveryFault::Ours(_)
            | RedeliveryFault::View(_)
            | RedeliveryFault::Table(_)
            | RedeliveryFault::Stopped => None,
        }
    }
}

impl Redelivery {
    async fn hurry(&self, instance: InstanceId, endpoint: EndpointId) -> Result<u32, RedeliveryFault> {
        let (done, hurried) = oneshot::channel();
        let order = Order::Hurry { instance, endpoint, done };
        self.orders.send(order).await.map_err(|_| RedeliveryFault::Stopped)?;
        let hurried = hurried.await.map_err(|_| RedeliveryFault::Stopped)?;
        Ok(u32::try_from(hurried).unwrap_or(u32::MAX))
    }

    async fn resend(
        &self,
        instance: InstanceId,
        endpoint: EndpointId,
        id: CommandId,
    ) -> Result<RedeliveryReplyV1, RedeliveryFault> {
        let named = self.tools.attempts.table().named(id)?;
        let Some(notice) = named.filter(|one| (one.instance, one.endpoint) == (instance, endpoint)) else {
            return Ok(RedeliveryReplyV1::Unknown);
        };
        let permit = read(&self.tools, instance, Reach::Endpoint(endpoint)).await?;
        if let Some(refusal) = self.refusal(&permit, instance, endpoint) {
            return Ok(refusal);
        }
        if self.tools.outbox.get(&owed_key(&notice))?.is_some() {
            self.hurry(instance, endpoint).await?;
            return Ok(RedeliveryReplyV1::Done { deliveries: 1, more: false });
        }
        if self.tools.outbox.get(&settled_key(&notice))?.is_none() {
            return Ok(RedeliveryReplyV1::Unknown);
        }
        match self.again(&permit, notice).await? {
            Ok(reopened) => self.reopen(vec![reopened], false).await,
            Err(SettlementV1::Expired) => Ok(RedeliveryReplyV1::Unknown),
            Err(by) => Ok(RedeliveryReplyV1::Silent { by }),
        }
    }

    /// Asked twice whether it may: opening the connection takes its time.
    async fn test(
        &self,
        instance: InstanceId,
        endpoint: EndpointId,
    ) -> Result<RedeliveryReplyV1, RedeliveryFault> {
        let mut permit = read(&self.tools, instance, Reach::Endpoint(endpoint)).await?;
        if let Some(refusal) = self.refusal(&permit, instance, endpoint) {
            return Ok(refusal);
        }
        let Some(ready) = test_notice::prepare(&self.tools, &permit, endpoint).await? else {
            return Ok(RedeliveryReplyV1::Unknown);
        };
        while !permit.is_fresh() {
            permit = read(&self.tools, instance, Reach::Endpoint(endpoint)).await?;
        }
        if let Some(refusal) = self.refusal(&permit, instance, endpoint) {
            return Ok(refusal);
        }
        let pass = Pass { holds: self.settler.tenure().holds(), begins_before: permit.fresh_until() };
        let (id, end) = ready.send(&self.tools, pass).await;
        Ok(RedeliveryReplyV1::Tested { id, end })
    }

    /// The same for an endpoint of an account, about no instance: there is no silence of an account.
    async fn test_of_account(
        &self,
        account: AccountId,
        endpoint: EndpointId,
    ) -> Result<RedeliveryReplyV1, RedeliveryFault> {
        let mut ready = None;
        loop {
            let read_at = Instant::now();
            let of_account = read_account(&self.tools, account).await?;
            let present = of_account.webhooks.iter().find(|one| one.id == endpoint && !of_account.is_closed);
            let Some(webhook) = present else { return Ok(RedeliveryReplyV1::Unknown) };
            if !webhook.enabled {
                return Ok(RedeliveryReplyV1::Silent { by: SettlementV1::CancelledByEndpoint });
            }
            // Asked again once the connection is open, which takes its time.
            let Some((seen, connected)) = ready.take() else {
                let made = test_notice::prepare_of_account(&self.tools, account, webhook).await?;
                let Some(made) = made else { return Ok(RedeliveryReplyV1::Unknown) };
                ready = Some((webhook.updated_at, made));
                continue;
            };
            if seen != webhook.updated_at {
                continue;
            }
            let pass = Pass { holds: self.settler.tenure().holds(), begins_before: read_at + GATE_FRESH_MAX };
            let (id, end) = test_notice::Ready::send(connected, &self.tools, pass).await;
            return Ok(RedeliveryReplyV1::Tested { id, end });
        }
    }

    async fn recover(
        &self,
        instance: InstanceId,
        endpoint: EndpointId,
        since: Timestamp,
    ) -> Result<RedeliveryReplyV1, RedeliveryFault> {
        let permit = read(&self.tools, instance, Reach::Endpoint(endpoint)).await?;
        if let Some(refusal) = self.refusal(&permit, instance, endpoint) {
            return Ok(refusal);
        }
        let (mut reopened, mut more) = (Vec::new(), false);
        for notice in self.given_up(instance, endpoint, since)? {
            if reopened.len() == RECOVERED_MAX {
                more = true;
                break;
            }
            match self.again(&permit, notice).await {
                Ok(Ok(again)) if again.occurred_at >= since => reopened.push(again),
                Ok(_) => {}
                // What cannot be read cannot be sent; the others can.
                Err(RedeliveryFault::Ours(fault)) if fault.lasts() => {}
                Err(fault) => return Err(fault),
            }
        }
        let hurried = self.hurry(instance, endpoint).await?;
        match self.reopen(reopened, more).await? {
            RedeliveryReplyV1::Done { deliveries, more } => {
                Ok(RedeliveryReplyV1::Done { deliveries: deliveries.saturating_add(hurried), more })
            }
            other => Ok(other),
        }
    }

    /// What was given up of an endpoint's since a moment, the oldest first: all tries failed, or it was switched off.
    fn given_up(
        &self,
        instance: InstanceId,
        endpoint: EndpointId,
        since: Timestamp,
    ) -> Result<Vec<NoticeKeyV1>, ViewError> {
        let prefix = settled_prefix(instance);
        let (mut found, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page = self.tools.outbox.scan(&prefix, after.as_deref(), PAGE_ROWS)?;
            let full = page.len() == PAGE_ROWS;
            for (key, value) in page {
                if let (Some(notice), Some(row)) = (read_settled_key(&key), read_row::<SettledRow>(&value))
                    && notice.endpoint == endpoint
                    && row.at >= since
                    && matches!(row.outcome, SettlementV1::Exhausted | SettlementV1::CancelledByEndpoint)
                {
                    found.push(notice);
                }
                after = Some(key);
            }
            if !full {
                return Ok(found);
            }
        }
    }

    /// A notice as it would be owed again, or what speaks against it.
    async fn again(
        &self,
        permit: &Permit,
        key: NoticeKeyV1,
    ) -> Result<Result<ReopenedV1, SettlementV1>, RedeliveryFault> {
        let settled = self.tools.outbox.get(&settled_key(&key))?.and_then(|row| read_row::<SettledRow>(&row));
        let commit = settled.map_or(CommitStands::Awaited, |settled| settled.commit);
        let step = read_step(&self.tools, &key, commit).await?;
        let own = step.state.webhooks.iter().find(|webhook| webhook.id == key.endpoint);
        let webhook = own.or_else(|| permit.endpoint(key.endpoint).map(|(webhook, _)| webhook));
        let notice = webhook.and_then(|webhook| Some((webhook, step.notice_to(webhook, &key)?)));
        let Some((webhook, notice)) = notice else { return Ok(Err(SettlementV1::CancelledByEndpoint)) };
        // A code lives for seconds, and its text is kept nowhere.
        if notice.class == NoticeClass::Qr {
            return Ok(Err(SettlementV1::Expired));
        }
        let row = owed(step.occurred_at, &notice, &webhook.format, commit);
        if let Verdict::Settle(by) = ask(&self.tools, permit, &key, &row) {
            return Ok(Err(by));
        }
        let Owed { class, session, occurred_at, format, event, code: _, commit: _ } = row;
        Ok(Ok(ReopenedV1 { notice: key, class, session, occurred_at, format, event }))
    }

    /// Whether the endpoint may be told anything but codes now. What the end of a session has settled stays settled.
    fn refusal(
        &self,
        permit: &Permit,
        instance: InstanceId,
        endpoint: EndpointId,
    ) -> Option<RedeliveryReplyV1> {
        let Some((webhook, _)) = permit.endpoint(endpoint) else {
            return Some(RedeliveryReplyV1::Unknown);
        };
        let anything = Owed {
            class: NoticeClass::Lifecycle,
            session: permit.step.state.session,
            code: None,
            occurred_at: self.tools.clock.now(),
            format: webhook.format.clone(),
            event: String::new(),
            commit: CommitStands::Awaited,
        };
        let key = NoticeKeyV1 { instance, version: 0, endpoint, ordinal: 0 };
        match ask(&self.tools, permit, &key, &anything) {
            Verdict::Send => None,
            Verdict::Settle(by) => Some(RedeliveryReplyV1::Silent { by }),
        }
    }

    /// Has notices owed again. The board hears of it first, since it knows them as settled.
    async fn reopen(
        &self,
        mut notices: Vec<ReopenedV1>,
        more: bool,
    ) -> Result<RedeliveryReplyV1, RedeliveryFault> {
        let deliveries = u32::try_from(notices.len()).unwrap_or(u32::MAX);
        while !notices.is_empty() {
            let rest = notices.split_off(notices.len().min(SETTLED_PER_COMMIT_MAX));
            let (done, heard) = oneshot::channel();
            let keys = notices.iter().map(|one| one.notice).collect();
            let order = Order::Reopen { notices: keys, done };
            self.orders.send(order).await.map_err(|_| RedeliveryFault::Stopped)?;
            heard.await.map_err(|_| RedeliveryFault::Stopped)?;
            let event = NoticesReopenedV1 { notices };
            until_settled(|| self.settler.note(event.clone().into())).await?;
            notices = rest;
        }
        Ok(RedeliveryReplyV1::Done { deliveries, more })
    }
}
