//! Stories of following the log.

use std::{collections::HashMap, sync::Arc, time::Duration};

use berth_log::{EventLog, Follow, FollowError, Followed, Position, ShardPosition, Stored};
use berth_proto::{Kind, StreamKey};
use futures::StreamExt;

use super::history::{History, account, directory, instance};

type Log = Arc<dyn EventLog>;

/// How long a story waits for what must come.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The next thing that a follower meets.
pub(crate) async fn next(follow: &mut Follow) -> Result<Followed, FollowError> {
    tokio::time::timeout(WAIT_MAX, follow.next()).await.expect("in time").expect("a follower never ends")
}

/// Everything up to the first time that the follower is caught up.
pub(crate) async fn until_caught_up(follow: &mut Follow) -> (Vec<Stored>, Position) {
    let mut commits = Vec::new();
    loop {
        match next(follow).await.unwrap() {
            Followed::Commit(commit, position) => {
                assert_eq!(position.revision, commit.stored().tail.revision);
                commits.push(commit.stored().clone());
            }
            Followed::Unreadable { .. } => panic!("a sound log can be read"),
            Followed::CaughtUp(position) => return (commits, position),
        }
    }
}

/// That many commits, and the position after them.
pub(crate) async fn commits(follow: &mut Follow, wanted: usize, from: &Position) -> (Vec<Stored>, Position) {
    let (mut commits, mut position) = (Vec::new(), from.clone());
    while commits.len() < wanted {
        match next(follow).await.unwrap() {
            Followed::Commit(commit, at) => {
                position.advance(commit.stored().shard, at);
                commits.push(commit.stored().clone());
            }
            Followed::Unreadable { .. } => panic!("a sound log can be read"),
            Followed::CaughtUp(at) => position = at,
        }
    }
    (commits, position)
}

fn versions(commits: &[Stored]) -> HashMap<StreamKey, Vec<u64>> {
    let mut streams: HashMap<_, Vec<u64>> = HashMap::new();
    for stored in commits {
        streams.entry(stored.stream).or_default().push(stored.tail.version);
    }
    streams
}

pub(crate) async fn a_follower_reads_everything_from_the_start(log: &Log) {
    for number in 0..20 {
        History::new(instance(number)).grow(&**log, 5).await;
    }
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    let (commits, position) = until_caught_up(&mut follow).await;
    let streams = versions(&commits);
    assert_eq!(streams.len(), 20);
    for versions in streams.values() {
        assert_eq!(*versions, [1, 2, 3, 4, 5]);
    }
    assert!(position.covers(&log.end().await.unwrap()));
    assert_eq!(position.0.len(), usize::from(log.shards()));
}

pub(crate) async fn a_follower_goes_on_from_a_position(log: &Log) {
    let mut histories: Vec<_> = (0..20).map(|number| History::new(instance(number))).collect();
    for history in &mut histories {
        history.grow(&**log, 3).await;
    }
    let mut follow = log.follow("first", &Kind::ALL, Position::default()).await.unwrap();
    let (mut seen, position) = commits(&mut follow, 30, &Position::default()).await;
    drop(follow);
    for history in &mut histories {
        history.grow(&**log, 2).await;
    }
    let mut follow = log.follow("second", &Kind::ALL, position).await.unwrap();
    let (rest, _) = until_caught_up(&mut follow).await;
    seen.extend(rest);
    assert_eq!(seen.len(), 100);
    for versions in versions(&seen).values() {
        assert_eq!(*versions, [1, 2, 3, 4, 5]);
    }
}

pub(crate) async fn a_follower_sees_new_commits(log: &Log) {
    let mut history = History::new(instance(1));
    history.grow(&**log, 2).await;
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    let (old, position) = until_caught_up(&mut follow).await;
    assert_eq!(old.len(), 2);
    for mark in 0..5 {
        let appended = history.append(&**log, mark).await.unwrap();
        let (new, _) = commits(&mut follow, 1, &position).await;
        assert_eq!(new[0].tail, appended.tail);
        assert_eq!(new[0].stream, history.stream);
    }
    // It is caught up again, with a position that covers all.
    let end = log.end().await.unwrap();
    loop {
        if let Followed::CaughtUp(position) = next(&mut follow).await.unwrap()
            && position.covers(&end)
        {
            return;
        }
    }
}

pub(crate) async fn a_follower_sees_the_wanted_kinds_only(log: &Log) {
    for number in 0..10 {
        History::new(instance(number)).grow(&**log, 2).await;
        History::new(account(number)).grow(&**log, 2).await;
        History::new(directory(number)).grow(&**log, 2).await;
    }
    let mut follow = log.follow("test", &[Kind::Instance, Kind::Account], Position::default()).await.unwrap();
    let (seen, position) = until_caught_up(&mut follow).await;
    assert_eq!(seen.len(), 40);
    assert!(seen.iter().all(|stored| stored.stream.kind() != Kind::Directory));
    // What was passed over is read, too.
    assert!(position.covers(&log.end().await.unwrap()));
}

pub(crate) async fn a_follower_of_an_empty_log_is_caught_up(log: &Log) {
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    let (none, position) = until_caught_up(&mut follow).await;
    assert!(none.is_empty());
    assert_eq!(position.0.len(), usize::from(log.shards()));

    // Going on from there, the first commit comes.
    let mut follow = log.follow("again", &Kind::ALL, position).await.unwrap();
    History::new(instance(1)).grow(&**log, 1).await;
    assert_eq!(commits(&mut follow, 1, &Position::default()).await.0.len(), 1);
}

pub(crate) async fn each_shard_is_read_in_its_order_while_others_write(log: &Log) {
    const STREAMS: u64 = 32;
    const COMMITS: u64 = 20;
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..STREAMS {
        let log = Arc::clone(log);
        writers.spawn(async move { History::new(instance(number)).grow(&*log, COMMITS).await });
    }
    let total = usize::try_from(STREAMS * COMMITS).unwrap();
    let (seen, _) = commits(&mut follow, total, &Position::default()).await;
    let mut last = HashMap::new();
    for stored in &seen {
        let before = last.insert(stored.shard, stored.tail.revision);
        assert!(before.is_none_or(|before| before < stored.tail.revision), "in the order of the shard");
    }
    for versions in versions(&seen).values() {
        assert_eq!(*versions, (1..=COMMITS).collect::<Vec<_>>());
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
}

pub(crate) async fn the_end_covers_every_append(log: &Log) {
    let empty = log.end().await.unwrap();
    assert_eq!(empty.0.len(), usize::from(log.shards()));
    let incarnations: HashMap<_, _> = empty.0.iter().map(|(shard, at)| (*shard, at.incarnation)).collect();
    for number in 0..10 {
        let appended = History::new(instance(number)).append(&**log, 1).await.unwrap();
        let mut there = Position::default();
        let incarnation = incarnations[&appended.shard];
        there.advance(appended.shard, ShardPosition { incarnation, revision: appended.tail.revision });
        assert!(log.end().await.unwrap().covers(&there));
        assert!(!empty.covers(&there));
    }
}

pub(crate) async fn a_position_behind_the_end_of_another_life_is_refused(log: &Log) {
    History::new(instance(1)).grow(&**log, 5).await;
    let mut position = log.end().await.unwrap();
    let shard = instance(1).partition().shard(log.shards());
    let there = position.0[&shard];
    position.advance(shard, ShardPosition { incarnation: there.incarnation.wrapping_add(1), revision: 1 });
    let refused = log.follow("test", &Kind::ALL, position).await.err();
    assert!(matches!(refused, Some(FollowError::Recreated { shard: at }) if at == shard), "{refused:?}");
}

pub(crate) async fn a_position_after_the_end_is_refused(log: &Log) {
    History::new(instance(1)).grow(&**log, 5).await;
    let mut position = log.end().await.unwrap();
    let shard = instance(1).partition().shard(log.shards());
    let mut there = position.0[&shard];
    let end = there.revision;
    there.revision += 1;
    position.advance(shard, there);
    let refused = log.follow("test", &Kind::ALL, position).await.err();
    assert!(
        matches!(refused, Some(FollowError::RolledBack { shard: at, end: found, position }) if at == shard && found == end && position == end + 1),
        "{refused:?}"
    );
}
