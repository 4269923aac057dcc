//! On the embedded log and with the outbox on disk: a service that is killed goes on where it was.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{fs, path::Path, sync::Arc};

use berth_log::embedded::EmbeddedLog;
use berth_proto::delivery::SettlementV1;
use berth_runtime::SystemEntropy;
use common::{PHONE, Receiver, SECRET, World, slow};

/// Every byte of every file under a folder.
fn bytes_under(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(bytes_under(&path));
        } else {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn a_killed_service_tells_what_it_missed_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(&folder.path().join("log"), 4, &SystemEntropy).unwrap();
    let (world, receiver) = (World::with_log(Arc::new(log)).await, Receiver::start().await);
    let first = world.replica_on_disk("a", slow()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    first.crash().await;
    world.logout().await;
    world.connect().await;
    world.qr(1, 20).await;
    let again = world.replica_on_disk("a", slow()).await;
    let outcomes = world.settled(4).await;
    assert_eq!(outcomes, [SettlementV1::Delivered; 4]);
    let mut words = receiver.words();
    words.sort();
    assert_eq!(words, ["instance.linked", "instance.logged_out", "instance.open", "instance.qr"]);
    again.crash().await;

    let kept = bytes_under(&world.data("a"));
    assert!(!kept.is_empty());
    let address = receiver.address.to_string();
    for secret in [PHONE, SECRET, "2@code", "Bearer mine", address.as_str()] {
        let found = kept.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} stands in a file of the service");
    }
}
