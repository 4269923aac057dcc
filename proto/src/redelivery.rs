//! Asking whoever dispatches to send something again, or to send something to try an endpoint.

use serde::{Deserialize, Serialize};

use crate::{
    attempt::AttemptEndV1,
    codec::{Frozen, types},
    delivery::SettlementV1,
    ids::{CommandId, EndpointId},
    limits,
    time::Timestamp,
};

/// What is asked of an instance's endpoint, on [`crate::subject::redelivery_subject`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedeliveryRequestV1 {
    /// Send one delivery again.
    Resend {
        /// The endpoint.
        endpoint: EndpointId,
        /// Its `webhook-id`, without the `msg_`.
        id: CommandId,
    },
    /// Try what waits now.
    RetryNow {
        /// The endpoint.
        endpoint: EndpointId,
    },
    /// Send again, in order, what was given up, and try what waits now.
    Recover {
        /// The endpoint.
        endpoint: EndpointId,
        /// About what happened at this moment or later.
        since: Timestamp,
    },
    /// Send a notice that says nothing.
    Test {
        /// The endpoint.
        endpoint: EndpointId,
    },
    /// Send a notice that says nothing to an endpoint of the account whose id stands in the place of the instance's.
    TestOfAccount {
        /// The endpoint.
        endpoint: EndpointId,
    },
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedeliveryReplyV1 {
    /// It is on its way.
    Done {
        /// Deliveries that are sent, or tried now.
        deliveries: u32,
        /// Whether there are more than one question may bring back: ask again.
        more: bool,
    },
    /// The instance may not be spoken of to this endpoint now.
    Silent {
        /// What a notice would be settled as.
        by: SettlementV1,
    },
    /// What the test came to.
    Tested {
        /// Its `webhook-id`, without the `msg_`.
        id: CommandId,
        /// How it ended.
        end: AttemptEndV1,
    },
    /// There is no such delivery or endpoint, or not any more, or it was a code.
    Unknown,
    /// Not done; the same may be asked again.
    Unavailable,
}

impl Frozen for RedeliveryRequestV1 {
    const TYPE: u16 = types::REDELIVERY_REQUEST;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}

impl Frozen for RedeliveryReplyV1 {
    const TYPE: u16 = types::REDELIVERY_REPLY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}
