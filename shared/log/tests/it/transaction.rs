//! The transaction loop, between two writers of one stream.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use berth_log::{Loaded, LogRead, Next, Plan, TransactError, Transacted, Writer, memory::MemoryLog, verify};
use berth_proto::{
    Partition, StreamKey, Timestamp, WriteVersion,
    delivery::{DeliveryStateV1, DispatcherChangedV1},
};
use berth_runtime::{ManualClock, SeededEntropy};

const OURS: u64 = 1;
const RIVAL: u64 = 2;

type Delivery = Loaded<DeliveryStateV1>;

fn writer(log: &MemoryLog) -> Writer {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
    Writer::new(Arc::new(log.clone()), clock, Arc::new(SeededEntropy::new(7)), WriteVersion::NEWEST)
}

fn stream() -> StreamKey {
    StreamKey::delivery(Partition::of(&[1; 16]))
}

/// A commit that counts one more and says who counted; the answer is what it counted to.
fn counted(loaded: Delivery, who: u64) -> Plan<DeliveryStateV1, u64> {
    let settled = loaded.state.as_ref().map_or(1, |state| state.settled + 1);
    let event = berth_proto::delivery::DeliveryEvent::from(DispatcherChangedV1 { epoch: who });
    let (events, state) = (vec![event.to_record().unwrap()], DeliveryStateV1 { epoch: 0, settled });
    Plan::Append(loaded, Next { receipts: Vec::new(), events, state, account_version: 0 }, settled)
}

async fn count(writer: &Writer) -> Result<Transacted<DeliveryStateV1, u64>, TransactError> {
    writer.transact(stream(), None, async |loaded, _| Ok(counted(loaded, RIVAL))).await
}

/// Counts while somebody else counts before each of its first `lost` appends.
async fn count_against_a_rival(
    log: &MemoryLog,
    lost: u64,
) -> (Result<Transacted<DeliveryStateV1, u64>, TransactError>, u64) {
    let (ours, rival, decided) = (writer(log), writer(log), AtomicU64::new(0));
    let (rival, seen) = (&rival, &decided);
    let decide = move |loaded: Delivery, _| async move {
        if seen.fetch_add(1, Ordering::SeqCst) < lost {
            count(rival).await?;
        }
        Ok(counted(loaded, OURS))
    };
    let done = ours.transact(stream(), None, decide).await;
    (done, decided.into_inner())
}

#[tokio::test]
async fn whoever_loses_decides_again_on_what_the_winner_left() {
    let log = MemoryLog::new(1);
    let (done, decided) = count_against_a_rival(&log, 6).await;
    let done = done.unwrap();
    assert_eq!((done.answer, done.loaded.version(), decided), (7, 7, 7));
    assert_eq!(done.written.map(|written| written.commands), Some(0), "it answers no commands");
    let report = verify(&log, &stream()).await.unwrap();
    assert_eq!((report.commits, report.fault), (7, None));
}

#[tokio::test]
async fn whoever_always_loses_is_told_so_in_the_end() {
    let (done, decided) = count_against_a_rival(&MemoryLog::new(1), u64::MAX).await;
    assert!(matches!(done, Err(TransactError::Contended { .. })), "{done:?}");
    assert_eq!(decided, 32);
}

#[tokio::test]
async fn an_answer_without_an_append_never_rests_on_memory() {
    let log = MemoryLog::new(1);
    let ours = writer(&log);
    let remembered = count(&ours).await.unwrap().loaded;
    count(&writer(&log)).await.unwrap();
    let look = async |loaded: Delivery, _| {
        let settled = loaded.state.as_ref().map(|state| state.settled);
        Ok::<_, TransactError>(Plan::Keep(loaded, settled))
    };
    let done = ours.transact(stream(), Some(remembered), look).await.unwrap();
    assert_eq!((done.answer, done.written), (Some(2), None));
    assert_eq!(log.tail(&stream()).await.unwrap().unwrap().tail.version, 2, "and nothing is appended");
}
