//! What a postbag keeps, on both engines.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use berth_bus::{Kept, Postbag, local::FilePostbag, nats::NatsPostbag};
use berth_proto::{InstanceId, Partition};
use berth_test_support::NatsServer;
use bytes::Bytes;

use crate::support::client;

const SHOP: InstanceId = InstanceId::from_bytes([1; 16]);

fn letter(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Two instances of one partition.
fn neighbours() -> (InstanceId, InstanceId) {
    let partition = Partition::of(SHOP.as_bytes());
    let other = (2..=u8::MAX).map(|byte| InstanceId::from_bytes([byte; 16]));
    let other = other.into_iter().find(|other| Partition::of(other.as_bytes()) == partition);
    (SHOP, other.expect("one of 254 in one of 64 partitions"))
}

async fn keeps_letters_until_they_are_delivered(postbag: Arc<dyn Postbag>) {
    let (shop, bar) = neighbours();
    let partition = Partition::of(shop.as_bytes());
    assert!(postbag.holders(partition).await.unwrap().is_empty());
    assert!(postbag.list(shop).await.unwrap().is_empty());
    let first = postbag.put(shop, letter("one")).await.unwrap();
    let second = postbag.put(shop, letter("second")).await.unwrap();
    let of_bar = postbag.put(bar, letter("bar")).await.unwrap();
    assert!(first < second);
    let mut holders = postbag.holders(partition).await.unwrap();
    holders.sort_unstable();
    assert_eq!(holders, [(shop, 2), (bar, 1)]);
    let kept = |instance, place, bytes| Kept { instance, place, bytes };
    assert_eq!(postbag.list(shop).await.unwrap(), [kept(shop, first, 3), kept(shop, second, 6)]);
    assert_eq!(postbag.list(bar).await.unwrap(), [kept(bar, of_bar, 3)]);
    let another = Partition::new((partition.number() + 1) % 64).unwrap();
    assert!(postbag.holders(another).await.unwrap().is_empty());
    assert_eq!(postbag.get(shop, first).await.unwrap(), Some(letter("one")));
    assert_eq!(postbag.get(bar, first).await.unwrap(), None, "a letter of somebody else");

    postbag.erase(shop, first).await.unwrap();
    postbag.erase(shop, first).await.unwrap();
    assert_eq!(postbag.get(shop, first).await.unwrap(), None);
    assert_eq!(postbag.get(shop, second).await.unwrap(), Some(letter("second")));
    postbag.erase(shop, u64::MAX - 1).await.unwrap();
    assert_eq!(postbag.holders(partition).await.unwrap(), [(bar, 1)]);
    assert!(postbag.list(shop).await.unwrap().is_empty());
}

#[tokio::test]
async fn local() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || Arc::new(FilePostbag::open(folder.path()).await.unwrap());
    keeps_letters_until_they_are_delivered(open().await).await;
    // What was kept is there after a restart, places go on, and a damaged letter holds nobody up.
    let (_, bar) = neighbours();
    let again = open().await;
    let [left] = again.list(bar).await.unwrap()[..] else { panic!("one letter") };
    assert_eq!(again.get(bar, left.place).await.unwrap(), Some(letter("bar")));
    assert!(again.put(bar, letter("more")).await.unwrap() > left.place);
    let file = folder.path().join(bar.to_string()).join(format!("{:020}", left.place));
    std::fs::write(file, "anything").unwrap();
    assert_eq!(again.get(bar, left.place).await.unwrap(), Some(Bytes::new()));
}

/// The folder of an instance goes with its last letter, while the next one comes.
#[tokio::test]
async fn letters_come_while_others_of_their_instance_go() {
    let folder = tempfile::tempdir().unwrap();
    let postbag = FilePostbag::open(folder.path()).await.unwrap();
    let are_put = AtomicBool::new(false);
    let putting = async {
        for _ in 0..200 {
            postbag.put(SHOP, letter("one")).await.unwrap();
        }
        are_put.store(true, Ordering::Relaxed);
    };
    let erasing = async {
        while !are_put.load(Ordering::Relaxed) {
            postbag.erase(SHOP, u64::MAX - 1).await.unwrap();
            postbag.list(SHOP).await.unwrap();
            postbag.holders(Partition::of(SHOP.as_bytes())).await.unwrap();
        }
    };
    tokio::join!(putting, erasing);
    postbag.erase(SHOP, u64::MAX - 1).await.unwrap();
    assert!(postbag.list(SHOP).await.unwrap().is_empty());
    assert!(!folder.path().join(SHOP.to_string()).exists());
}

#[tokio::test]
async fn a_letter_that_cannot_be_written_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let postbag = FilePostbag::open(folder.path()).await.unwrap();
    let place = postbag.put(SHOP, letter("one")).await.unwrap();
    let home = folder.path().join(SHOP.to_string());
    let unfinished = || {
        let entries = std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "new")).count()
    };
    // Something stands in its way.
    let next = home.join(format!("{:020}", place + 1));
    std::fs::create_dir(&next).unwrap();
    postbag.put(SHOP, letter("two")).await.unwrap_err();
    assert_eq!(unfinished(), 0);
    std::fs::remove_dir(next).unwrap();

    // One that a crash left goes when the postbag is opened.
    std::fs::write(home.join(format!("{:020}.new", place + 2)), "half of a letter").unwrap();
    let again = FilePostbag::open(folder.path()).await.unwrap();
    assert_eq!(unfinished(), 0);
    assert_eq!(again.get(SHOP, place).await.unwrap(), Some(letter("one")));
}

#[tokio::test]
async fn on_nats() {
    let server = NatsServer::start().await;
    let client = client(&server, "postbag").await;
    let postbag = NatsPostbag::open(client.clone(), 1).await.unwrap();
    keeps_letters_until_they_are_delivered(Arc::new(postbag)).await;
    let again = NatsPostbag::open(client, 1).await.unwrap();
    let (_, bar) = neighbours();
    assert_eq!(again.list(bar).await.unwrap().len(), 1);
}
