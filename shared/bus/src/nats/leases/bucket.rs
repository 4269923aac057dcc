//! What stands in the bucket of members and claims, and where.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::stream::{Config, StorageType},
};
use bytes::Bytes;

use super::super::{
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::{
    lease::Lease,
    member::{Member, Seat},
};

/// The stream of the bucket.
const STREAM: &str = "KV_berth_leases";
/// What the stream stores.
const SUBJECTS: &str = "$KV.berth_leases.>";
/// Where every member stands, and the mark of every one that leaves.
pub(super) const MEMBERS: &str = "$KV.berth_leases.member.*.*";
/// What the subjects of members begin with.
const MEMBERS_BEGIN: &str = "$KV.berth_leases.member.";
/// Between the name of a member and the life of it that is about to end, in the subject of its mark.
const LEAVES: char = '_';
/// How long one call to NATS may take: short, so that a renewal can be tried more than once.
const CALL_MAX: Duration = Duration::from_secs(1);

/// What is said by the subject of a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// A member has its lease.
    Lives(Seat),
    /// A life of a member is about to end.
    Leaves(Seat, String),
}

/// Who holds a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) seat: Seat,
    /// The life of the member in which it took it.
    pub(super) start: String,
}

/// Who held a partition last, and under which epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) epoch: u64,
    /// None if it was given back.
    pub(super) holder: Option<Holder>,
}

/// Finds or makes the bucket.
pub(super) async fn open(client: Client, replicas: usize) -> Result<Table, OpenError> {
    let settings = Config {
        storage: StorageType::File,
        max_messages_per_subject: 1,
        allow_message_ttl: true,
        ..settings(STREAM, SUBJECTS, replicas)
    };
    Table::open(client, &settings, CALL_MAX).await
}

/// Where the lease of a member stands.
pub(super) fn member_subject(seat: &Seat) -> String {
    format!("{MEMBERS_BEGIN}{seat}")
}

/// Where a member says that it is about to leave. It stands in a subject, since that is all that others list.
pub(super) fn leaving_subject(seat: &Seat, start: &str) -> String {
    format!("{MEMBERS_BEGIN}{seat}{LEAVES}{start}")
}

/// Where the claim to a partition stands.
pub(super) fn claim_subject(lease: Lease) -> String {
    format!("$KV.berth_leases.epoch.{lease}")
}

/// Reads the subject of a member; none if it is something else.
pub(super) fn read_sign(subject: &str) -> Option<Sign> {
    let name = subject.strip_prefix(MEMBERS_BEGIN)?;
    match name.split_once(LEAVES) {
        None => name.parse().ok().map(Sign::Lives),
        Some((seat, start)) => Some(Sign::Leaves(seat.parse().ok()?, start.to_owned())),
    }
}

/// What a member says of itself, as it stands in the bucket: in JSON, so that other releases and the usual tools read it.
pub(super) fn encode_member(member: &Member) -> Result<Bytes, StreamError> {
    serde_json::to_vec(member).map(Bytes::from).map_err(|_| StreamError::Malformed)
}

/// Whether the message there is of a member that lives: the server can be made to put an answer of its own there, and one
/// that has left leaves an empty one.
pub(super) fn decode_member(payload: &[u8]) -> Option<Member> {
    serde_json::from_slice(payload).ok()
}

// === impl Claim ===

impl Claim {
    /// The epoch and its holder.
    pub(super) fn encode(&self) -> Bytes {
        let holder = self.holder.as_ref().map(|Holder { seat, start }| format!("{seat} {start}"));
        [self.epoch.to_be_bytes().as_slice(), holder.unwrap_or_default().as_bytes()].concat().into()
    }

    /// One that is not ours says nothing, as if the bucket had been lost.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let (epoch, holder) = payload.split_first_chunk()?;
        let holder = match holder {
            [] => None,
            text => {
                let (seat, start) = std::str::from_utf8(text).ok()?.split_once(' ')?;
                Some(Holder { seat: seat.parse().ok()?, start: start.to_owned() })
            }
        };
        Some(Self { epoch: u64::from_be_bytes(*epoch), holder })
    }
}

/// None if somebody else wrote first.
pub(super) fn unless_conflict<T>(result: Result<T, StreamError>) -> Result<Option<T>, StreamError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StreamError::Conflict) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_read_as_it_was_written() {
        let seat: Seat = "connector.a-1".parse().unwrap();
        let holder = Some(Holder { seat, start: "9f".to_owned() });
        for claim in [Claim { epoch: 7, holder }, Claim { epoch: u64::MAX, holder: None }] {
            assert_eq!(Claim::decode(&claim.encode()), Some(claim));
        }
        for other in [&b"{\"type\":\"io.nats\"}"[..], b"short", b""] {
            assert_eq!(Claim::decode(other), None);
        }
    }

    #[test]
    fn a_subject_says_who_lives_and_who_leaves() {
        let seat: Seat = "webhooks.a".parse().unwrap();
        assert_eq!(read_sign(&member_subject(&seat)), Some(Sign::Lives(seat.clone())));
        let leaves = Sign::Leaves(seat.clone(), "9f".to_owned());
        assert_eq!(read_sign(&leaving_subject(&seat, "9f")), Some(leaves));
        for other in ["$KV.berth_leases.epoch.webhooks.1", "$KV.berth_leases.member.nobody.a", "x"] {
            assert_eq!(read_sign(other), None);
        }
    }
}
