//! Key material of devices: replaced and deleted without a trace.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use berth_bus::{
    DeviceKeys,
    local::{FileDeviceKeys, FileError},
    nats::NatsDeviceKeys,
    port::DEVICE_KEYS_BYTES_MAX,
};
use berth_proto::InstanceId;
use berth_test_support::NatsServer;
use bytes::Bytes;
use futures::future::join_all;
use tempfile::TempDir;

use crate::support::{client, eventually, files_with};

/// A place that material is kept in.
#[async_trait]
trait Place {
    /// Opens the store as a process does that was started just now, after all others ended.
    async fn open(&mut self) -> Arc<dyn DeviceKeys>;
    /// Where its bytes lie.
    fn folder(&self) -> &Path;
}

#[async_trait]
impl Place for TempDir {
    async fn open(&mut self) -> Arc<dyn DeviceKeys> {
        Arc::new(FileDeviceKeys::open(self.path()).await.unwrap())
    }

    fn folder(&self) -> &Path {
        self.path()
    }
}

#[async_trait]
impl Place for NatsServer {
    async fn open(&mut self) -> Arc<dyn DeviceKeys> {
        self.restart().await;
        Arc::new(NatsDeviceKeys::open(client(self, "connector").await, 1).await.unwrap())
    }

    fn folder(&self) -> &Path {
        self.store()
    }
}

#[tokio::test]
async fn files() {
    suite(&mut tempfile::tempdir().unwrap()).await;
}

#[tokio::test]
async fn nats() {
    suite(&mut NatsServer::start().await).await;
}

const ONE: InstanceId = InstanceId::from_bytes([1; 16]);
const TWO: InstanceId = InstanceId::from_bytes([2; 16]);

fn material(number: u8, length: usize) -> Bytes {
    (0..length).map(|byte| u8::try_from(byte % 251).unwrap() ^ number).collect()
}

async fn suite(place: &mut impl Place) {
    let store = place.open().await;
    assert_eq!(store.get(ONE, 1).await.unwrap(), None);
    store.put(ONE, 1, material(1, 500)).await.unwrap();
    store.put(ONE, 2, material(2, DEVICE_KEYS_BYTES_MAX)).await.unwrap();
    store.put(TWO, 1, Bytes::new()).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), Some(material(1, 500)));
    let longer = material(2, DEVICE_KEYS_BYTES_MAX + 1);
    assert!(store.put(ONE, 2, longer).await.is_err());
    drop(store);

    let store = place.open().await;
    assert_eq!(store.get(ONE, 1).await.unwrap(), Some(material(1, 500)));
    assert_eq!(store.get(ONE, 2).await.unwrap(), Some(material(2, DEVICE_KEYS_BYTES_MAX)));
    assert_eq!(store.get(TWO, 1).await.unwrap(), Some(Bytes::new()));
    assert_eq!(store.get(TWO, 2).await.unwrap(), None);
    assert_eq!(store.all().await.unwrap(), [(ONE, 1), (ONE, 2), (TWO, 1)]);

    let folder = place.folder();
    let seen = |material: Bytes| !files_with(folder, material.get(..100).unwrap()).is_empty();
    eventually("the material is in the folder", || async { seen(material(1, 500)) }).await;
    store.put(ONE, 1, material(3, 500)).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), Some(material(3, 500)));
    eventually("what was replaced is gone", || async { !seen(material(1, 500)) }).await;
    eventually("what replaced it is there", || async { seen(material(3, 500)) }).await;

    store.delete(ONE, 1).await.unwrap();
    store.delete(ONE, 1).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), None);
    eventually("what was deleted is gone", || async { !seen(material(3, 500)) }).await;
    assert_eq!(store.get(ONE, 2).await.unwrap(), Some(material(2, DEVICE_KEYS_BYTES_MAX)));
    let puts = join_all((10..18).map(|number| store.put(TWO, 3, material(number, 500)))).await;
    assert!(puts.into_iter().all(|put| put.is_ok()));
    let last = store.get(TWO, 3).await.unwrap().unwrap();
    let is_left = |number: &u8| seen(material(*number, 500));
    eventually("only the last of racing puts is left", || async {
        (10..18).filter(is_left).eq((10..18).filter(|number| material(*number, 500) == last))
    })
    .await;
    drop(store);

    let store = place.open().await;
    assert_eq!(store.get(ONE, 1).await.unwrap(), None);
    store.put(ONE, 1, material(4, 500)).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), Some(material(4, 500)));
}

#[tokio::test]
async fn leftovers_of_a_crash_are_erased_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileDeviceKeys::open(folder.path()).await.unwrap();
    store.put(ONE, 1, material(1, 500)).await.unwrap();
    let first = std::fs::read(folder.path().join(format!("{ONE}.1.0"))).unwrap();
    store.put(ONE, 1, material(2, 500)).await.unwrap();
    drop(store);
    // A crash before the earlier file was erased, and one in the middle of a write.
    std::fs::write(folder.path().join(format!("{ONE}.1.0")), first).unwrap();
    std::fs::write(folder.path().join(format!("{TWO}.unfinished")), material(3, 200)).unwrap();
    let store = FileDeviceKeys::open(folder.path()).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), Some(material(2, 500)));
    assert_eq!(store.get(TWO, 1).await.unwrap(), None);
    assert!(files_with(folder.path(), &material(1, 500)).is_empty());
    assert!(files_with(folder.path(), &material(3, 200)).is_empty());
}

#[tokio::test]
async fn a_deleted_file_whose_name_comes_back_after_a_power_loss_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileDeviceKeys::open(folder.path()).await.unwrap();
    store.put(ONE, 1, material(1, 500)).await.unwrap();
    let path = folder.path().join(format!("{ONE}.1.0"));
    let length = std::fs::metadata(&path).unwrap().len();
    store.delete(ONE, 1).await.unwrap();
    assert!(!path.exists());
    drop(store);
    std::fs::write(&path, vec![0; usize::try_from(length).unwrap()]).unwrap();
    let store = FileDeviceKeys::open(folder.path()).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), None);
    store.put(ONE, 1, material(2, 500)).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), Some(material(2, 500)));
    store.delete(ONE, 1).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), None);
}

#[tokio::test]
async fn damage_is_noticed_and_a_second_process_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileDeviceKeys::open(folder.path()).await.unwrap();
    assert!(matches!(FileDeviceKeys::open(folder.path()).await, Err(FileError::InUse { .. })));
    store.put(ONE, 1, material(1, 500)).await.unwrap();
    let path = folder.path().join(format!("{ONE}.1.0"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[300] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(store.get(ONE, 1).await.is_err());
    store.delete(ONE, 1).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_no_material_replaces_none_on_nats() {
    let server = NatsServer::start().await;
    let store = NatsDeviceKeys::open(client(&server, "connector").await, 1).await.unwrap();
    let operator = async_nats::jetstream::new(client(&server, "operator").await);
    let forge = async || {
        for _ in 0..20 {
            let answer = r#"{"type":"io.nats.jetstream.api.v1.stream_info_response"}"#;
            let at = format!("berth.v1.devicekeys.{ONE}.1");
            operator.publish(at, answer.into()).await.unwrap().await.unwrap();
        }
    };
    forge().await;
    assert_eq!(store.get(ONE, 1).await.unwrap(), None);
    for number in 1..3 {
        store.put(ONE, 1, material(number, 500)).await.unwrap();
        forge().await;
        assert_eq!(store.get(ONE, 1).await.unwrap(), Some(material(number, 500)));
    }
    store.delete(ONE, 1).await.unwrap();
    assert_eq!(store.get(ONE, 1).await.unwrap(), None);
}
