//! The rows of the table of attempts, and their keys.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `attempts` | notice, began | an attempt |
//! | `deliveries` | notice | [`Delivery`]: how far a notice is |
//! | `accounts` | account, first began, notice | nothing: all of an account, by time |
//! | `failures` | the same | nothing: those of which an attempt failed |
//! | `ids` | `webhook-id` | the notice |
//! | `ages` | first began, notice | nothing: what is dropped next |
//!
//! A notice is (instance, endpoint, version, ordinal) here, so that what an endpoint was sent stands together.

use berth_proto::{
    AccountId, EndpointId, InstanceId, Timestamp,
    attempt::{AfterAttemptV1, AttemptResultV1, DeliveryAttemptV1},
    delivery::{NoticeClass, NoticeKeyV1},
};
use serde::{Deserialize, Serialize};

/// Bytes of a notice in a key.
pub(super) const NOTICE_BYTES: usize = 16 + 16 + 8 + 2;

/// How far a notice is, for whoever dispatches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    /// Attempts that were started and count.
    pub(crate) attempts: u16,
    /// When the next one is due.
    pub(crate) due: Timestamp,
    /// Whether one runs, or ran when its process died.
    pub(crate) running: bool,
}

/// How far a notice is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// The place of the record that this is made from: an earlier one changes nothing.
    pub(super) sequence: u64,
    /// Bytes of its attempts.
    pub(super) bytes: u64,
    /// The account of its instance at the first attempt.
    pub(crate) account: AccountId,
    /// When it may be sent.
    pub(crate) class: NoticeClass,
    /// What it says.
    pub(crate) event: String,
    /// When it came into being.
    pub(crate) occurred_at: Timestamp,
    /// When the first attempt began.
    pub(crate) first_at: Timestamp,
    /// Whether an attempt failed.
    pub(crate) failed: bool,
    /// The number of the last attempt.
    pub(crate) number: u16,
    /// When that began.
    pub(crate) started_at: Timestamp,
    /// How it ended; none while it runs, or if nobody knows.
    pub(crate) end: Option<(AttemptResultV1, AfterAttemptV1)>,
}

// === impl Delivery ===

impl Delivery {
    /// What it is after a record, if the record is news.
    pub(super) fn after(before: Option<&Self>, sequence: u64, attempt: &DeliveryAttemptV1) -> Option<Self> {
        if before.is_some_and(|before| before.sequence >= sequence) {
            return None;
        }
        let end = attempt.end.as_ref().map(|end| (end.result, end.then));
        let failed = end.is_some_and(|(result, then)| is_failure(result, then));
        Some(Self {
            sequence,
            bytes: before.map_or(0, |before| before.bytes),
            account: before.map_or(attempt.account, |before| before.account),
            class: attempt.class,
            event: attempt.event.clone(),
            occurred_at: attempt.occurred_at,
            first_at: before.map_or(attempt.started_at, |before| before.first_at),
            failed: failed || before.is_some_and(|before| before.failed),
            number: attempt.number,
            started_at: attempt.started_at,
            end,
        })
    }

    /// What the dispatcher needs of it; none once it is settled.
    pub(super) fn tried(&self) -> Option<Tried> {
        let attempts = self.number;
        match self.end {
            None => Some(Tried { attempts, due: self.started_at, running: true }),
            Some((AttemptResultV1::NotSent, AfterAttemptV1::Waits { until })) => {
                Some(Tried { attempts: attempts.saturating_sub(1), due: until, running: false })
            }
            Some((_, AfterAttemptV1::Waits { until })) => {
                Some(Tried { attempts, due: until, running: false })
            }
            Some((_, AfterAttemptV1::Settled { .. })) => None,
        }
    }
}

/// Whether whoever looks for what went wrong wants to see it.
fn is_failure(result: AttemptResultV1, then: AfterAttemptV1) -> bool {
    use berth_proto::delivery::SettlementV1::Delivered;
    result != AttemptResultV1::NotSent && then != AfterAttemptV1::Settled { outcome: Delivered }
}

// === keys ===

/// A notice.
pub(crate) fn notice(of: &NoticeKeyV1) -> Vec<u8> {
    let mut key = endpoint(of.instance, of.endpoint);
    key.extend_from_slice(&of.version.to_be_bytes());
    key.extend_from_slice(&of.ordinal.to_be_bytes());
    key
}

/// The beginning of the notices of an endpoint.
pub(super) fn endpoint(instance: InstanceId, endpoint: EndpointId) -> Vec<u8> {
    let mut key = Vec::with_capacity(NOTICE_BYTES + 16 + 8);
    key.extend_from_slice(instance.as_bytes());
    key.extend_from_slice(endpoint.as_bytes());
    key
}

/// An attempt.
pub(super) fn attempt(of: &NoticeKeyV1, began: Timestamp) -> Vec<u8> {
    let mut key = notice(of);
    key.extend_from_slice(&moment(began));
    key
}

/// A place by time, of an account or, without one, among all.
pub(super) fn by_time(account: Option<AccountId>, first_at: Timestamp, of: &NoticeKeyV1) -> Vec<u8> {
    let mut key = Vec::with_capacity(16 + 8 + NOTICE_BYTES);
    key.extend(account.iter().flat_map(AccountId::as_bytes));
    key.extend_from_slice(&moment(first_at));
    key.extend_from_slice(&notice(of));
    key
}

/// A moment whose bytes are in the order of time.
pub(super) const fn moment(at: Timestamp) -> [u8; 8] {
    at.0.cast_unsigned().wrapping_add(1 << 63).to_be_bytes()
}

/// The notice at the end of a key.
pub(super) fn read_notice(key: &[u8]) -> Option<NoticeKeyV1> {
    let (_, key) = key.split_last_chunk::<NOTICE_BYTES>()?;
    let (instance, rest) = key.split_first_chunk::<16>()?;
    let (endpoint, rest) = rest.split_first_chunk::<16>()?;
    let (version, ordinal) = rest.split_first_chunk::<8>()?;
    Some(NoticeKeyV1 {
        instance: InstanceId::from_bytes(*instance),
        version: u64::from_be_bytes(*version),
        endpoint: EndpointId::from_bytes(*endpoint),
        ordinal: u16::from_be_bytes(ordinal.try_into().ok()?),
    })
}
