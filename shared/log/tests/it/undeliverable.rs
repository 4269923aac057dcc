//! Messages that a server stores and no client can be given: they cost a connection, and whoever follows the log goes on.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_nats::Client;
use berth_log::{
    AppendError, EventLog, Expected, Follow, Followed, LogRead, OneFollower, Position, Stored, damaged_tail,
    decode_commit,
    jetstream::{JetStreamLog, JetStreamOptions},
    verify,
};
use berth_proto::{Kind, directory::DirectoryStateV1};
use berth_runtime::Lifecycle;
use berth_test_support::NatsServer;
use futures::FutureExt;

use crate::contract::{
    following::next,
    history::{History, instance},
};

const OPTIONS: JetStreamOptions = JetStreamOptions { shards: 4, replicas: 1 };
/// Instances beside the one that is harmed, so that every shard has several.
const OTHERS: u64 = 12;
/// Headers that end a connection.
const HEADERS: [&[u8]; 5] = [
    b"NATS/1.0\r\nKey: a\rb\r\n\r\n",
    b"NATS/1.0\r\nno colon\r\n\r\n",
    b"NATS/1.0\r\nKey: \xff\xfe\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"NATS/1.0\r\nno name: a\r\n\r\n",
];

async fn connect(url: String) -> Client {
    async_nats::ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(50))
        .connect(url)
        .await
        .unwrap()
}

async fn open(server: &NatsServer) -> JetStreamLog {
    let url = server.url();
    let log = JetStreamLog::open(connect(url.clone()).await, OPTIONS).await.unwrap();
    log.redialled(Arc::new(move || connect(url.clone()).map(Ok).boxed()))
}

async fn one_follower(server: &NatsServer) -> OneFollower {
    OneFollower::new(Arc::new(open(server).await), Arc::new(open(server).await), &Lifecycle::new())
}

type Place = (u8, u64);

fn place(stored: &Stored) -> Place {
    (stored.shard, stored.tail.revision)
}

/// Follows until all of these were met, and nothing twice.
async fn meets(follow: &mut Follow, mut wanted: BTreeSet<Place>) -> Vec<Stored> {
    let mut met = Vec::new();
    while !wanted.is_empty() {
        match next(follow).await.unwrap() {
            Followed::Commit(commit, _) => {
                assert!(wanted.remove(&place(commit.stored())), "{commit:?} once, and nothing else");
                met.push(commit.stored().clone());
            }
            Followed::Unreadable { .. } => panic!("the leader gives everything"),
            Followed::CaughtUp(_) => {}
        }
    }
    met
}

/// A commit of each, and where they are.
async fn told(log: &dyn EventLog, histories: &mut [History]) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for history in histories {
        let appended = history.append(log, 0).await.unwrap();
        places.insert((appended.shard, appended.tail.revision));
    }
    places
}

/// Followers that run, and ones that begin, go on behind such messages; readers name them as damage.
async fn goes_on_behind_them(server: &NatsServer, log: &dyn LogRead) {
    let writer = &open(server).await;
    let mut others: Vec<_> = (0..OTHERS).map(|number| History::new(instance(100 + number))).collect();
    let mut all = told(writer, &mut others).await;
    let mut follow = log.follow("running", &Kind::ALL, Position::default()).await.unwrap();
    meets(&mut follow, all.clone()).await;
    for (number, headers) in (1..).zip(HEADERS) {
        let mut harmed = History::new(instance(number));
        let first = harmed.append(writer, 0).await.unwrap();
        let (shard, good) = (first.shard, harmed.expected);
        // What it says is a sound commit in its right place.
        let forged = harmed.next(7).payload;
        let at = server.publish_raw(harmed.stream.subject().as_bytes(), headers, &forged).await;
        let mut wanted = told(writer, &mut others).await;
        wanted.extend([(shard, first.tail.revision), (shard, at)]);
        let met = meets(&mut follow, wanted.clone()).await;
        all.extend(wanted);
        let bad = met.iter().find(|stored| place(stored) == (shard, at)).unwrap();
        assert!(decode_commit(bad).is_err(), "{}", headers.escape_ascii());

        let tail = log.tail(&harmed.stream).await.unwrap().unwrap();
        assert_eq!((tail.tail, decode_commit(&tail).is_err()), (bad.tail, true));
        assert_eq!(log.read(&harmed.stream, 0, 9).await.unwrap().len(), 2);
        let report = verify(log, &harmed.stream).await.unwrap();
        assert_eq!(report.fault.unwrap().version, 2, "{}", headers.escape_ascii());
        // Nothing is built on it, and the way out is what it is of all damage: behind it.
        harmed.expected = good;
        assert!(matches!(harmed.append(writer, 1).await, Err(AppendError::Conflict { .. })));
        let end = damaged_tail::<DirectoryStateV1>(log, &harmed.stream).await.unwrap().unwrap();
        assert_eq!((end.tail.version, end.tail.revision), (2, at));
        harmed.expected = Expected::After(end.tail);
        let behind = harmed.append(writer, 2).await.unwrap();
        all.extend(meets(&mut follow, [(shard, behind.tail.revision)].into()).await.iter().map(place));
    }
    let mut later = log.follow("later", &Kind::ALL, Position::default()).await.unwrap();
    meets(&mut later, all).await;
}

#[tokio::test]
async fn a_follower_goes_on_behind_what_no_client_can_be_given() {
    let server = NatsServer::start().await;
    let log = open(&server).await;
    goes_on_behind_them(&server, &log).await;
}

#[tokio::test]
async fn readers_of_the_one_follower_go_on_behind_it_too() {
    let server = NatsServer::start().await;
    let log = one_follower(&server).await;
    goes_on_behind_them(&server, &log).await;
}

/// Who publishes one publishes many, at the end and in between.
#[tokio::test]
async fn hundreds_of_them_hold_nobody_up() {
    let server = NatsServer::start().await;
    let (writer, log) = (open(&server).await, open(&server).await);
    let mut others: Vec<_> = (0..OTHERS).map(|number| History::new(instance(100 + number))).collect();
    let mut all = told(&writer, &mut others).await;
    let mut follow = log.follow("running", &Kind::ALL, Position::default()).await.unwrap();
    for round in 0..30 {
        let mut wanted = told(&writer, &mut others).await;
        for (number, headers) in (0..).zip(HEADERS) {
            let stream = instance(number);
            let at = server.publish_raw(stream.subject().as_bytes(), headers, b"no commit").await;
            wanted.insert((stream.partition().shard(OPTIONS.shards), at));
        }
        all.extend(wanted.clone());
        if round == 0 {
            meets(&mut follow, all.clone()).await;
        } else {
            meets(&mut follow, wanted).await;
        }
    }
    let mut later = log.follow("later", &Kind::ALL, Position::default()).await.unwrap();
    meets(&mut later, all).await;
}

#[tokio::test]
async fn a_subject_that_no_client_parses_holds_nobody_up() {
    let server = NatsServer::start().await;
    let log = open(&server).await;
    let mut others: Vec<_> = (0..OTHERS).map(|number| History::new(instance(100 + number))).collect();
    let mut all = told(&log, &mut others).await;
    let mut follow = log.follow("running", &Kind::ALL, Position::default()).await.unwrap();
    meets(&mut follow, all.clone()).await;
    for end in [&b"\xff\xfe"[..], b"a\xc2\xa0b"] {
        for partition in 0..4 {
            let subject = [format!("berth.v1.log.instance.{partition}.").as_bytes(), end].concat();
            server.publish_raw(&subject, b"NATS/1.0\r\n\r\n", b"no commit").await;
        }
        let wanted = told(&log, &mut others).await;
        meets(&mut follow, wanted.clone()).await;
        all.extend(wanted);
    }
    let mut later = log.follow("later", &Kind::ALL, Position::default()).await.unwrap();
    meets(&mut later, all).await;
    // They are of no stream, and the end is reached behind them all the same.
    let end = log.end().await.unwrap();
    loop {
        if let Followed::CaughtUp(position) = next(&mut later).await.unwrap()
            && position.covers(&end)
        {
            break;
        }
    }
}
