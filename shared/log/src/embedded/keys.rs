//! How streams and commits stand in the engine's tables. This is a storage format: never edit, add.

use berth_proto::{AccountId, DirectoryId, InstanceId, Kind, Partition, StreamKey};
use bytes::Bytes;

use crate::port::{Stored, Tail};

/// Bytes of a stream's key: its kind, then its id.
const STREAM_BYTES: usize = 17;
/// Bytes before the payload of a commit: its stream's key, then its version, big-endian.
const HEAD_BYTES: usize = STREAM_BYTES + 8;

/// The key of a stream.
pub(super) fn stream_key(stream: &StreamKey) -> [u8; STREAM_BYTES] {
    let mut key = [0; STREAM_BYTES];
    let (kind, id) = key.split_at_mut(1);
    kind.copy_from_slice(&[match stream.kind() {
        Kind::Instance => 0,
        Kind::Account => 1,
        Kind::Directory => 2,
        Kind::Delivery => 3,
    }]);
    id.copy_from_slice(stream.id());
    key
}

fn stream_of(key: &[u8; STREAM_BYTES]) -> Option<StreamKey> {
    let [kind, id @ ..] = *key;
    match kind {
        0 => Some(StreamKey::instance(InstanceId::from_bytes(id))),
        1 => Some(StreamKey::account(AccountId::from_bytes(id))),
        2 => Some(StreamKey::directory(DirectoryId::from_bytes(id))),
        3 => {
            let [.., number] = id;
            Partition::new(number).map(StreamKey::delivery)
        }
        _ => None,
    }
}

/// The key of a version of a stream: versions of a stream stand in their order.
pub(super) fn version_key(stream: &StreamKey, version: u64) -> [u8; HEAD_BYTES] {
    let mut key = [0; HEAD_BYTES];
    let (head, number) = key.split_at_mut(STREAM_BYTES);
    head.copy_from_slice(&stream_key(stream));
    number.copy_from_slice(&version.to_be_bytes());
    key
}

/// The value of a stream in the index of tails: version, then revision, big-endian.
pub(super) fn tail_row(tail: Tail) -> [u8; 16] {
    let mut row = [0; 16];
    let (version, revision) = row.split_at_mut(8);
    version.copy_from_slice(&tail.version.to_be_bytes());
    revision.copy_from_slice(&tail.revision.to_be_bytes());
    row
}

/// The tail in a value of the index of tails; none if it is damaged.
pub(super) fn read_tail(row: &[u8]) -> Option<Tail> {
    let (version, rest) = row.split_first_chunk::<8>()?;
    let revision: &[u8; 8] = rest.try_into().ok()?;
    Some(Tail { version: u64::from_be_bytes(*version), revision: u64::from_be_bytes(*revision) })
}

/// The row of a commit.
pub(super) fn commit_row(stream: &StreamKey, version: u64, payload: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(HEAD_BYTES + payload.len());
    row.extend_from_slice(&stream_key(stream));
    row.extend_from_slice(&version.to_be_bytes());
    row.extend_from_slice(payload);
    row
}

/// The stream, version and payload of a row; none if the row is damaged.
pub(super) fn split_row(row: &[u8]) -> Option<(StreamKey, u64, &[u8])> {
    let (stream, rest) = row.split_first_chunk::<STREAM_BYTES>()?;
    let (version, payload) = rest.split_first_chunk::<8>()?;
    Some((stream_of(stream)?, u64::from_be_bytes(*version), payload))
}

/// The commit of a row; none if the row is damaged.
pub(super) fn stored(shard: u8, revision: u64, row: &[u8]) -> Option<Stored> {
    let (stream, version, payload) = split_row(row)?;
    let tail = Tail { version, revision };
    Some(Stored { stream, tail, shard, payload: Bytes::copy_from_slice(payload), forged: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_every_kind_is_read_as_it_was_written() {
        let id = [7; 16];
        let streams = [
            StreamKey::instance(InstanceId::from_bytes(id)),
            StreamKey::account(AccountId::from_bytes(id)),
            StreamKey::directory(DirectoryId::from_bytes(id)),
            StreamKey::delivery(Partition::new(63).unwrap()),
        ];
        for stream in streams {
            let row = commit_row(&stream, 300, b"payload");
            assert_eq!(split_row(&row), Some((stream, 300, b"payload".as_slice())));
        }
    }

    #[test]
    fn a_tail_is_read_as_it_was_written() {
        let tail = Tail { version: 3, revision: 70_000 };
        assert_eq!(read_tail(&tail_row(tail)), Some(tail));
        assert_eq!(read_tail(b"short"), None);
    }

    #[test]
    fn a_damaged_row_is_none() {
        assert_eq!(split_row(b"short"), None);
        assert_eq!(split_row(&[9; 40]), None);
    }
}
