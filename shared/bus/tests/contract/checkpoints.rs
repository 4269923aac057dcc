//! What is published about the log: lists that only grow, written by compare and set, durable.

use std::path::Path;

use berth_bus::{Checkpoints, local::FileCheckpoints, nats::NatsCheckpoints};
use berth_test_support::NatsServer;
use bytes::Bytes;

use crate::support::client;

async fn suite<S: Checkpoints>(open: impl AsyncFn() -> S) {
    let store = open().await;
    assert_eq!(store.last("shard-0").await.unwrap(), None);
    assert_eq!(store.read("shard-0", 0, 10).await.unwrap(), []);
    assert_eq!(store.publish("shard-0", Bytes::from_static(b"builds on nothing"), 7).await.unwrap(), None);
    let (one, two) = futures::join!(
        store.publish("shard-0", Bytes::from_static(b"first"), 0),
        store.publish("shard-0", Bytes::from_static(b"first"), 0)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.is_some() != two.is_some(), "one of two is first: {one:?}, {two:?}");
    let mut last = one.or(two).unwrap();
    for value in ["second", "third"] {
        assert_eq!(store.publish("shard-0", value.into(), 0).await.unwrap(), None, "too late");
        let next = store.publish("shard-0", value.into(), last).await.unwrap().unwrap();
        assert!(next > last);
        last = next;
    }
    assert!(store.publish("keys", Bytes::from_static(b"of another topic"), 0).await.unwrap().is_some());
    drop(store);

    let store = open().await;
    let all = store.read("shard-0", 0, 10).await.unwrap();
    let values: Vec<_> = all.iter().map(|entry| &*entry.value).collect();
    assert_eq!(values, [b"first".as_slice(), b"second", b"third"], "also after a restart");
    let [first, second, _] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(store.read("shard-0", first.number, 1).await.unwrap(), std::slice::from_ref(second));
    assert_eq!(store.read("shard-0", last, 1).await.unwrap(), []);
    assert_eq!(store.last("shard-0").await.unwrap().as_ref(), all.last());
    assert_eq!(store.last("keys").await.unwrap().unwrap().value, "of another topic");
}

#[tokio::test]
async fn in_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints");
    suite(async || FileCheckpoints::new(&path)).await;
}

#[tokio::test]
async fn in_a_file_what_a_crash_tore_is_written_over_and_what_was_damaged_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shard-0");
    let store = || FileCheckpoints::new(folder.path());
    for (number, value) in ["first", "second", "third"].into_iter().enumerate() {
        store().publish("shard-0", value.into(), number as u64).await.unwrap().unwrap();
    }
    let whole = std::fs::read(&file).unwrap();
    let second_ends = whole.len() - "third".len() - 12;
    for torn in second_ends..whole.len() {
        std::fs::write(&file, &whole[..torn]).unwrap();
        assert_eq!(store().last("shard-0").await.unwrap().unwrap().value, "second", "{torn} bytes");
    }
    assert_eq!(store().publish("shard-0", "again".into(), 2).await.unwrap(), Some(3));
    assert_eq!(values(&store()).await, ["first", "second", "again"]);
    change(&file, 13);
    assert!(store().last("shard-0").await.is_err(), "damage before the end is no torn end");
}

fn change(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    *bytes.get_mut(at).unwrap() ^= 1;
    std::fs::write(file, bytes).unwrap();
}

async fn values(store: &FileCheckpoints) -> Vec<Bytes> {
    store.read("shard-0", 0, 10).await.unwrap().into_iter().map(|entry| entry.value).collect()
}

#[tokio::test]
async fn on_nats_in_a_stream_that_gives_nothing_away() {
    let server = NatsServer::start().await;
    let client = client(&server, "checkpoints").await;
    assert!(NatsCheckpoints::find(client.clone(), 1).await.unwrap().is_none(), "looking makes nothing");
    suite(async || NatsCheckpoints::open(client.clone(), 1).await.unwrap()).await;
    let stream = async_nats::jetstream::new(client).get_stream("BERTH_CHECKPOINTS").await.unwrap();
    assert!(stream.delete_message(1).await.is_err(), "an entry cannot be taken away");
    assert!(stream.purge().await.is_err(), "nor all of them");
}

#[tokio::test]
async fn on_nats_what_is_no_entry_neither_is_one_nor_hides_one() {
    let server = NatsServer::start().await;
    let client = client(&server, "checkpoints").await;
    let store = NatsCheckpoints::open(client.clone(), 1).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let forge = async |times: usize| {
        for _ in 0..times {
            let answer = r#"{"type":"io.nats.jetstream.api.v1.stream_info_response"}"#;
            jetstream.publish("berth.v1.checkpoint.shard-0", answer.into()).await.unwrap().await.unwrap();
        }
    };
    forge(2).await;
    assert_eq!(store.last("shard-0").await.unwrap(), None);
    let first = store.publish("shard-0", "first".into(), 0).await.unwrap().unwrap();
    forge(70).await;
    assert_eq!(store.last("shard-0").await.unwrap().unwrap().number, first);
    let second = store.publish("shard-0", "second".into(), first).await.unwrap().unwrap();
    forge(1).await;
    let all = store.read("shard-0", 0, 10).await.unwrap();
    assert_eq!(all.iter().map(|entry| entry.number).collect::<Vec<_>>(), [first, second]);
}
