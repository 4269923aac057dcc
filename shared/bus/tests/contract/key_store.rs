//! Wrapped data keys: kept until destroyed, and then nowhere.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use async_nats::{
    Client, HeaderMap,
    jetstream::{
        self,
        stream::{Config, DiscardPolicy},
    },
};
use async_trait::async_trait;
use berth_bus::{
    KeptKey, KeyStore,
    local::{FileError, FileKeyStore},
    nats::{NatsKeyStore, OpenError},
};
use berth_proto::InstanceId;
use berth_runtime::WrappedKey;
use berth_test_support::NatsServer;
use futures::future::join_all;
use tempfile::TempDir;

use crate::support::{client, eventually, files_with};

/// A place that keys are kept in.
#[async_trait]
trait Place {
    /// Opens the store as a process does that was started just now, after all others ended.
    async fn open(&mut self) -> Arc<dyn KeyStore>;
    /// Where its bytes lie.
    fn folder(&self) -> &Path;
}

#[async_trait]
impl Place for TempDir {
    async fn open(&mut self) -> Arc<dyn KeyStore> {
        Arc::new(FileKeyStore::open(self.path()).await.unwrap())
    }

    fn folder(&self) -> &Path {
        self.path()
    }
}

#[async_trait]
impl Place for NatsServer {
    async fn open(&mut self) -> Arc<dyn KeyStore> {
        self.restart().await;
        Arc::new(NatsKeyStore::open(client(self, "keys").await, 1).await.unwrap())
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

#[tokio::test]
async fn nats_that_syncs_always() {
    suite(&mut NatsServer::start_sync_always().await).await;
}

/// A key that no other place in a folder resembles.
fn key(number: u8) -> WrappedKey {
    WrappedKey((0..48).map(|byte: u8| byte.wrapping_mul(37) ^ number).collect())
}

async fn suite(place: &mut impl Place) {
    let store = place.open().await;
    the_first_key_stays(&store).await;
    of_two_racing_keys_both_get_one(&store).await;
    drop(store);

    let store = place.open().await;
    assert_eq!(store.get(&[1; 16]).await.unwrap(), KeptKey::Present(key(1)), "also after a restart");
    a_destroyed_key_never_comes_back(&store).await;
    drop(store);

    let store = place.open().await;
    destroyed_for_good(&store, &[3; 16]).await;
    destroyed_for_good(&store, &[4; 16]).await;
    assert_eq!(store.get(&[1; 16]).await.unwrap(), KeptKey::Present(key(1)), "its neighbour is untouched");
    destroyed_bytes_are_nowhere(&store, place.folder()).await;
}

async fn the_first_key_stays(store: &Arc<dyn KeyStore>) {
    let owner = [1; 16];
    assert_eq!(store.get(&owner).await.unwrap(), KeptKey::Missing);
    assert_eq!(store.put_if_absent(&owner, key(1)).await.unwrap(), Some(key(1)));
    assert_eq!(store.put_if_absent(&owner, key(2)).await.unwrap(), Some(key(1)));
    assert_eq!(store.get(&owner).await.unwrap(), KeptKey::Present(key(1)));
    assert_eq!(store.get(&[9; 16]).await.unwrap(), KeptKey::Missing);
}

async fn of_two_racing_keys_both_get_one(store: &Arc<dyn KeyStore>) {
    let owner = [2; 16];
    let puts = join_all((0..8).map(|number| store.put_if_absent(&owner, key(number)))).await;
    let KeptKey::Present(stored) = store.get(&owner).await.unwrap() else { panic!("it has a key") };
    assert!(puts.into_iter().all(|put| put.unwrap().as_ref() == Some(&stored)));
}

async fn destroyed_for_good(store: &Arc<dyn KeyStore>, owner: &[u8; 16]) {
    assert_eq!(store.get(owner).await.unwrap(), KeptKey::Destroyed, "not merely missing");
    assert_eq!(store.put_if_absent(owner, key(5)).await.unwrap(), None);
    assert_eq!(store.get(owner).await.unwrap(), KeptKey::Destroyed, "not merely missing");
    store.destroy(owner).await.unwrap();
}

async fn a_destroyed_key_never_comes_back(store: &Arc<dyn KeyStore>) {
    store.put_if_absent(&[3; 16], key(3)).await.unwrap();
    store.destroy(&[3; 16]).await.unwrap();
    destroyed_for_good(store, &[3; 16]).await;
    // An owner that never had a key.
    let twice = futures::join!(store.destroy(&[4; 16]), store.destroy(&[4; 16]));
    assert!(twice.0.is_ok() && twice.1.is_ok());
    destroyed_for_good(store, &[4; 16]).await;
}

async fn destroyed_bytes_are_nowhere(store: &Arc<dyn KeyStore>, folder: &Path) {
    let (doomed, kept) = (key(100), key(101));
    store.put_if_absent(&[5; 16], doomed.clone()).await.unwrap();
    store.put_if_absent(&[6; 16], kept.clone()).await.unwrap();
    let seen = |key: &WrappedKey| !files_with(folder, &key.0).is_empty();
    eventually("the key is in the folder", || async { seen(&doomed) && seen(&kept) }).await;
    store.destroy(&[5; 16]).await.unwrap();
    eventually("no byte of the key is left", || async { !seen(&doomed) }).await;
    assert!(seen(&kept));
    assert_eq!(files_with(folder, &key(3).0), Vec::<PathBuf>::new(), "nor of those before");
}

// === files only ===

/// Where the slot of the n-th owner begins.
fn slot(number: u64) -> u64 {
    (number + 1) * 128
}

fn change_file(folder: &Path, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().write(true).open(folder.join("keys.slots")).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

async fn three_keys() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = FileKeyStore::open(folder.path()).await.unwrap();
    for number in 0..3 {
        store.put_if_absent(&[number; 16], key(number)).await.unwrap();
    }
    folder
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = FileKeyStore::open(folder.path()).await.unwrap();
    assert!(matches!(FileKeyStore::open(folder.path()).await, Err(FileError::InUse { .. })));
}

#[tokio::test]
async fn a_damaged_slot_is_noticed_and_can_be_destroyed() {
    let folder = three_keys().await;
    change_file(folder.path(), slot(1) + 30, b"\xFF");
    let store = FileKeyStore::open(folder.path()).await.unwrap();
    assert_eq!(store.get(&[0; 16]).await.unwrap(), KeptKey::Present(key(0)));
    assert_eq!(store.get(&[2; 16]).await.unwrap(), KeptKey::Present(key(2)));
    assert!(store.get(&[1; 16]).await.is_err(), "not a key that opens nothing, and not none");
    assert!(store.put_if_absent(&[1; 16], key(9)).await.is_err());
    store.destroy(&[1; 16]).await.unwrap();
    assert_eq!(store.get(&[1; 16]).await.unwrap(), KeptKey::Destroyed);
    drop(store);
    let store = FileKeyStore::open(folder.path()).await.unwrap();
    assert_eq!(store.get(&[1; 16]).await.unwrap(), KeptKey::Destroyed);
}

#[tokio::test]
async fn a_slot_that_was_not_written_whole_is_written_over() {
    let folder = three_keys().await;
    change_file(folder.path(), slot(3), &[1; 40]);
    let store = FileKeyStore::open(folder.path()).await.unwrap();
    assert_eq!(store.put_if_absent(&[3; 16], key(3)).await.unwrap(), Some(key(3)));
    drop(store);
    let store = FileKeyStore::open(folder.path()).await.unwrap();
    for number in 0..4 {
        assert_eq!(store.get(&[number; 16]).await.unwrap(), KeptKey::Present(key(number)));
    }
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let folder = three_keys().await;
    change_file(folder.path(), 0, b"something else");
    assert!(matches!(FileKeyStore::open(folder.path()).await, Err(FileError::Damaged { .. })));
}

#[tokio::test]
async fn a_longer_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileKeyStore::open(folder.path()).await.unwrap();
    assert!(store.put_if_absent(&[0; 16], WrappedKey(vec![1; 103])).await.is_err());
    assert!(store.put_if_absent(&[0; 16], WrappedKey(vec![1; 102])).await.unwrap().is_some());
}

/// The folder of the process that [`acknowledged_keys_survive_a_kill`] starts.
const CHILD_FOLDER: &str = "BERTH_TEST_KEY_STORE_FOLDER";

#[tokio::test]
#[ignore = "the process that acknowledged_keys_survive_a_kill starts and kills"]
async fn child_of_the_kill() {
    let folder = std::env::var_os(CHILD_FOLDER).unwrap();
    let store = FileKeyStore::open(PathBuf::from(folder)).await.unwrap();
    for number in 0..u128::MAX {
        let owner = number.to_be_bytes();
        store.put_if_absent(&owner, WrappedKey(owner.to_vec())).await.unwrap();
        if number % 2 == 1 {
            store.destroy(&owner).await.unwrap();
        }
        println!("\nacknowledged {number}");
    }
}

#[tokio::test]
async fn acknowledged_keys_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", "--exact", "key_store::child_of_the_kill"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let acknowledged = lines
            .filter_map(|line| line.unwrap().strip_prefix("acknowledged ")?.parse::<u128>().ok())
            .find(|number| *number >= round * 25)
            .unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let store = FileKeyStore::open(folder.path()).await.unwrap();
        for number in 0..=acknowledged {
            let owner = number.to_be_bytes();
            let kept = KeptKey::Present(WrappedKey(owner.to_vec()));
            let expected = if number % 2 == 0 { kept } else { KeptKey::Destroyed };
            assert_eq!(store.get(&owner).await.unwrap(), expected, "{number} of {acknowledged}");
        }
    }
}

// === NATS only ===

#[tokio::test]
async fn a_destruction_that_a_crash_cut_short_is_finished_by_the_next() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    let store = NatsKeyStore::open(client.clone(), 1).await.unwrap();
    store.put_if_absent(&[7; 16], key(7)).await.unwrap();
    let seen = || !files_with(server.store(), &key(7).0).is_empty();
    eventually("the key is in the folder", || async { seen() }).await;
    // The crash came after the mark and before the erasure.
    assert!(puts(&client, &mark_of(&[7; 16]), &[0]).await);
    assert_eq!(store.get(&[7; 16]).await.unwrap(), KeptKey::Destroyed);
    assert!(seen());
    store.destroy(&[7; 16]).await.unwrap();
    eventually("no byte of the key is left", || async { !seen() }).await;
    destroyed_for_good(&(Arc::new(store) as Arc<dyn KeyStore>), &[7; 16]).await;
}

/// The name of a setting, and how to make it dangerous.
type Change = (&'static str, fn(&mut Config));

/// Where an owner's key stands.
fn place_of(owner: &[u8; 16]) -> String {
    format!("berth.v1.keys.{}", InstanceId::from_bytes(*owner))
}

/// Where it stands that an owner's key was destroyed.
fn mark_of(owner: &[u8; 16]) -> String {
    format!("berth.v1.keys.destroyed.{}", InstanceId::from_bytes(*owner))
}

/// Whether a message that is not of the adapter is stored there.
async fn puts(client: &Client, subject: &str, payload: &[u8]) -> bool {
    puts_with(client, subject, payload, HeaderMap::new()).await
}

async fn puts_with(client: &Client, subject: &str, payload: &[u8], headers: HeaderMap) -> bool {
    let jetstream = jetstream::new(client.clone());
    let payload = payload.to_vec().into();
    jetstream.publish_with_headers(subject.to_owned(), headers, payload).await.unwrap().await.is_ok()
}

#[tokio::test]
async fn nobody_writes_over_a_key() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    let store = NatsKeyStore::open(client.clone(), 1).await.unwrap();
    let (owner, place) = ([7; 16], place_of(&[7; 16]));
    store.put_if_absent(&owner, key(7)).await.unwrap();
    let another: Vec<u8> = [&[1], key(8).0.as_slice()].concat();
    for payload in [another.as_slice(), &[0], b""] {
        assert!(!puts(&client, &place, payload).await, "{payload:?} is stored over a key");
        for (header, value) in [
            ("Nats-Rollup", "sub"),
            ("Nats-Rollup", "all"),
            ("Nats-TTL", "1"),
            ("Nats-Incr", "+1"),
            ("Nats-Expected-Last-Subject-Sequence", "1"),
            ("Nats-Schedule", "@at 2009-11-10T23:00:00Z"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header, value);
            assert!(
                !puts_with(&client, &place, payload, headers).await,
                "{payload:?} with {header}: {value}"
            );
        }
    }
    assert_eq!(store.get(&owner).await.unwrap(), KeptKey::Present(key(7)));
}

#[tokio::test]
async fn what_is_put_in_the_place_of_a_destroyed_key_counts_for_nothing() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    let store = NatsKeyStore::open(client.clone(), 1).await.unwrap();
    store.put_if_absent(&[7; 16], key(7)).await.unwrap();
    store.destroy(&[7; 16]).await.unwrap();
    let another: Vec<u8> = [&[1], key(8).0.as_slice()].concat();
    assert!(puts(&client, &place_of(&[7; 16]), &another).await, "its place is free again");
    destroyed_for_good(&(Arc::new(store) as Arc<dyn KeyStore>), &[7; 16]).await;
}

#[tokio::test]
async fn what_is_no_mark_destroys_nothing_and_hinders_no_destruction() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    let store = NatsKeyStore::open(client.clone(), 1).await.unwrap();
    for (number, forged) in (7..).zip([b"{\"type\":\"io.nats\"}".as_slice(), b"", &[0, 0], &[1]]) {
        let owner = [number; 16];
        store.put_if_absent(&owner, key(number)).await.unwrap();
        assert!(puts(&client, &mark_of(&owner), forged).await);
        assert_eq!(store.get(&owner).await.unwrap(), KeptKey::Present(key(number)), "{forged:?}");
        store.destroy(&owner).await.unwrap();
        assert_eq!(store.get(&owner).await.unwrap(), KeptKey::Destroyed, "{forged:?}");
    }
    assert!(puts(&client, &mark_of(&[1; 16]), b"forged").await);
    assert_eq!(store.get(&[1; 16]).await.unwrap(), KeptKey::Missing);
}

#[tokio::test]
async fn a_stream_that_would_lose_keys_is_refused() {
    let dangerous: [Change; 4] = [
        ("max_age", |settings| settings.max_age = std::time::Duration::from_hours(24)),
        ("max_msgs_per_subject", |settings| settings.max_messages_per_subject = 2),
        ("discard_new_per_subject", |settings| settings.discard_new_per_subject = false),
        ("allow_rollup_hdrs", |settings| {
            settings.allow_rollup = true;
            settings.deny_purge = false;
        }),
    ];
    for (setting, change) in dangerous {
        let server = NatsServer::start().await;
        let client = client(&server, "keys").await;
        drop(NatsKeyStore::open(client.clone(), 1).await.unwrap());
        let jetstream = jetstream::new(client.clone());
        let mut settings = jetstream.get_stream("BERTH_KEYS").await.unwrap().cached_info().config.clone();
        jetstream.delete_stream("BERTH_KEYS").await.unwrap();
        change(&mut settings);
        jetstream.create_stream(settings).await.unwrap();
        let refused = NatsKeyStore::open(client, 1).await.err();
        let named = match &refused {
            Some(OpenError::Drift { setting: named, .. }) => *named,
            _ => "nothing",
        };
        // Rollups need purges, so either of the two is named.
        assert!(named == setting || (setting == "allow_rollup_hdrs" && named == "deny_purge"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_stream_of_a_development_version_is_refused_in_words() {
    let server = NatsServer::start().await;
    let client = client(&server, "keys").await;
    let former = Config {
        name: "BERTH_KEYS".to_owned(),
        subjects: vec!["berth.v1.keys.*".to_owned()],
        discard: DiscardPolicy::New,
        deny_purge: true,
        ..Config::default()
    };
    jetstream::new(client.clone()).create_stream(former).await.unwrap();
    for refused in
        [NatsKeyStore::open(client.clone(), 1).await.err(), NatsKeyStore::find(client.clone(), 1).await.err()]
    {
        let said = refused.map(|refused| refused.to_string()).unwrap_or_default();
        assert!(said.contains("development version before the first release"), "{said}");
    }
}

#[tokio::test]
async fn without_a_server_a_retry_is_asked_for() {
    let mut server = NatsServer::start().await;
    let store = NatsKeyStore::open(client(&server, "keys").await, 1).await.unwrap();
    store.put_if_absent(&[8; 16], key(8)).await.unwrap();
    server.kill();
    assert!(store.get(&[8; 16]).await.is_err(), "no answer is not the answer that there is no key");
    server.restart().await;
    eventually("the key is there again", || async {
        store.get(&[8; 16]).await.is_ok_and(|found| found == KeptKey::Present(key(8)))
    })
    .await;
}
