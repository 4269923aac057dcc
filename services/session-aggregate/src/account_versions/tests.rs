use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use berth_log::{EventLog, Expected, NewCommit, ReadError, Stored, memory::MemoryLog};
use berth_test_support::{Doubled, LogDouble};

use super::*;

/// How a log fares that does not answer reads of a tail.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Unavailable,
    Damaged,
    Hangs,
}

/// A log that counts reads of a tail; with a fault none of them comes to anything.
#[derive(Debug)]
struct Faulty {
    log: Arc<MemoryLog>,
    fault: Option<Fault>,
    reads: AtomicU64,
}

impl Faulty {
    fn over(log: &Arc<MemoryLog>, fault: impl Into<Option<Fault>>) -> Doubled<Self> {
        Doubled(Self { log: Arc::clone(log), fault: fault.into(), reads: AtomicU64::new(0) })
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl LogDouble for Faulty {
    fn beneath(&self) -> &dyn EventLog {
        &*self.log
    }

    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            None => self.log.tail(stream).await,
            Some(Fault::Unavailable) => Err(ReadError::Unavailable("no leader".into())),
            Some(Fault::Damaged) => Err(ReadError::Damaged("not its bytes".into())),
            Some(Fault::Hangs) => std::future::pending().await,
        }
    }
}

async fn append(log: &MemoryLog, account: AccountId, after: u64) {
    let stream = StreamKey::account(account);
    let expected = log.tail(&stream).await.unwrap().map_or(Expected::Empty, |one| Expected::After(one.tail));
    let new = NewCommit {
        stream,
        version: after + 1,
        command_id: None,
        traceparent: None,
        payload: vec![u8::try_from(after).unwrap()].into(),
    };
    log.append(new, expected).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_version_is_at_most_a_second_old_and_never_goes_back() {
    let (log, account) = (Arc::new(MemoryLog::new(1)), AccountId::from_bytes([1; 16]));
    let versions = AccountVersions::default();
    assert_eq!(versions.of(&*log, account).await, 0, "one without a stream");
    append(&log, account, 0).await;
    assert_eq!(versions.of(&*log, account).await, 0);
    tokio::time::advance(FRESH_MAX).await;
    assert_eq!(versions.of(&*log, account).await, 1);
    versions.raise(account, 3);
    assert_eq!(versions.of(&*log, account).await, 3, "what was appended here is known at once");
    tokio::time::advance(FRESH_MAX).await;
    assert_eq!(versions.of(&*log, account).await, 3, "a reader that lags does not take it back");
}
#[tokio::test(start_paused = true)]
async fn while_an_account_cannot_be_read_what_was_known_last_serves_and_is_asked_for_once_a_second() {
    for fault in [Fault::Unavailable, Fault::Damaged, Fault::Hangs] {
        let (log, account) = (Arc::new(MemoryLog::new(1)), AccountId::from_bytes([1; 16]));
        let versions = AccountVersions::default();
        append(&log, account, 0).await;
        assert_eq!(versions.of(&*log, account).await, 1);
        append(&log, account, 1).await;
        let faulty = Faulty::over(&log, fault);
        for round in 1..=3 {
            tokio::time::advance(FRESH_MAX).await;
            let begun = Instant::now();
            for _ in 0..10 {
                assert_eq!(versions.of(&faulty, account).await, 1, "{fault:?}");
            }
            assert_eq!(faulty.reads(), round, "{fault:?}");
            assert!(begun.elapsed() <= READ_MAX + Duration::from_millis(1), "{fault:?}");
        }
        tokio::time::advance(FRESH_MAX).await;
        assert_eq!(versions.of(&*log, account).await, 2, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_account_of_which_nothing_is_known_and_nothing_can_be_read_no_version_is_named() {
    for fault in [Fault::Unavailable, Fault::Damaged, Fault::Hangs] {
        let (log, account) = (Arc::new(MemoryLog::new(1)), AccountId::from_bytes([1; 16]));
        let versions = AccountVersions::default();
        append(&log, account, 0).await;
        let (faulty, begun) = (Faulty::over(&log, fault), Instant::now());
        assert_eq!(versions.of(&faulty, account).await, 0, "{fault:?}");
        assert!(begun.elapsed() <= FIRST_READ_MAX + Duration::from_millis(1), "{fault:?}");
        // That is not remembered: the next command may find it.
        let sound = Faulty::over(&log, None);
        assert_eq!((versions.of(&sound, account).await, sound.reads()), (1, 1), "{fault:?}");
    }
}
