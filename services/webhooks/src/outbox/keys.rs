//! The keys of notices in the outbox.

use berth_proto::{EndpointId, InstanceId, delivery::NoticeKeyV1};

/// First byte of the key of a notice that is owed.
pub(super) const OWED: u8 = b'n';
/// First byte of the key of a settled notice.
pub(super) const SETTLED: u8 = b's';
/// First byte of the key of what is kept for last notices.
const KEPT: u8 = b'k';
/// Bytes of the key of a notice that is owed or settled.
pub(crate) const KEY_BYTES: usize = 1 + 16 + 8 + 16 + 2;

pub(super) fn row_key(kind: u8, notice: &NoticeKeyV1) -> Vec<u8> {
    let mut key = Vec::with_capacity(KEY_BYTES);
    key.push(kind);
    key.extend_from_slice(notice.instance.as_bytes());
    key.extend_from_slice(&notice.version.to_be_bytes());
    key.extend_from_slice(notice.endpoint.as_bytes());
    key.extend_from_slice(&notice.ordinal.to_be_bytes());
    key
}

/// The key of a notice that is owed.
pub fn owed_key(notice: &NoticeKeyV1) -> Vec<u8> {
    row_key(OWED, notice)
}

/// The key of how a notice was settled.
pub fn settled_key(notice: &NoticeKeyV1) -> Vec<u8> {
    row_key(SETTLED, notice)
}

/// The key of what is kept for the last notices of a deleted instance.
pub fn kept_key(instance: InstanceId) -> Vec<u8> {
    let mut key = vec![KEPT];
    key.extend_from_slice(instance.as_bytes());
    key
}

/// The beginning of the keys of everything that is owed, or of what one instance's endpoints are owed.
pub fn owed_prefix(instance: Option<InstanceId>) -> Vec<u8> {
    let mut prefix = vec![OWED];
    prefix.extend(instance.iter().flat_map(InstanceId::as_bytes));
    prefix
}

/// The beginning of the keys of how the notices of an instance were settled.
pub(crate) fn settled_prefix(instance: InstanceId) -> Vec<u8> {
    let mut prefix = vec![SETTLED];
    prefix.extend_from_slice(instance.as_bytes());
    prefix
}

/// The notice that a key names; none if it is not the key of one that is owed.
pub fn read_owed_key(key: &[u8]) -> Option<NoticeKeyV1> {
    read_key(OWED, key)
}

/// The notice that a key names; none if it is not the key of one that is settled.
pub(crate) fn read_settled_key(key: &[u8]) -> Option<NoticeKeyV1> {
    read_key(SETTLED, key)
}

fn read_key(kind: u8, key: &[u8]) -> Option<NoticeKeyV1> {
    let (first, rest) = key.split_first()?;
    if *first != kind {
        return None;
    }
    let (instance, rest) = rest.split_first_chunk::<16>()?;
    let (version, rest) = rest.split_first_chunk::<8>()?;
    let (endpoint, rest) = rest.split_first_chunk::<16>()?;
    let ordinal = <[u8; 2]>::try_from(rest).ok()?;
    Some(NoticeKeyV1 {
        instance: InstanceId::from_bytes(*instance),
        version: u64::from_be_bytes(*version),
        endpoint: EndpointId::from_bytes(*endpoint),
        ordinal: u16::from_be_bytes(ordinal),
    })
}
