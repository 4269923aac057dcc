//! Streams with real commits: each names the one before it.

use berth_log::{AppendError, Appended, EventLog, Expected, NewCommit, Stored, hash_of_stored};
use berth_proto::{
    AccountId, CommandId, CommitV1, DirectoryId, Hash, InstanceId, RecordV1, StreamKey, Timestamp, codec,
};
use bytes::Bytes;

/// An instance's stream; the same number gives the same one.
pub(crate) fn instance(number: u64) -> StreamKey {
    StreamKey::instance(InstanceId::from_bytes(id(number)))
}

/// An account's stream.
pub(crate) fn account(number: u64) -> StreamKey {
    StreamKey::account(AccountId::from_bytes(id(number)))
}

/// A directory entry's stream.
pub(crate) fn directory(number: u64) -> StreamKey {
    StreamKey::directory(DirectoryId::from_bytes(id(number)))
}

fn id(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// The writer of one stream, who knows its end.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) stream: StreamKey,
    pub(crate) expected: Expected,
    pub(crate) last_hash: Hash,
}

impl History {
    /// Of a stream that is empty.
    pub(crate) fn new(stream: StreamKey) -> Self {
        Self { stream, expected: Expected::Empty, last_hash: Hash::genesis(&stream) }
    }

    /// Of a stream that ends with this commit.
    pub(crate) fn after(tail: &Stored) -> Self {
        let last_hash = hash_of_stored(tail).unwrap();
        Self { stream: tail.stream, expected: Expected::After(tail.tail), last_hash }
    }

    /// The next commit; `mark` tells it from others that could stand there.
    pub(crate) fn next(&self, mark: u64) -> NewCommit {
        self.next_with(mark, Vec::new())
    }

    /// The next commit with a state of that body.
    pub(crate) fn next_with(&self, mark: u64, body: Vec<u8>) -> NewCommit {
        let version = self.expected.next_version();
        let commit = CommitV1 {
            stream: self.stream,
            version,
            previous: self.last_hash,
            occurred_at: Timestamp(i64::try_from(version).unwrap()),
            receipts: Vec::new(),
            events: vec![RecordV1 { type_id: 9001, version: 1, body: mark.to_be_bytes().to_vec() }],
            state: RecordV1 { type_id: 9002, version: 1, body },
        };
        NewCommit {
            stream: self.stream,
            version,
            command_id: Some(CommandId::from_bytes(id(mark))),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            payload: Bytes::from(codec::encode(&commit).unwrap()),
        }
    }

    /// Appends the next commit.
    pub(crate) async fn append(&mut self, log: &dyn EventLog, mark: u64) -> Result<Appended, AppendError> {
        let commit = self.next(mark);
        let payload = commit.payload.clone();
        let appended = log.append(commit, self.expected).await?;
        self.moved(&appended, &payload);
        Ok(appended)
    }

    /// Appends that many commits, all of which must be stored.
    pub(crate) async fn grow(&mut self, log: &dyn EventLog, commits: u64) {
        for mark in 0..commits {
            self.append(log, mark).await.unwrap();
        }
    }

    /// Notes an append.
    pub(crate) fn moved(&mut self, appended: &Appended, payload: &[u8]) {
        self.expected = Expected::After(appended.tail);
        self.last_hash = Hash::of_commit(&self.stream, self.last_hash, payload);
    }
}
