//! Commits that somebody else puts into the streams of a deployment on a real server: each fits, and none is taken for its own.

use std::{collections::BTreeMap, sync::Arc};

use async_nats::{HeaderMap, jetstream};
use berth_log::{
    ChainFaultKind, DecodeError, EventLog, Followed, LogRead, Position, Stored, append_copy, damaged_tail,
    decode_commit,
    jetstream::{JetStreamLog, JetStreamOptions, Tags, Untagged, stream_name},
    read_around, verify,
};
use berth_proto::{Kind, StreamKey, directory::DirectoryStateV1};
use berth_runtime::{LogKey, MasterKey, SeededEntropy};
use berth_test_support::{NatsServer, heard_from_now};
use bytes::Bytes;
use futures::StreamExt;

use crate::contract::{
    following::{commits, until_caught_up},
    history::{History, instance},
};

const OPTIONS: JetStreamOptions = JetStreamOptions { shards: 4, replicas: 1 };
/// More streams than a follower remembers of a shard.
const MANY: u64 = 1_100;
/// Just as many as it remembers.
const FOLLOWED_MAX: usize = 1_024;

fn key(seed: u64) -> LogKey {
    MasterKey::generate(&SeededEntropy::new(seed)).log_key()
}

/// From the first commit on.
fn everywhere() -> Untagged {
    Untagged::UpTo(BTreeMap::new())
}

/// The log as a process opens it that has this key.
async fn open_with(server: &NatsServer, tags: &Tags) -> JetStreamLog {
    let client = async_nats::connect(server.url()).await.unwrap();
    JetStreamLog::open(client, OPTIONS).await.unwrap().with_tags(tags.clone())
}

async fn open(server: &NatsServer) -> JetStreamLog {
    open_with(server, &Tags::new(key(1), OPTIONS.shards, 4, &everywhere())).await
}

/// Other streams in the shard of a stream.
fn streams_beside(stream: StreamKey) -> impl Iterator<Item = StreamKey> {
    let shard = |stream: StreamKey| stream.partition().shard(OPTIONS.shards);
    (1..).map(instance).filter(move |other| *other != stream && shard(*other) == shard(stream))
}

struct Fixture {
    log: Arc<dyn EventLog>,
    _server: NatsServer,
}

async fn tagged() -> Fixture {
    let server = NatsServer::start().await;
    Fixture { log: Arc::new(open(&server).await), _server: server }
}

crate::contract::contract!(tagged);

/// Whoever may publish where commits stand, and reads them.
struct Intruder(jetstream::Context);

impl Intruder {
    async fn at(server: &NatsServer) -> Self {
        Self(jetstream::new(async_nats::connect(server.url()).await.unwrap()))
    }

    /// Puts a message there; gives its revision.
    async fn publish(&self, stream: StreamKey, headers: HeaderMap, payload: Bytes) -> u64 {
        let sent = self.0.publish_with_headers(stream.subject(), headers, payload).await;
        sent.unwrap().await.unwrap().sequence
    }

    /// The shard of a stream loses everything.
    async fn lose(&self, stream: StreamKey) {
        let name = stream_name(stream.partition().shard(OPTIONS.shards));
        let config = self.0.get_stream(&name).await.unwrap().cached_info().config.clone();
        self.0.delete_stream(&name).await.unwrap();
        self.0.create_stream(config).await.unwrap();
    }

    /// The headers and bytes of a message, without what the server would refuse it by.
    async fn copy(&self, stream: StreamKey, revision: u64) -> (HeaderMap, Bytes) {
        let shard = stream_name(stream.partition().shard(OPTIONS.shards));
        let found = self.0.get_stream(shard).await.unwrap().get_raw_message(revision).await.unwrap();
        let mut headers = HeaderMap::new();
        for (name, values) in found.headers.iter().filter(|(name, _)| !name.to_string().starts_with("Nats-"))
        {
            headers.insert(name.clone(), values[0].clone());
        }
        (headers, found.payload)
    }
}

/// The last commit is not taken for the deployment's own, however it is read, by a process that begins now or that reads already.
async fn is_found(server: &NatsServer, running: &JetStreamLog, stream: StreamKey, at: u64, version: u64) {
    for log in [running, &open(server).await] {
        let tail = log.tail(&stream).await.unwrap().unwrap();
        assert_eq!((tail.tail.revision, tail.forged), (at, true));
        let refused = decode_commit(&tail).unwrap_err();
        assert_eq!(refused, DecodeError::Forged { stream, revision: at });
        let report = verify(log, &stream).await.unwrap();
        assert_eq!(report.commits, version - 1);
        let fault = report.fault.unwrap();
        assert_eq!((fault.version, fault.kind), (version, ChainFaultKind::Forged));
        let last = read_around(log, &stream, version - 1, 1).await.unwrap();
        assert!(matches!(&last[..], [berth_log::Place::Commit(stored)] if stored.forged), "{last:?}");
        let words = log.unreadable().unwrap();
        assert!(words.contains(&format!("{at} of shard ")) && words.contains(&stream.to_string()), "{words}");
        assert!(words.contains("not this deployment's own"), "{words}");
    }
    let shard = stream.partition().shard(OPTIONS.shards);
    let end = running.end().await.unwrap();
    let mut before = end.clone();
    before.0.get_mut(&shard).unwrap().revision = at - 1;
    // From the first commit, and from right before this one.
    for from in [Position::default(), before] {
        let log = open(server).await;
        let (met, _) = until_caught_up(&mut log.follow("test", &Kind::ALL, from).await.unwrap()).await;
        let forged: Vec<_> = met.iter().filter(|met| met.forged).map(|met| met.tail.revision).collect();
        assert_eq!(forged, [at]);
    }
}

#[tokio::test]
async fn a_commit_whose_chain_fits_is_not_taken_without_a_tag_or_with_another_key() {
    let server = NatsServer::start().await;
    let (log, intruder) = (open(&server).await, Intruder::at(&server).await);
    let mut history = History::new(instance(1));
    history.grow(&log, 3).await;
    let forged = history.next(9);
    let at = intruder.publish(history.stream, HeaderMap::new(), forged.payload).await;
    is_found(&server, &log, history.stream, at, 4).await;
    // A process with another key forges by its own adapter, header and all.
    let mut other = History::new(instance(2));
    other.grow(&log, 1).await;
    let theirs = open_with(&server, &Tags::new(key(2), OPTIONS.shards, 4, &Untagged::Anywhere)).await;
    let appended = theirs.append(other.next(1), other.expected).await.unwrap();
    let tail = log.tail(&other.stream).await.unwrap().unwrap();
    assert_eq!((tail.tail.revision, tail.forged), (appended.tail.revision, true));
    // A sound history is read as ever.
    let mut sound = History::new(instance(3));
    sound.grow(&log, 2).await;
    assert_eq!(verify(&open(&server).await, &sound.stream).await.unwrap().fault, None);
}

#[tokio::test]
async fn a_commit_of_its_own_is_not_taken_again_nor_without_its_tag_nor_elsewhere() {
    let server = NatsServer::start().await;
    let (log, intruder) = (open(&server).await, Intruder::at(&server).await);
    for (number, revision_back) in [(1, 1), (2, 0)] {
        let mut history = History::new(instance(number));
        history.grow(&log, 2).await;
        let berth_log::Expected::After(last) = history.expected else { unreachable!() };
        let found = log.read(&history.stream, 1 - revision_back, 1).await.unwrap();
        let (headers, payload) = intruder.copy(history.stream, found[0].tail.revision).await;
        let at = intruder.publish(history.stream, headers, payload).await;
        assert!(at > last.revision);
        let running = log.tail(&history.stream).await.unwrap().unwrap();
        assert_eq!((running.tail.revision, running.forged), (at, true), "{number}");
    }
    let mut history = History::new(instance(10));
    history.grow(&log, 2).await;
    let first = log.read(&history.stream, 0, 1).await.unwrap();
    let (headers, payload) = intruder.copy(history.stream, first[0].tail.revision).await;
    let elsewhere = instance(11);
    intruder.publish(elsewhere, headers.clone(), payload.clone()).await;
    assert!(log.tail(&elsewhere).await.unwrap().unwrap().forged);
    let altered = Bytes::from([&payload[..], b"x"].concat());
    intruder.publish(instance(12), headers, altered).await;
    assert!(log.tail(&instance(12)).await.unwrap().unwrap().forged);
    let (_, last) = intruder.copy(history.stream, first[0].tail.revision).await;
    intruder.publish(history.stream, HeaderMap::new(), last).await;
    assert!(log.tail(&history.stream).await.unwrap().unwrap().forged);
}

#[tokio::test]
async fn a_copy_is_found_by_who_met_the_commit_long_ago_or_never() {
    let server = NatsServer::start().await;
    let (log, intruder) = (open(&server).await, Intruder::at(&server).await);
    let mut history = History::new(instance(1));
    history.grow(&log, 2).await;
    let mut running = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    until_caught_up(&mut running).await;
    for stream in streams_beside(history.stream).take(usize::try_from(MANY).unwrap()) {
        History::new(stream).grow(&log, 1).await;
    }
    let (headers, payload) = intruder.copy(history.stream, 1).await;
    let at = intruder.publish(history.stream, headers, payload).await;
    is_found(&server, &log, history.stream, at, 3).await;
    let (met, _) = commits(&mut running, usize::try_from(MANY).unwrap() + 1, &Position::default()).await;
    let forged: Vec<_> = met.iter().filter(|met| met.forged).map(|met| met.tail.revision).collect();
    assert_eq!(forged, [at]);
}

#[tokio::test]
async fn a_commit_of_a_writer_that_had_not_looked_for_long_is_its_own() {
    let server = NatsServer::start().await;
    let (log, idle) = (open(&server).await, open(&server).await);
    let mut quiet = History::new(instance(1));
    quiet.grow(&idle, 1).await;
    for stream in streams_beside(quiet.stream).take(usize::try_from(MANY).unwrap()) {
        History::new(stream).grow(&log, 1).await;
    }
    quiet.grow(&idle, 1).await;
    for log in [&log, &open(&server).await] {
        assert_eq!(verify(log, &quiet.stream).await.unwrap().fault, None);
        let (met, _) =
            until_caught_up(&mut log.follow("test", &Kind::ALL, Position::default()).await.unwrap()).await;
        assert!(met.iter().all(|met| !met.forged));
    }
}

#[tokio::test]
async fn what_earlier_releases_wrote_is_taken_up_to_where_tags_became_obligatory() {
    let server = NatsServer::start().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let earlier = JetStreamLog::open(client, OPTIONS).await.unwrap();
    let tags = Tags::new(key(1), OPTIONS.shards, 3, &Untagged::Anywhere);
    let log = open_with(&server, &tags).await;
    let mut history = History::new(instance(1));
    history.grow(&earlier, 2).await;
    history.grow(&log, 2).await;
    history.grow(&earlier, 1).await;
    assert_eq!(verify(&log, &history.stream).await.unwrap().fault, None);
    assert_eq!(log.last_generation().await.unwrap(), Some(3));
    let ends = log.end().await.unwrap().0.into_iter().map(|(shard, end)| (shard, end.revision));
    assert!(tags.require(4, &Untagged::UpTo(ends.collect())));
    assert_eq!(verify(&log, &history.stream).await.unwrap().fault, None, "all of it was there before");
    history.grow(&log, 1).await;
    assert_eq!(verify(&log, &history.stream).await.unwrap().fault, None);
    assert_eq!(log.last_generation().await.unwrap(), Some(4));
    let shard = history.stream.partition().shard(OPTIONS.shards);
    assert_eq!(log.first_obligatory().await.unwrap(), [(shard, (6, 4))].into());
    history.grow(&earlier, 1).await;
    assert_eq!(verify(&log, &history.stream).await.unwrap().fault.unwrap().kind, ChainFaultKind::Forged);
    assert_eq!(earlier.tail(&history.stream).await.unwrap().unwrap().tail.version, 7, "it reads on as ever");
}

#[tokio::test]
async fn a_forged_commit_stays_one_in_a_copy_of_the_log() {
    let server = NatsServer::start().await;
    let stream = instance(1);
    let payload = History::new(stream).next(1).payload;
    let tail = berth_log::Tail { version: 1, revision: 1 };
    let copy = Stored { stream, tail, shard: 0, payload, forged: true };
    let lenient = open_with(&server, &Tags::new(key(1), OPTIONS.shards, 3, &Untagged::Anywhere)).await;
    append_copy(&lenient, copy.clone(), berth_log::Expected::Empty).await.unwrap();
    assert!(lenient.tail(&stream).await.unwrap().unwrap().forged, "also where no tag is needed");
    let embedded = berth_log::memory::MemoryLog::new(4);
    append_copy(&embedded, copy, berth_log::Expected::Empty).await.unwrap_err();
    assert_eq!(embedded.tail(&stream).await.unwrap(), None);
}

#[tokio::test]
async fn whoever_follows_goes_on_behind_a_forged_commit() {
    let server = NatsServer::start().await;
    let (log, intruder) = (open(&server).await, Intruder::at(&server).await);
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    until_caught_up(&mut follow).await;
    let (mut history, mut other) = (History::new(instance(1)), History::new(instance(2)));
    history.grow(&log, 1).await;
    let forged = history.next(9).payload;
    let at = intruder.publish(history.stream, HeaderMap::new(), forged).await;
    other.grow(&log, 1).await;
    // What is written knowing of it stands behind it.
    history.expected = berth_log::Expected::After(berth_log::Tail { version: 2, revision: at });
    history.grow(&log, 1).await;
    let mut met = Vec::new();
    while met.len() < 4 {
        if let Followed::Commit(commit, _) = crate::contract::following::next(&mut follow).await.unwrap() {
            met.push((commit.stored().stream, commit.stored().tail.version, commit.stored().forged));
        }
    }
    met.retain(|(stream, ..)| *stream == history.stream);
    let stream = history.stream;
    assert_eq!(met, [(stream, 1, false), (stream, 0, true), (stream, 3, false)]);
}

#[tokio::test]
async fn many_forged_commits_behind_a_stream_are_read_to_their_end() {
    let server = NatsServer::start().await;
    let (log, intruder) = (open(&server).await, Intruder::at(&server).await);
    for (number, good, forged) in [(1, 3, 300), (2, 98, 3)] {
        let mut history = History::new(instance(number));
        history.grow(&log, good).await;
        let payload = history.next(9).payload;
        for _ in 0..forged {
            intruder.publish(history.stream, HeaderMap::new(), payload.clone()).await;
        }
        for log in [&log, &open(&server).await] {
            let report = verify(log, &history.stream).await.unwrap();
            assert_eq!((report.commits, report.tombstone), (good, None));
            let end = log.tail_place(&history.stream).await.unwrap().unwrap();
            let found = damaged_tail::<DirectoryStateV1>(log, &history.stream).await.unwrap().unwrap();
            assert_eq!((found.tail.version, found.tail.revision), (good + forged, end.revision));
        }
    }
}

#[tokio::test]
async fn what_is_appended_to_a_shard_that_came_back_shorter_is_the_deployments_own() {
    let server = NatsServer::start().await;
    let (log, intruder) = (open(&server).await, Intruder::at(&server).await);
    let mut streams = streams_beside(instance(1));
    let mut survivor = History::new(instance(1));
    survivor.grow(&log, 1).await;
    History::new(streams.next().unwrap()).grow(&log, 5).await;
    let kept = intruder.copy(instance(1), 1).await;
    intruder.lose(instance(1)).await;
    // What survived is there again, at its old place.
    assert_eq!(intruder.publish(instance(1), kept.0, kept.1).await, 1);
    // All of these name an end of the shard that is not there any more.
    let mut fresh = History::new(streams.next().unwrap());
    survivor.grow(&log, 1).await;
    fresh.grow(&log, 2).await;
    for log in [&log, &open(&server).await] {
        for history in [&survivor, &fresh] {
            assert_eq!(verify(log, &history.stream).await.unwrap().fault, None);
            assert!(!log.tail(&history.stream).await.unwrap().unwrap().forged);
        }
        let (met, _) =
            until_caught_up(&mut log.follow("test", &Kind::ALL, Position::default()).await.unwrap()).await;
        assert!(met.iter().all(|met| !met.forged));
        assert_eq!(log.unreadable(), None);
    }
    // By its predecessor a copy is found as ever.
    let (headers, payload) = intruder.copy(fresh.stream, 4).await;
    let at = intruder.publish(fresh.stream, headers, payload).await;
    is_found(&server, &log, fresh.stream, at, 3).await;
}

#[tokio::test]
async fn an_answer_of_another_stream_acknowledges_nothing() {
    let server = NatsServer::start().await;
    let (log, intruder) = (open(&server).await, Intruder::at(&server).await);
    let mut history = History::new(instance(1));
    let overheard = async_nats::connect(server.url()).await.unwrap();
    let mut published = heard_from_now(&overheard, history.stream.subject()).await;
    let name = stream_name(history.stream.partition().shard(OPTIONS.shards));
    let config = intruder.0.get_stream(&name).await.unwrap().cached_info().config.clone();
    intruder.0.delete_stream(&name).await.unwrap();
    let answer = async {
        let first = published.next().await.unwrap();
        intruder.0.create_stream(config).await.unwrap();
        let others = r#"{"stream":"KV_other","seq":1000000}"#;
        overheard.publish(first.reply.unwrap(), others.into()).await.unwrap();
        overheard.flush().await.unwrap();
    };
    let (appended, ()) = tokio::join!(history.append(&log, 1), answer);
    assert_eq!(appended.unwrap().tail.revision, 1);
    assert!(!log.tail(&history.stream).await.unwrap().unwrap().forged);
}

/// A commit that was refused for another one, and which somebody overheard, is stored by him where the follower forgot the other one.
#[tokio::test]
async fn what_a_view_may_be_shown_of_a_refused_commit_no_reader_takes() {
    let server = NatsServer::start().await;
    let (log, intruder) = (open(&server).await, Intruder::at(&server).await);
    let mut history = History::new(instance(1));
    history.grow(&log, 1).await;
    let mut running = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    until_caught_up(&mut running).await;
    let overheard = async_nats::connect(server.url()).await.unwrap();
    let mut published = heard_from_now(&overheard, history.stream.subject()).await;
    let first = intruder.publish(history.stream, HeaderMap::new(), history.next(9).payload).await;
    commits(&mut running, 1, &Position::default()).await;
    let refused = history.clone().append(&log, 2).await;
    assert!(matches!(refused, Err(berth_log::AppendError::Conflict { .. })), "{refused:?}");
    published.next().await.unwrap();
    let refused = published.next().await.unwrap();
    for stream in streams_beside(history.stream).take(FOLLOWED_MAX) {
        History::new(stream).grow(&log, 1).await;
    }
    let mut headers = HeaderMap::new();
    headers.insert("Berth-Tag", refused.headers.unwrap().get("Berth-Tag").unwrap().clone());
    let at = intruder.publish(history.stream, headers, refused.payload).await;
    let (met, _) = commits(&mut running, FOLLOWED_MAX + 1, &Position::default()).await;
    let last = met.last().unwrap();
    assert_eq!((last.tail.revision, last.forged), (at, false), "the follower forgot number {first}");
    let named = log.read_at(&history.stream, last.tail).await.unwrap();
    assert!(named.is_none_or(|named| named.forged), "where the follower met it");
    let tail = log.tail(&history.stream).await.unwrap().unwrap();
    assert_eq!((tail.tail.revision, tail.forged), (at, true));
}

#[tokio::test]
async fn whoever_follows_writes_knowing_of_streams_that_were_quiet_for_long() {
    let server = NatsServer::start().await;
    let (log, other, intruder) = (open(&server).await, open(&server).await, Intruder::at(&server).await);
    let mut running = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    until_caught_up(&mut running).await;
    let mut streams = streams_beside(instance(1));
    History::new(streams.next().unwrap()).grow(&other, 1).await;
    commits(&mut running, 1, &Position::default()).await;
    let own = History::new(streams.next().unwrap()).append(&log, 1).await.unwrap();
    let stream = streams_beside(instance(1)).nth(1).unwrap();
    let (headers, _) = intruder.copy(stream, own.tail.revision).await;
    let places: Vec<_> = headers.get("Berth-Tag").unwrap().as_str().split('.').take(3).collect();
    assert_eq!(places, ["4", "0", "1"], "generation, predecessor, and what was seen of the shard");
}

/// Another log of the same root secret and division, as a copy of a deployment has it that was raised before this one.
#[tokio::test]
async fn what_was_written_elsewhere_says_nothing_of_the_generation_of_this_log() {
    let (server, elsewhere) = (NatsServer::start().await, NatsServer::start().await);
    let raised = open(&elsewhere).await;
    let (mut history, mut theirs) = (History::new(instance(1)), History::new(instance(1)));
    theirs.grow(&raised, 4).await;
    let tags = Tags::new(key(1), OPTIONS.shards, 3, &Untagged::Anywhere);
    let log = open_with(&server, &tags).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let earlier = JetStreamLog::open(client, OPTIONS).await.unwrap();
    let mut running = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    until_caught_up(&mut running).await;
    history.grow(&earlier, 3).await;
    let (headers, payload) = Intruder::at(&elsewhere).await.copy(theirs.stream, 3).await;
    let intruder = Intruder::at(&server).await;
    let at = intruder.publish(history.stream, headers, payload).await;
    let (met, _) = commits(&mut running, 4, &Position::default()).await;
    assert_eq!((met[3].tail.revision, met[3].forged), (at, true));
    assert!(log.tail(&history.stream).await.unwrap().unwrap().forged);
    assert_eq!(log.last_generation().await.unwrap(), None);
    assert_eq!(log.first_obligatory().await.unwrap(), BTreeMap::new());
    assert!(tags.require(3, &Untagged::Anywhere), "the record says what it said");
    let mut other = History::new(streams_beside(history.stream).next().unwrap());
    other.grow(&earlier, 2).await;
    assert_eq!(verify(&log, &other.stream).await.unwrap().fault, None);
}
