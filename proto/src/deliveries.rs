//! Asking what was sent to the endpoints of an account, and what came of it.

use serde::{Deserialize, Serialize};

use crate::{
    attempt::{AttemptResultV1, DeliveryAttemptV1},
    codec::{Frozen, types},
    delivery::{NoticeClass, NoticeKeyV1, SettlementV1},
    ids::{AccountId, CommandId, EndpointId, InstanceId},
    limits,
    time::Timestamp,
};

/// Endpoints that are asked about at once.
pub const ENDPOINTS_ASKED_MAX: usize = 64;

/// Most deliveries of one page.
pub const DELIVERIES_PAGE_MAX: u16 = 100;

/// Most instances that one question counts for.
pub const OWED_INSTANCES_MAX: usize = 100;
/// Notices of an instance that are counted at most: so many are that many or more.
pub const OWED_COUNTED_MAX: u16 = 100;

/// What is asked, on [`crate::subject::deliveries_subject`]; any replica answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveriesRequestV1 {
    /// A page, the newest first.
    Page(DeliveriesPageV1),
    /// One, with its attempts.
    One {
        /// The instance that it is of.
        instance: InstanceId,
        /// The endpoint that it goes to.
        endpoint: EndpointId,
        /// Its `webhook-id`, without the `msg_`.
        id: CommandId,
    },
    /// How many notices these instances are owed, as far as the replica that answers knows.
    Owed {
        /// The instances, at most [`OWED_INSTANCES_MAX`].
        instances: Vec<InstanceId>,
    },
    /// How endpoints fare that take nothing at present.
    Failing {
        /// The account: what its instances do not have is not told.
        account: AccountId,
        /// Which, at most [`ENDPOINTS_ASKED_MAX`].
        endpoints: Vec<EndpointId>,
    },
    /// A page of what an endpoint of an account was sent about all instances, by when it was first tried, the newest first.
    OfEndpoint {
        /// The endpoint.
        endpoint: EndpointId,
        /// Which of it; its `endpoint` says nothing.
        page: DeliveriesPageV1,
    },
}

/// Which deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveriesPageV1 {
    /// The account: what its instances do not have is not told.
    pub account: AccountId,
    /// Of one endpoint of an instance, by what they are about; else of all, by when they were first tried.
    pub endpoint: Option<(InstanceId, EndpointId)>,
    /// Of one instance.
    pub instance: Option<InstanceId>,
    /// How they stand; empty is however they do.
    pub standings: Vec<StandingV1>,
    /// About what happened at this moment or later.
    pub since: Option<Timestamp>,
    /// About what happened before this moment.
    pub until: Option<Timestamp>,
    /// Where the page begins, as the page before said; opaque.
    pub before: Option<Vec<u8>>,
    /// Most deliveries of the page.
    pub limit: u16,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StandingV1 {
    /// It waits, or is being tried.
    Waiting,
    /// It is settled.
    Settled {
        /// How.
        outcome: SettlementV1,
    },
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryV1 {
    /// Its `webhook-id`, without the `msg_`.
    pub id: CommandId,
    /// The notice.
    pub notice: NoticeKeyV1,
    /// When it may be sent.
    pub class: NoticeClass,
    /// What it says, in the words of its format.
    pub event: String,
    /// When that happened.
    pub occurred_at: Timestamp,
    /// How it stands.
    pub standing: StandingV1,
    /// Attempts so far: those since it was last sent again on request.
    pub attempts: u16,
    /// When the first attempt began; none before it.
    pub first_at: Option<Timestamp>,
    /// When the last attempt began.
    pub last_at: Option<Timestamp>,
    /// What came of it; none while it runs, or if nobody knows.
    pub last: Option<AttemptResultV1>,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveriesReplyV1 {
    /// A page.
    Page {
        /// The deliveries, perhaps fewer than asked for although there are more.
        deliveries: Vec<DeliveryV1>,
        /// Where the next page begins; none after the last one.
        next: Option<Vec<u8>>,
    },
    /// One delivery and its attempts, the oldest first.
    One(DeliveryV1, Vec<DeliveryAttemptV1>),
    /// It is not known, or not any more.
    Unknown,
    /// Not answered; the same may be asked again.
    Unavailable,
    /// What each instance is owed, in the order of the question: [`OWED_COUNTED_MAX`] is that many or more.
    Owed(Vec<u16>),
    /// Those of the endpoints that take nothing at present.
    Failing(Vec<FailingEndpointV1>),
}

/// An endpoint whose last attempts all failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingEndpointV1 {
    /// Which.
    pub endpoint: EndpointId,
    /// Attempts that failed since the last that did not.
    pub failures: u32,
    /// When the first of them ended.
    pub since: Timestamp,
    /// When the next notice may try whether it takes something again, if it is left alone until then.
    pub left_alone_until: Option<Timestamp>,
}

impl Frozen for DeliveriesRequestV1 {
    const TYPE: u16 = types::DELIVERIES_REQUEST;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}

impl Frozen for DeliveriesReplyV1 {
    const TYPE: u16 = types::DELIVERIES_REPLY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}
