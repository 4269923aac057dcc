//! Sending to endpoints again, and trying them: whoever dispatches does it, through the gate of every notice.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, KeyRing, Presence};
use berth_proto::{
    AccountId, CommandId, EndpointId, InstanceId, Timestamp,
    attempt::AttemptEndV1,
    delivery::SettlementV1,
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
    subject::redelivery_subject,
};
use berth_runtime::sealing::field;
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    asking::{AskFault, Question},
    call::Call,
    failure::Failure,
    quota::Counters,
    record::Record,
};

/// What answers, as an error names it.
const PART: &str = "the dispatcher of webhooks";
/// How long one question may take: an attempt of fifteen seconds, and what is around it.
const ASKED_MAX: Duration = Duration::from_secs(20);
/// How long is asked again while nobody dispatches.
const PATIENCE: Duration = Duration::from_secs(10);

/// Instances of an account whose endpoints are asked for at once.
const RECOVERED_AT_ONCE: usize = 16;
/// How often one endpoint is asked for again while it has more than one question brings back.
const ROUNDS_MAX: u32 = 16;

/// What became of sending an account's endpoints again what was given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Deliveries that are sent again, or tried now.
    pub deliveries: u32,
    /// Endpoints that may be told nothing now.
    pub silent: u32,
    /// Whether an endpoint has more than this brings back: ask again.
    pub more: bool,
}

/// What became of a request to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redelivered {
    /// It is on its way.
    Done {
        /// Deliveries that are sent, or tried now.
        deliveries: u32,
        /// Whether there are more: ask again.
        more: bool,
    },
    /// The endpoint may be told nothing now: what a notice would be settled as.
    Silent(SettlementV1),
}

/// What a test came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Its `webhook-id`, without the `msg_`.
    pub id: CommandId,
    /// How it ended.
    pub end: AttemptEndV1,
    /// What the endpoint answered.
    pub answer: Option<String>,
}

/// Sends again.
#[derive(Debug)]
pub struct Redelivery {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) keys: KeyRing,
    pub(super) presence: Presence,
    pub(super) counters: Arc<Counters>,
}

impl Redelivery {
    /// Sends one delivery again.
    pub async fn resend(
        &self,
        call: &Call,
        instance: InstanceId,
        endpoint: EndpointId,
        id: CommandId,
    ) -> Result<Redelivered, Failure> {
        self.done(call, instance, &RedeliveryRequestV1::Resend { endpoint, id }).await
    }

    /// Tries now what waits for an endpoint.
    pub async fn retry_now(
        &self,
        call: &Call,
        instance: InstanceId,
        endpoint: EndpointId,
    ) -> Result<Redelivered, Failure> {
        self.done(call, instance, &RedeliveryRequestV1::RetryNow { endpoint }).await
    }

    /// Sends again what was given up since a moment, and tries now what waits.
    pub async fn recover(
        &self,
        call: &Call,
        instance: InstanceId,
        endpoint: EndpointId,
        since: Timestamp,
    ) -> Result<Redelivered, Failure> {
        self.done(call, instance, &RedeliveryRequestV1::Recover { endpoint, since }).await
    }

    /// Sends all enabled endpoints of some instances, and these of their account, again what was given up since a moment, and
    /// tries now what waits.
    pub async fn recover_all(
        &self,
        call: &Call,
        records: &[Record],
        of_account: &[EndpointId],
        since: Timestamp,
    ) -> Result<Recovered, Failure> {
        self.counters.count_call(call).await?;
        let endpoints = records.iter().flat_map(|record| {
            let enabled = record.state.own_webhooks().filter(|webhook| webhook.enabled);
            let all = enabled.map(|webhook| webhook.id).chain(of_account.iter().copied());
            all.map(|endpoint| (record.id, endpoint))
        });
        let asked = endpoints.map(|(instance, endpoint)| self.recover_whole(instance, endpoint, since));
        let all = stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(RECOVERED_AT_ONCE);
        let add = |sum: Recovered, one: Recovered| async move {
            Ok(Recovered {
                deliveries: sum.deliveries.saturating_add(one.deliveries),
                silent: sum.silent.saturating_add(one.silent),
                more: sum.more || one.more,
            })
        };
        all.try_fold(Recovered::default(), add).await
    }

    /// An endpoint, again while it has more. One that went meanwhile has nothing.
    async fn recover_whole(
        &self,
        instance: InstanceId,
        endpoint: EndpointId,
        since: Timestamp,
    ) -> Result<Recovered, Failure> {
        let mut recovered = Recovered::default();
        for _ in 0..ROUNDS_MAX {
            match self.ask(instance, &RedeliveryRequestV1::Recover { endpoint, since }).await? {
                RedeliveryReplyV1::Done { deliveries, more } => {
                    recovered.deliveries = recovered.deliveries.saturating_add(deliveries);
                    recovered.more = more;
                }
                RedeliveryReplyV1::Silent { .. } => return Ok(Recovered { silent: 1, ..recovered }),
                RedeliveryReplyV1::Unknown => return Ok(recovered),
                _ => return Err(AskFault::Unexpected.of(PART)),
            }
            if !recovered.more {
                break;
            }
        }
        Ok(recovered)
    }

    /// Sends a notice that says nothing, and waits for what comes of it.
    pub async fn test(
        &self,
        call: &Call,
        record: &Record,
        endpoint: EndpointId,
    ) -> Result<Result<Tested, SettlementV1>, Failure> {
        self.tested(call, record.id, &RedeliveryRequestV1::Test { endpoint }).await
    }

    /// The same for an endpoint of an account, about none of its instances.
    pub async fn test_of_account(
        &self,
        call: &Call,
        account: AccountId,
        endpoint: EndpointId,
    ) -> Result<Result<Tested, SettlementV1>, Failure> {
        let asked = RedeliveryRequestV1::TestOfAccount { endpoint };
        self.tested(call, InstanceId::from_bytes(*account.as_bytes()), &asked).await
    }

    /// Has a test sent by the owner of the partition of an instance or account.
    async fn tested(
        &self,
        call: &Call,
        owner: InstanceId,
        asked: &RedeliveryRequestV1,
    ) -> Result<Result<Tested, SettlementV1>, Failure> {
        self.counters.count_call(call).await?;
        match self.ask(owner, asked).await? {
            RedeliveryReplyV1::Tested { id, end } => {
                let key = self.keys.key(owner.as_bytes()).await?;
                let open = |sealed| key.as_ref()?.open_text(owner.as_bytes(), field::ANSWER, sealed).ok();
                let answer = end.answer.as_ref().and_then(open);
                Ok(Ok(Tested { id, end, answer }))
            }
            RedeliveryReplyV1::Silent { by } => Ok(Err(by)),
            RedeliveryReplyV1::Unknown => Err(Failure::NotFound),
            _ => Err(AskFault::Unexpected.of(PART)),
        }
    }

    async fn done(
        &self,
        call: &Call,
        instance: InstanceId,
        asked: &RedeliveryRequestV1,
    ) -> Result<Redelivered, Failure> {
        self.counters.count_call(call).await?;
        match self.ask(instance, asked).await? {
            RedeliveryReplyV1::Done { deliveries, more } => Ok(Redelivered::Done { deliveries, more }),
            RedeliveryReplyV1::Silent { by } => Ok(Redelivered::Silent(by)),
            RedeliveryReplyV1::Unknown => Err(Failure::NotFound),
            _ => Err(AskFault::Unexpected.of(PART)),
        }
    }

    /// Asks until somebody dispatches. A question whose fate is unknown is not repeated: a test would be sent twice.
    async fn ask(
        &self,
        instance: InstanceId,
        asked: &RedeliveryRequestV1,
    ) -> Result<RedeliveryReplyV1, Failure> {
        let question = Question {
            bus: self.bus.as_ref(),
            subject: redelivery_subject(instance),
            asked,
            timeout: ASKED_MAX,
        };
        let answered = question.insist(&self.presence, PATIENCE, |fault| !fault.leaves_open()).await;
        answered.map_err(|fault| fault.of(PART))
    }
}
