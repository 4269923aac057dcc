//! Events and carried state of a delivery stream: which notices are settled.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, RecordV1, types, wire_enum},
    commit::CarriedState,
    ids::{AccountId, EndpointId, InstanceId},
    limits,
    time::Timestamp,
};

wire_enum!(
    /// Something that happened to the deliveries of a partition.
    DeliveryEvent, max limits::STATE_BYTES_MAX, {
        /// Notices were settled.
        401 v 1 => NoticesSettled(NoticesSettledV1),
        /// A dispatcher took the partition over: an older epoch may not settle any more.
        402 v 1 => DispatcherChanged(DispatcherChangedV1),
        /// What the last notices of a deleted instance need, sealed under a key of their own.
        403 v 1 => LastWordsKept(LastWordsKeptV1),
        /// Settled notices are owed again, since somebody asked for them.
        424 v 1 => NoticesReopened(NoticesReopenedV1),
        /// The account is told how one of its endpoints fares; one in a commit.
        425 v 1 => EndpointReported(EndpointReportedV1),
    }
);

/// Notices settled by one commit at most.
pub const SETTLED_PER_COMMIT_MAX: usize = 256;

/// See [`DeliveryEvent::NoticesSettled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticesSettledV1 {
    /// The notices.
    pub notices: Vec<SettledV1>,
}

/// See [`DeliveryEvent::DispatcherChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DispatcherChangedV1 {
    /// The fencing epoch of the new dispatcher.
    pub epoch: u64,
}

/// See [`DeliveryEvent::LastWordsKept`]. The key dies when the notices are settled, a day after the deletion at
/// the latest, and with it what is kept here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWordsKeptV1 {
    /// The deleted instance.
    pub instance: InstanceId,
    /// The notices.
    pub notices: Vec<NoticeKeyV1>,
    /// The state of the deletion, with nothing in it but what the notices need.
    pub state: RecordV1,
}

/// See [`DeliveryEvent::NoticesReopened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticesReopenedV1 {
    /// The notices, with what is known of them without their commits: a view folds streams in any order.
    pub notices: Vec<ReopenedV1>,
}

/// See [`DeliveryEvent::EndpointReported`]. The notices of it are named by the account's id in the place of an instance's and
/// by the version of this commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointReportedV1 {
    /// The account whose endpoint, or whose instance's endpoint it is.
    pub account: AccountId,
    /// The version of the account whose endpoints are told.
    pub account_version: u64,
    /// The endpoint that it is about.
    pub endpoint: EndpointId,
    /// The instance that it was last told of; the account's id if that was how another endpoint fares.
    pub instance: InstanceId,
    /// How it fares.
    pub standing: EndpointStandingV1,
    /// Attempts that failed since the last that did not.
    pub failures: u32,
    /// When the first of these ended.
    pub since: Option<Timestamp>,
}

/// How an endpoint fares, as far as its owner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStandingV1 {
    /// It takes things again.
    Recovered,
    /// Its last attempts failed.
    Failing,
    /// Something was given up for it.
    Exhausted,
    /// It was disabled: it asked for it, or took nothing for days.
    Disabled,
}

/// A notice that is owed again. Never a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReopenedV1 {
    /// Which.
    pub notice: NoticeKeyV1,
    /// When it may be sent.
    pub class: NoticeClass,
    /// The session that it is about.
    pub session: u32,
    /// When it came into being.
    pub occurred_at: Timestamp,
    /// The format that it was derived for.
    pub format: String,
    /// What it says, in the words of the format.
    pub event: String,
}

/// The id of a notice: never derived from its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NoticeKeyV1 {
    /// The instance.
    pub instance: InstanceId,
    /// The version of the commit that it is derived from.
    pub version: u64,
    /// The endpoint it goes to.
    pub endpoint: EndpointId,
    /// Its place among the notices of that commit and endpoint.
    pub ordinal: u16,
}

/// A settled notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledV1 {
    /// Which.
    pub notice: NoticeKeyV1,
    /// How.
    pub outcome: SettlementV1,
    /// Attempts that were made.
    pub attempts: u16,
    /// When.
    pub at: Timestamp,
}

/// What a notice is about, as far as it matters for when it may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoticeClass {
    /// Anything that is none of the others.
    Lifecycle,
    /// The session ended: the one notice, or ordered group, that outlives the logout.
    Disconnect,
    /// A QR or pairing code is shown.
    Qr,
    /// The instance was deleted: the final notice of an endpoint that asked for it.
    Deletion,
    /// Of no instance: how an endpoint of the account fares.
    Operational,
}

/// How a notice was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementV1 {
    /// The endpoint accepted it.
    Delivered,
    /// All attempts failed.
    Exhausted,
    /// A logout came first.
    CancelledByLogout,
    /// The instance was deleted first.
    CancelledByDelete,
    /// The endpoint was removed or disabled first.
    CancelledByEndpoint,
    /// A newer notice or session took its place.
    Superseded,
    /// It had expired.
    Expired,
}

/// The state of a delivery stream after a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryStateV1 {
    /// The fencing epoch of the dispatcher.
    pub epoch: u64,
    /// Notices settled so far.
    pub settled: u64,
}

impl CarriedState for DeliveryStateV1 {}

impl Frozen for DeliveryStateV1 {
    const TYPE: u16 = types::DELIVERY_STATE;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::STATE_BYTES_MAX;
}
