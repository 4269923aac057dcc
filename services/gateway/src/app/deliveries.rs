//! What was sent to endpoints: any webhooks replica answers, from the store of attempts.

use std::{collections::HashMap, sync::Arc, time::Duration};

use berth_bus::{Bus, KeyRing, Presence};
use berth_proto::{
    AccountId, CommandId, EndpointId, InstanceId,
    attempt::DeliveryAttemptV1,
    deliveries::{
        DeliveriesPageV1, DeliveriesReplyV1, DeliveriesRequestV1, DeliveryV1, FailingEndpointV1,
        OWED_INSTANCES_MAX,
    },
    subject::deliveries_subject,
};
use berth_runtime::sealing::field;

use super::{
    asking::{AskFault, Question},
    failure::Failure,
    record::Record,
};

/// What answers, as an error names it.
const PART: &str = "the log of deliveries";
/// How long one question may take.
const ASKED_MAX: Duration = Duration::from_secs(5);
/// How long a list waits to hear what its instances are owed: it is shown without, if need be.
const OWED_WAIT: Duration = Duration::from_millis(300);
/// How long it may take to say how endpoints fare, which is shown beside other things.
const FAILING_ASKED_MAX: Duration = Duration::from_secs(1);
/// How long is asked again while nobody answers.
const PATIENCE: Duration = Duration::from_secs(6);

/// A page of deliveries, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveriesPage {
    /// The deliveries.
    pub deliveries: Vec<DeliveryV1>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Vec<u8>>,
}

/// An attempt, with what the endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The attempt.
    pub attempt: DeliveryAttemptV1,
    /// The beginning of the answer's body, opened.
    pub answer: Option<String>,
}

/// Asks what was sent.
#[derive(Debug)]
pub struct Deliveries {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) keys: KeyRing,
    pub(super) presence: Presence,
}

impl Deliveries {
    /// A page of what the endpoints of an account were sent.
    pub async fn page(&self, asked: DeliveriesPageV1) -> Result<DeliveriesPage, Failure> {
        let account = asked.account;
        match self.ask(account, &DeliveriesRequestV1::Page(asked)).await? {
            DeliveriesReplyV1::Page { deliveries, next } => Ok(DeliveriesPage { deliveries, next }),
            _ => Err(AskFault::Unexpected.of(PART)),
        }
    }

    /// A page of what an endpoint of an account was sent about all instances.
    pub async fn of_endpoint(
        &self,
        endpoint: EndpointId,
        asked: DeliveriesPageV1,
    ) -> Result<DeliveriesPage, Failure> {
        let account = asked.account;
        match self.ask(account, &DeliveriesRequestV1::OfEndpoint { endpoint, page: asked }).await? {
            DeliveriesReplyV1::Page { deliveries, next } => Ok(DeliveriesPage { deliveries, next }),
            _ => Err(AskFault::Unexpected.of(PART)),
        }
    }

    /// One delivery of an endpoint, with its attempts.
    pub async fn one(
        &self,
        record: &Record,
        endpoint: EndpointId,
        id: CommandId,
    ) -> Result<(DeliveryV1, Vec<Attempt>), Failure> {
        let asked = DeliveriesRequestV1::One { instance: record.id, endpoint, id };
        match self.ask(record.state.account, &asked).await? {
            DeliveriesReplyV1::One(delivery, attempts) => {
                Ok((delivery, self.opened(record.id, attempts).await?))
            }
            DeliveriesReplyV1::Unknown => Err(Failure::NotFound),
            _ => Err(AskFault::Unexpected.of(PART)),
        }
    }

    /// How many notices each of these instances of an account is owed, as far as is known at once: a number of
    /// [`OWED_COUNTED_MAX`](berth_proto::deliveries::OWED_COUNTED_MAX) is that many or more. It fails where a release before this one answers, too.
    pub async fn owed(
        &self,
        account: AccountId,
        instances: Vec<InstanceId>,
    ) -> Result<HashMap<InstanceId, u16>, Failure> {
        let mut owed = HashMap::with_capacity(instances.len());
        for part in instances.chunks(OWED_INSTANCES_MAX) {
            let asked = DeliveriesRequestV1::Owed { instances: part.to_vec() };
            let (bus, subject) = (self.bus.as_ref(), deliveries_subject(account));
            let question = Question { bus, subject, asked: &asked, timeout: OWED_WAIT };
            match question.ask().await.map_err(|fault| fault.of(PART))? {
                DeliveriesReplyV1::Owed(counts) => owed.extend(part.iter().copied().zip(counts)),
                _ => return Err(AskFault::Unexpected.of(PART)),
            }
        }
        Ok(owed)
    }

    /// Those of an instance's endpoints that take nothing at present. None are if nobody answers at once: what else is asked of
    /// the instance does not wait for it.
    pub async fn failing(&self, record: &Record) -> HashMap<EndpointId, FailingEndpointV1> {
        let endpoints = record.state.webhooks.iter().map(|webhook| webhook.id).collect();
        self.failing_of(record.state.account, endpoints).await
    }

    /// Those of these endpoints that take nothing at present; see [`Self::failing`].
    pub async fn failing_of(
        &self,
        account: AccountId,
        endpoints: Vec<EndpointId>,
    ) -> HashMap<EndpointId, FailingEndpointV1> {
        if endpoints.is_empty() {
            return HashMap::new();
        }
        let question = Question {
            bus: self.bus.as_ref(),
            subject: deliveries_subject(account),
            asked: &DeliveriesRequestV1::Failing { account, endpoints },
            timeout: FAILING_ASKED_MAX,
        };
        match question.ask().await {
            Ok(DeliveriesReplyV1::Failing(failing)) => {
                failing.into_iter().map(|one| (one.endpoint, one)).collect()
            }
            _ => HashMap::new(),
        }
    }

    /// Opens the answers: of a deleted instance nobody can.
    async fn opened(
        &self,
        instance: InstanceId,
        attempts: Vec<DeliveryAttemptV1>,
    ) -> Result<Vec<Attempt>, Failure> {
        let key = self.keys.key(instance.as_bytes()).await?;
        let open = |attempt: &DeliveryAttemptV1| {
            let sealed = attempt.end.as_ref()?.answer.as_ref()?;
            key.as_ref()?.open_text(instance.as_bytes(), field::ANSWER, sealed).ok()
        };
        Ok(attempts.into_iter().map(|attempt| Attempt { answer: open(&attempt), attempt }).collect())
    }

    async fn ask(
        &self,
        account: AccountId,
        asked: &DeliveriesRequestV1,
    ) -> Result<DeliveriesReplyV1, Failure> {
        let question = Question {
            bus: self.bus.as_ref(),
            subject: deliveries_subject(account),
            asked,
            timeout: ASKED_MAX,
        };
        question.insist(&self.presence, PATIENCE, |_| true).await.map_err(|fault| fault.of(PART))
    }
}
