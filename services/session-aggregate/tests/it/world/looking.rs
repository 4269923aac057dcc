//! Looking at what stands in the log.

use std::time::Duration;

use berth_log::{LogRead, decode_commit, decode_state, rehydrate};
use berth_proto::{
    CommitV2, DirectoryId, Hash, InstanceId, StreamKey, Timestamp, directory::DirectoryStateV1,
    instance::InstanceStateV1,
};
use berth_runtime::{Unique, UniqueInAccount};

use super::{PATIENCE, World};

impl World {
    pub(crate) fn token_entry(&self, token: &str) -> DirectoryId {
        self.keys.master().entry(Unique::Token, token)
    }

    pub(crate) fn number_entry(&self, number: u64) -> DirectoryId {
        self.keys.master().entry(Unique::Number, &number.to_string())
    }

    pub(crate) async fn account_entry(&self, kind: UniqueInAccount, key: &str) -> DirectoryId {
        self.keys.key(self.account.as_bytes()).await.unwrap().unwrap().entry(kind, key)
    }

    pub(crate) async fn entry(&self, entry: DirectoryId) -> Option<DirectoryStateV1> {
        let stored = LogRead::tail(&*self.log, &StreamKey::directory(entry)).await.unwrap()?;
        Some(decode_state(&stored).unwrap().1)
    }

    /// The instance that holds a key.
    pub(crate) async fn holder(&self, entry: DirectoryId) -> Option<InstanceId> {
        self.entry(entry).await.and_then(|state| state.hold).and_then(|hold| hold.instance)
    }

    pub(crate) async fn commits(&self, stream: StreamKey) -> Vec<CommitV2> {
        let stored = LogRead::read(&*self.log, &stream, 0, 10_000).await.unwrap();
        stored.iter().map(|stored| decode_commit(stored).unwrap()).collect()
    }

    pub(crate) async fn state(&self, id: InstanceId) -> Option<InstanceStateV1> {
        let stored = LogRead::tail(&*self.log, &StreamKey::instance(id)).await.unwrap()?;
        Some(rehydrate(&*self.log, &stored).await.unwrap().state)
    }

    /// The chain of a stream is whole, and its events fold into the states that ride along.
    pub(crate) async fn verify(&self, id: InstanceId) {
        let stream = StreamKey::instance(id);
        let stored = LogRead::read(&*self.log, &stream, 0, 10_000).await.unwrap();
        let mut previous = Hash::genesis(&stream);
        let mut state = None;
        let mut at = Timestamp(i64::MIN);
        for (index, stored) in stored.iter().enumerate() {
            let carried = rehydrate(&*self.log, stored).await.unwrap();
            let commit = carried.commit;
            assert_eq!(commit.version, index as u64 + 1);
            assert_eq!(commit.previous, previous);
            assert!(commit.occurred_at >= at);
            state = berth_domain::instance::fold_commit(state, &commit).unwrap();
            assert_eq!(state, Some(carried.state), "version {}", commit.version);
            previous = Hash::of_commit(&stream, previous, &stored.payload);
            at = commit.occurred_at;
        }
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, mut is: impl AsyncFnMut() -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(waited.await.is_ok(), "{what}: not in time");
    }
}
