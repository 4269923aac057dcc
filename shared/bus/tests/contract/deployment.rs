//! The record of the deployment: written by compare and set, durable, and lost with the keys only.

use std::path::Path;

use berth_bus::{
    DeploymentStore,
    local::{FileDeployment, FileKeyStore},
    nats::{NatsDeployment, NatsKeyStore},
};
use berth_test_support::NatsServer;
use bytes::Bytes;

use crate::support::client;

async fn suite<S: DeploymentStore>(open: impl AsyncFn() -> S) {
    let store = open().await;
    assert_eq!(store.read().await.unwrap(), None);
    assert!(!store.write(Bytes::from_static(b"builds on nothing"), 7).await.unwrap());
    let (one, two) = futures::join!(
        store.write(Bytes::from_static(b"the first record"), 0),
        store.write(Bytes::from_static(b"the second record"), 0)
    );
    assert!(one.unwrap() != two.unwrap(), "one of two is first");
    let first = store.read().await.unwrap().unwrap();
    assert!(store.write(Bytes::from_static(b"later"), first.revision).await.unwrap());
    assert!(!store.write(Bytes::from_static(b"too late"), first.revision).await.unwrap());
    drop(store);
    let store = open().await;
    let kept = store.read().await.unwrap().unwrap();
    assert_eq!(kept.value, "later", "also after a restart");
    assert!(store.write(Bytes::from_static(b"latest"), kept.revision).await.unwrap());
    assert_eq!(store.read().await.unwrap().unwrap().value, "latest");
}

#[tokio::test]
async fn in_a_file_beside_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let keys = FileKeyStore::open(folder.path()).await.unwrap();
    suite(async || FileDeployment::new(folder.path())).await;
    drop(keys);
    damage(&folder.path().join("deployment"));
    assert!(
        FileDeployment::new(folder.path()).read().await.is_err(),
        "damage is not the answer that there is none"
    );
}

fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn on_nats_in_a_stream_of_its_own() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    assert!(NatsDeployment::find(client.clone(), 1).await.unwrap().is_none(), "looking makes nothing");
    suite(async || NatsDeployment::open(client.clone(), 1).await.unwrap()).await;
    let record = NatsDeployment::find(client.clone(), 1).await.unwrap().unwrap();
    async_nats::jetstream::new(client).delete_stream("BERTH_DEPLOYMENT").await.unwrap();
    assert!(record.read().await.is_err(), "a stream that is gone is not a record that is none");
}

#[tokio::test]
async fn on_nats_what_is_no_record_replaces_none_and_hinders_no_other() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    let record = NatsDeployment::open(client.clone(), 1).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let forge = async || {
        let mut stored = 0;
        for slot in ["berth.v1.deployment.a", "berth.v1.deployment.b"] {
            let answer = r#"{"type":"io.nats.jetstream.api.v1.stream_info_response"}"#;
            stored += usize::from(jetstream.publish(slot, answer.into()).await.unwrap().await.is_ok());
        }
        stored
    };
    assert_eq!(forge().await, 2);
    assert_eq!(record.read().await.unwrap(), None);
    for number in 0..5_u64 {
        let value = Bytes::from(format!("record {number}"));
        assert!(record.write(value.clone(), number).await.unwrap());
        assert!(forge().await <= 1, "the record's own slot is taken");
        let read = record.read().await.unwrap().unwrap();
        assert_eq!((read.revision, read.value), (number + 1, value));
    }
}

#[tokio::test]
async fn on_nats_of_many_writers_each_record_is_of_one() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let record = NatsDeployment::open(client.clone(), 1).await.unwrap();
        writers.spawn(async move {
            for _ in 0..25 {
                while !adds_one(&record).await {}
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let record = NatsDeployment::open(client, 1).await.unwrap().read().await.unwrap().unwrap();
    assert_eq!(record.value, "100", "no addition is lost");
}

/// Adds one to a record that is a number; says whether it was written.
async fn adds_one(record: &NatsDeployment) -> bool {
    let before = record.read().await.unwrap();
    let (revision, number) = match &before {
        Some(record) => {
            (record.revision, std::str::from_utf8(&record.value).unwrap().parse::<u64>().unwrap())
        }
        None => (0, 0),
    };
    record.write((number + 1).to_string().into(), revision).await.unwrap()
}

#[tokio::test]
async fn on_nats_it_is_not_read_where_the_keys_beside_it_are_not_safe() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    let keys = NatsKeyStore::open(client.clone(), 1).await.unwrap();
    let record = NatsDeployment::open(client.clone(), 1).await.unwrap().beside(&keys);
    assert!(record.write(Bytes::from_static(b"record"), 0).await.unwrap());
    let jetstream = async_nats::jetstream::new(client);
    let safe = jetstream.get_stream("BERTH_KEYS").await.unwrap().cached_info().config.clone();
    let changed = async_nats::jetstream::stream::Config { discard_new_per_subject: false, ..safe.clone() };
    jetstream.update_stream(changed).await.unwrap();
    let said = record.read().await.unwrap_err();
    let why = std::error::Error::source(&said).unwrap().to_string();
    assert!(why.contains("BERTH_KEYS") && why.contains("discard_new_per_subject"), "{why}");
    jetstream.update_stream(safe).await.unwrap();
    assert_eq!(record.read().await.unwrap().unwrap().value, "record");
    jetstream.delete_stream("BERTH_KEYS").await.unwrap();
    assert!(record.read().await.is_err(), "nor where they are gone");
}
