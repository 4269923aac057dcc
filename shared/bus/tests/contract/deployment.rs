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
