use berth_proto::{DirectoryId, InstanceId};

use super::*;

/// Instances of an account, each another one.
fn instances(account: u8) -> impl Iterator<Item = StreamKey> {
    let first = u128::from(account) << 64;
    (first..first + 10_000).map(|number| StreamKey::instance(InstanceId::from_bytes(number.to_be_bytes())))
}

/// A place at once, or why there is none.
fn enter(room: &Arc<Room>, account: Option<AccountId>, stream: StreamKey) -> Result<Place, NoRoom> {
    let entered = room.now().comes(room, account, stream);
    match entered? {
        Entered::In(place) => Ok(place),
        Entered::Waits(why, _told) => Err(why),
    }
}

/// As many as one account may have at this moment for these, one for each.
fn fill_with(room: &Arc<Room>, account: u8, streams: impl Iterator<Item = StreamKey>) -> Vec<Place> {
    let of = Some(AccountId::from_bytes([account; 16]));
    streams.filter_map(|stream| enter(room, of, stream).ok()).collect()
}

fn fill(room: &Arc<Room>, account: u8) -> Vec<Place> {
    fill_with(room, account, instances(account))
}

/// Those instances of an account that are of the first shard, or of the others.
fn of_first_shard(room: &Arc<Room>, account: u8, wanted: bool) -> impl Iterator<Item = StreamKey> {
    let room = Arc::clone(room);
    instances(account).filter(move |stream| (room.shard(*stream) == 0) == wanted)
}

fn is_empty(room: &Room) -> bool {
    let now = room.now();
    now.all == 0
        && now.of_account.is_empty()
        && now.of_stream.is_empty()
        && now.of_shard.is_empty()
        && now.waiting.is_empty()
}

#[test]
fn there_is_room_for_whoever_comes() {
    let room = Arc::new(Room::new(60, 1));
    let first = fill(&room, 1);
    assert_eq!(first.len(), 30, "half of it if it is alone");
    let second = fill(&room, 2);
    assert_eq!(second.len(), 20, "a third beside another one");
    assert_eq!(fill(&room, 1).len(), 0, "the first has more than its part");
    drop(first);
    assert_eq!(fill(&room, 1).len(), 20);
    drop(second);
    assert!(is_empty(&room));
}

#[test]
fn whoever_comes_late_has_its_part_at_once() {
    let room = Arc::new(Room::new(60, 1));
    let held: Vec<_> = (1..=20).map(|account| fill(&room, account)).collect();
    for (before, places) in held.iter().enumerate().take(8) {
        assert_eq!(places.len(), 60 / (before + 2), "as if the others had no more than theirs");
    }
    assert_eq!(
        held.iter().map(Vec::len).sum::<usize>(),
        120,
        "and twice as many as there is room for at most"
    );
    let late = Some(AccountId::from_bytes([21; 16]));
    assert_eq!(enter(&room, late, instances(21).next().unwrap()).unwrap_err(), NoRoom::Gateway);
    drop(enter(&room, None, instances(21).next().unwrap()).expect("the operator gets through"));
    drop(held);
    assert!(is_empty(&room));
}

#[test]
fn one_instance_leaves_room_to_the_others_of_its_account() {
    let room = Arc::new(Room::new(80, 1));
    let account = Some(AccountId::from_bytes([1; 16]));
    let hot = StreamKey::instance(InstanceId::from_bytes([7; 16]));
    let held: Vec<_> = std::iter::from_fn(|| enter(&room, account, hot).ok()).collect();
    assert_eq!(held.len(), 10, "an eighth");
    assert_eq!(enter(&room, account, hot).unwrap_err(), NoRoom::Stream);
    assert_eq!(fill(&room, 1).len(), 30);
    assert!(enter(&room, None, hot).is_err(), "whoever asks for it");
}

#[test]
fn a_shard_that_decides_nothing_leaves_room_to_the_others() {
    let room = Arc::new(Room::new(120, 4));
    let stuck = fill_with(&room, 1, of_first_shard(&room, 1, true));
    assert_eq!(stuck.len(), 40, "two thirds of what the account may have");
    let account = Some(AccountId::from_bytes([1; 16]));
    let one_more = of_first_shard(&room, 1, true).nth(50).unwrap();
    assert_eq!(enter(&room, account, one_more).unwrap_err(), NoRoom::Shard(0));
    // Again and again, as the others are decided.
    for _ in 0..3 {
        assert_eq!(fill_with(&room, 1, of_first_shard(&room, 1, false)).len(), 18);
    }
    let beside = fill_with(&room, 2, of_first_shard(&room, 2, false));
    assert_eq!(beside.len(), 35, "nothing of it is another account's");
    drop(beside);
    let of_operator: Vec<_> =
        of_first_shard(&room, 3, true).filter_map(|stream| enter(&room, None, stream).ok()).collect();
    assert_eq!(of_operator.len(), 80, "two thirds of what the operator may have");
    enter(&room, None, of_first_shard(&room, 3, false).next().unwrap()).unwrap();
    drop((stuck, of_operator));
    assert!(is_empty(&room));
}

#[test]
fn shards_that_all_decide_share_nearly_all_of_it() {
    let room = Arc::new(Room::new(360, 4));
    let held = fill(&room, 1).len();
    assert!((150..=180).contains(&held), "{held} of half of it");
}

#[test]
fn nobody_has_more_than_there_is() {
    let room = Arc::new(Room::new(10, 1));
    let held: Vec<_> = (1..=40).map(|account| fill(&room, account)).collect();
    let all = held.iter().map(Vec::len).sum::<usize>();
    assert!((10..=20).contains(&all), "{all}");
    let of_operator: Vec<_> = instances(0).filter_map(|stream| enter(&room, None, stream).ok()).collect();
    assert_eq!(of_operator.len(), 10, "and the operator its own");
}

fn principal(account: AccountId) -> Principal {
    Principal::Account { account, entry: DirectoryId::from_bytes([0; 16]) }
}

/// Takes a place for an account, as a task that is polled until it has one or is in line.
async fn in_line(
    room: &Arc<Room>,
    account: AccountId,
    stream: StreamKey,
) -> std::pin::Pin<Box<impl Future<Output = Result<Place, NoRoom>>>> {
    let room = Arc::clone(room);
    let mut taking = Box::pin(async move { room.take(&principal(account), stream).await });
    assert!(futures::poll!(&mut taking).is_pending(), "it waits");
    taking
}

#[tokio::test(start_paused = true)]
async fn what_finds_its_part_taken_waits_for_its_turn_and_is_refused_after_a_moment() {
    let room = Arc::new(Room::new(8, 1));
    let account = AccountId::from_bytes([1; 16]);
    let mut held = fill(&room, 1);
    assert_eq!(held.len(), 4);
    let mut streams = instances(1).skip(100);
    let first = in_line(&room, account, streams.next().unwrap()).await;
    let gave_up = in_line(&room, account, streams.next().unwrap()).await;
    let mut third = in_line(&room, account, streams.next().unwrap()).await;
    drop(gave_up);
    drop(held.pop());
    drop(held.pop());
    assert!(enter(&room, Some(account), streams.next().unwrap()).is_err(), "nobody goes before them");
    let first = first.await.expect("a place");
    let third = futures::poll!(&mut third).map(|taken| taken.expect("a place"));
    assert!(third.is_ready());
    // Those that hold places are stuck now.
    let before = tokio::time::Instant::now();
    assert_eq!(room.take(&principal(account), streams.next().unwrap()).await.unwrap_err(), NoRoom::Account);
    assert_eq!(before.elapsed().as_millis(), WAIT_MAX.as_millis());
    drop((first, third, held));
    assert!(is_empty(&room));
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_have_room_and_what_waits_for_a_full_instance_is_refused_at_its_turn() {
    let room = Arc::new(Room::new(8, 1));
    let account = AccountId::from_bytes([1; 16]);
    let mut held = fill(&room, 1);
    let mut streams = instances(1).skip(100);
    let hot = streams.next().unwrap();
    let lined: Vec<_> = [
        in_line(&room, account, hot).await,
        in_line(&room, account, hot).await,
        in_line(&room, account, streams.next().unwrap()).await,
        in_line(&room, account, streams.next().unwrap()).await,
    ]
    .into();
    let asking = principal(account);
    let one_more = room.take(&asking, streams.next().unwrap());
    assert_eq!(
        futures::poll!(Box::pin(one_more)).map(Result::unwrap_err),
        std::task::Poll::Ready(NoRoom::Account)
    );
    drop(held.pop());
    drop(held.pop());
    let mut came_to = Vec::new();
    for taking in lined {
        came_to.push(taking.await);
    }
    let whose: Vec<_> = came_to.iter().map(|taken| taken.as_ref().err().copied()).collect();
    assert_eq!(whose, [None, Some(NoRoom::Stream), None, Some(NoRoom::Account)]);
    drop((came_to, held));
    assert!(is_empty(&room));
}

#[tokio::test(start_paused = true)]
async fn at_the_bound_of_an_account_whose_shards_all_decide_every_place_goes_to_who_waits_longest() {
    let room = Arc::new(Room::new(360, 4));
    let account = AccountId::from_bytes([1; 16]);
    let mut held = fill(&room, 1);
    let mut streams = instances(1).skip(1_000);
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(in_line(&room, account, streams.next().unwrap()).await);
    }
    let count = held.len();
    held.truncate(count - 16);
    for (number, taking) in waiting.into_iter().enumerate() {
        let place = taking.await.unwrap_or_else(|no_room| panic!("{number}: {no_room:?}"));
        held.push(place);
    }
    drop(held);
    assert!(is_empty(&room));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_shard_that_decides_nothing_holds_up_no_other() {
    let room = Arc::new(Room::new(120, 4));
    let account = AccountId::from_bytes([1; 16]);
    let stuck = fill_with(&room, 1, of_first_shard(&room, 1, true));
    let mut others = fill_with(&room, 1, of_first_shard(&room, 1, false));
    let of_stuck = in_line(&room, account, of_first_shard(&room, 1, true).nth(100).unwrap()).await;
    let of_other = in_line(&room, account, of_first_shard(&room, 1, false).nth(100).unwrap()).await;
    others.truncate(1);
    let place = of_other.await.expect("a place");
    assert_eq!(of_stuck.await.unwrap_err(), NoRoom::Shard(0));
    drop((place, others, stuck));
    assert!(is_empty(&room));
}

#[tokio::test(start_paused = true)]
async fn what_an_account_leaves_for_good_goes_to_those_of_others_that_wait() {
    let room = Arc::new(Room::new(60, 1));
    let other = fill(&room, 2);
    let first = fill(&room, 1);
    let mut waiting = Vec::new();
    for stream in instances(1).skip(100).take(10) {
        waiting.push(in_line(&room, AccountId::from_bytes([1; 16]), stream).await);
    }
    drop(other);
    for taking in waiting {
        drop(taking.await.expect("a place"));
    }
    drop(first);
    assert!(is_empty(&room));
}
