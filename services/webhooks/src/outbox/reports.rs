//! What the endpoints of an account are told of an endpoint: how it fares, each once.
//!
//! That something is to be told is a commit of the delivery stream of the account's partition, so that it is told once whoever
//! owns the partition. The row of what was told last is what the owner compares with; it is forgotten once the endpoint was told to
//! have recovered, and after a month.

use berth_domain::instance::NoticeClass;
use berth_notices::{derive::wants_event, formats::NATIVE};
use berth_proto::{
    AccountId, EndpointId, InstanceId, Partition, Timestamp,
    delivery::{EndpointReportedV1, EndpointStandingV1, NoticeKeyV1},
    instance::WebhookV1,
};
use serde::{Deserialize, Serialize};

use super::{CommitStands, Owed};

/// First byte of the key of what was told of an endpoint.
pub(super) const TOLD: u8 = b't';

/// What an account was told last of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The version of the commit of the delivery stream.
    pub(super) version: u64,
    pub(crate) standing: EndpointStandingV1,
}

/// A report, as far as notices follow from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    account: AccountId,
    /// The version of the commit of the delivery stream, and where it stands.
    version: u64,
    revision: u64,
    /// When that was.
    at: Timestamp,
    endpoint: EndpointId,
    standing: EndpointStandingV1,
}

// === impl Report ===

impl Report {
    pub(super) fn of(reported: &EndpointReportedV1, (version, revision): (u64, u64), at: Timestamp) -> Self {
        let EndpointReportedV1 { account, endpoint, standing, .. } = *reported;
        Self { account, version, revision, at, endpoint, standing }
    }

    /// What stands in the place of the instance.
    pub(super) const fn instance(&self) -> InstanceId {
        InstanceId::from_bytes(*self.account.as_bytes())
    }

    /// The version of the commit.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// The notices to these endpoints, with their rows.
    pub(super) fn notices(&self, listeners: &[WebhookV1]) -> Vec<(NoticeKeyV1, Owed)> {
        let told = listeners.iter().filter(|webhook| listens(webhook, self.endpoint, self.standing));
        told.map(|webhook| {
            let key = NoticeKeyV1 {
                instance: self.instance(),
                version: self.version,
                endpoint: webhook.id,
                ordinal: 0,
            };
            let owed = Owed {
                class: NoticeClass::Operational,
                session: 0,
                code: None,
                occurred_at: self.at,
                format: NATIVE.to_owned(),
                event: event_of(self.standing).to_owned(),
                commit: CommitStands::Applied { revision: self.revision },
            };
            (key, owed)
        })
        .collect()
    }
}

/// Whether an endpoint of the account is told how this one fares. Nobody is told of himself.
pub(crate) fn listens(webhook: &WebhookV1, about: EndpointId, standing: EndpointStandingV1) -> bool {
    webhook.id != about && wants_event(webhook, event_of(standing))
}

/// What it is called.
pub(crate) const fn event_of(standing: EndpointStandingV1) -> &'static str {
    match standing {
        EndpointStandingV1::Failing => "endpoint.failing",
        EndpointStandingV1::Exhausted => "endpoint.exhausted",
        EndpointStandingV1::Disabled => "endpoint.disabled",
        EndpointStandingV1::Recovered => "endpoint.recovered",
    }
}

/// Whether a standing is news to whoever was told that before.
pub(crate) fn is_news(told: Option<EndpointStandingV1>, now: EndpointStandingV1) -> bool {
    use EndpointStandingV1::{Exhausted, Failing, Recovered};
    match (told, now) {
        (None, Recovered) | (Some(Exhausted), Failing) => false,
        (told, now) => told != Some(now),
    }
}

/// The key of what was told of an endpoint.
pub(crate) fn told_key(account: AccountId, endpoint: EndpointId) -> Vec<u8> {
    let mut key = told_prefix(Partition::of(account.as_bytes()));
    key.extend_from_slice(account.as_bytes());
    key.extend_from_slice(endpoint.as_bytes());
    key
}

/// The beginning of the keys of what accounts of a partition were told.
pub(crate) fn told_prefix(partition: Partition) -> Vec<u8> {
    vec![TOLD, partition.number()]
}

/// The endpoint in such a key.
pub(crate) fn about(key: &[u8]) -> EndpointId {
    EndpointId::from_bytes(key.last_chunk().copied().unwrap_or_default())
}
