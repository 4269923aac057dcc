//! In which order notices are sent.

use berth_notices::fixtures::{INSTANCE, at};
use berth_proto::delivery::{SettledV1, SettlementV1};

use proptest::prelude::*;

use super::*;
use crate::dispatch::fixtures::{Before, ENDPOINT, owed, untried};

fn start() -> Present {
    Present { now: at(0), latest: at(86_400) }
}

fn row(version: u64, ordinal: u16, class: NoticeClass) -> (NoticeKeyV1, Owed) {
    let key = NoticeKeyV1 { instance: INSTANCE, version, endpoint: ENDPOINT, ordinal };
    (key, owed(class))
}

impl Board {
    /// Notices that are here.
    const fn len(&self) -> usize {
        self.count
    }
}

fn board(rows: &[(NoticeKeyV1, Owed)]) -> Board {
    let mut board = Board::default();
    board.merge(INSTANCE, rows.to_vec().into(), &untried(), start());
    board
}

#[test]
fn first_in_first_out_with_one_attempt_at_a_time() {
    let rows = [
        row(3, 0, NoticeClass::Lifecycle),
        row(2, 1, NoticeClass::Lifecycle),
        row(2, 0, NoticeClass::Lifecycle),
    ];
    let mut board = board(&rows);
    let first = board.next(at(0)).unwrap();
    assert_eq!((first.key.version, first.key.ordinal), (2, 0));
    assert_eq!(board.next(at(0)), None);
    board.put_back(&first.key, NoticeClass::Lifecycle, 1, at(5));
    assert_eq!((board.next(at(4)), board.wake_at()), (None, Some(at(5))));
    let again = board.next(at(5)).unwrap();
    assert_eq!((again.key, again.attempts), (first.key, 1));
    board.remove(&again.key, NoticeClass::Lifecycle);
    assert_eq!(board.next(at(5)).unwrap().key, rows[1].0);
}

#[test]
fn the_oldest_notice_is_the_one_that_happened_first_whatever_it_waits_for() {
    let (mut early, late) = (row(3, 0, NoticeClass::Lifecycle), row(2, 0, NoticeClass::Qr));
    early.1.occurred_at = at(-30);
    let mut board = board(&[early.clone(), late]);
    assert_eq!(board.oldest(), Some(at(-30)));
    board.put_off(&early.0, NoticeClass::Lifecycle, at(60));
    assert_eq!(board.oldest(), Some(at(0)), "what waits to be fetched is not to be sent");
    assert_eq!(Board::default().oldest(), None);
}

#[test]
fn codes_have_a_lane_of_their_own_and_a_disconnection_waits_for_an_older_one() {
    let mut board = board(&[row(2, 0, NoticeClass::Qr)]);
    let code = board.next(at(0)).unwrap();
    board.merge(
        INSTANCE,
        vec![row(2, 0, NoticeClass::Qr), row(3, 0, NoticeClass::Disconnect)].into(),
        &untried(),
        start(),
    );
    assert_eq!(code.owed.class, NoticeClass::Qr);
    assert_eq!((board.next(at(0)), board.wake_at()), (None, None));
    board.remove(&code.key, NoticeClass::Qr);
    assert_eq!(board.next(at(0)).unwrap().owed.class, NoticeClass::Disconnect);
    // A newer code does not wait for a disconnection that is tried again and again.
    board.merge(
        INSTANCE,
        vec![row(3, 0, NoticeClass::Disconnect), row(4, 0, NoticeClass::Qr)].into(),
        &untried(),
        start(),
    );
    assert_eq!(board.next(at(0)).unwrap().owed.class, NoticeClass::Qr);
}

#[test]
fn what_is_settled_here_does_not_come_back_from_a_view_that_lags() {
    let rows = [row(2, 0, NoticeClass::Lifecycle)];
    let mut board = board(&rows);
    let pending = board.next(at(0)).unwrap();
    board.remove(&pending.key, NoticeClass::Lifecycle);
    board.merge(INSTANCE, rows.to_vec().into(), &untried(), start());
    board.update(rows[0].0, Some(rows[0].1.clone()), &untried(), start());
    assert_eq!((board.next(at(0)), board.len()), (None, 0));
    board.update(rows[0].0, None, &untried(), start());
    assert!(board.settled.is_empty());
}

#[test]
fn what_another_owner_settled_leaves_and_what_waits_is_looked_at_again() {
    let rows = [row(2, 0, NoticeClass::Lifecycle), row(3, 0, NoticeClass::Lifecycle)];
    let mut board = board(&rows);
    board.merge(INSTANCE, rows[1..].to_vec().into(), &untried(), start());
    assert!(board.waiting(INSTANCE).len() == 1 && board.has_waiting(INSTANCE));
    assert!(board.waits(&rows[0].0).is_none() && board.waits(&rows[1].0).is_some());
    assert!(board.claim(&rows[1].0, NoticeClass::Lifecycle));
    assert!(!board.claim(&rows[1].0, NoticeClass::Lifecycle));
    assert!(!board.has_waiting(INSTANCE) && board.waits(&rows[1].0).is_none());
}

#[test]
fn an_attempt_of_unknown_fate_is_repeated_at_once() {
    let mut board = Board::default();
    let tried = |running| Tried { attempts: 3, due: at(90), running };
    let rows = vec![row(2, 0, NoticeClass::Lifecycle)];
    board.merge(INSTANCE, rows.clone().into(), &Before(|_: &NoticeKeyV1| Some(tried(true))), start());
    assert_eq!(board.next(at(0)).unwrap().attempts, 3);
    let mut board = Board::default();
    assert!(board.merge(INSTANCE, rows.into(), &Before(|_: &NoticeKeyV1| Some(tried(false))), start()));
    assert_eq!(board.wake_at(), Some(at(90)));
}

#[test]
fn what_a_clock_that_jumped_put_off_is_due_when_it_is_back() {
    let jumped = 30 * 86_400;
    let mut waits = board(&[row(2, 0, NoticeClass::Lifecycle)]);
    let first = waits.next(at(jumped)).unwrap();
    waits.give_back(&first, None, at(jumped));
    waits.put_back(&first.key, NoticeClass::Lifecycle, 1, at(jumped + 5));
    assert_eq!(waits.next(at(1)).unwrap().key, first.key, "not in thirty days");

    let mut held = board(&[row(2, 0, NoticeClass::Lifecycle)]);
    let first = held.next(at(jumped)).unwrap();
    held.give_back(&first, None, at(jumped));
    held.put_off(&first.key, NoticeClass::Lifecycle, at(jumped + 5));
    assert_eq!(held.next(at(1)), None, "what waits to be fetched is kept");

    // A commit that is dated ahead, and an attempt that was noted by that clock.
    let mut ahead = row(3, 0, NoticeClass::Disconnect);
    ahead.1.occurred_at = at(jumped);
    for tried in [None, Some(Tried { attempts: 1, due: at(jumped), running: false })] {
        let mut board = Board::default();
        board.merge(INSTANCE, vec![ahead.clone()].into(), &Before(|_: &NoticeKeyV1| tried), start());
        assert!(board.next(at(0)).is_some(), "{tried:?}");
    }
}

#[test]
fn an_end_is_told_after_the_attempt_of_a_former_owner_and_nothing_else_waits_for_that() {
    let running = Before(|key: &NoticeKeyV1| {
        (key.version == 2).then_some(Tried { attempts: 1, due: at(-1), running: true })
    });
    let of_former = row(2, 0, NoticeClass::Lifecycle);
    let mut board = Board::default();
    board.merge(INSTANCE, vec![of_former.clone()].into(), &running, start());
    let repeated = board.next(at(0)).unwrap();
    assert_eq!(repeated.key, of_former.0, "it is repeated at once");
    board.remove(&repeated.key, NoticeClass::Lifecycle);
    let ends = vec![row(4, 0, NoticeClass::Disconnect), row(4, 1, NoticeClass::Disconnect)];
    board.merge(INSTANCE, ends.clone().into(), &running, Present { now: at(3), ..start() });
    assert_eq!((board.next(at(14)), board.wake_at()), (None, Some(at(15))));
    for end in &ends {
        assert_eq!(board.next(at(15)).unwrap().key, end.0);
        board.remove(&end.0, NoticeClass::Disconnect);
    }
    // An attempt at the end itself is nothing older than that.
    let mut board = Board::default();
    let at_the_end = Before(|_: &NoticeKeyV1| Some(Tried { attempts: 1, due: at(0), running: true }));
    board.merge(INSTANCE, ends[..1].to_vec().into(), &at_the_end, start());
    assert!(board.next(at(0)).is_some());
}

/// A board on which instances wait for one endpoint since different moments.
fn waiting_since(seconds: &[(u8, i64)]) -> Board {
    let mut board = Board::default();
    for (number, since) in seconds {
        let instance = InstanceId::from_bytes([*number; 16]);
        let (key, owed) = row(2, 0, NoticeClass::Lifecycle);
        let rows = vec![(NoticeKeyV1 { instance, ..key }, Owed { occurred_at: at(*since), ..owed })];
        board.merge(instance, rows.into(), &untried(), Present { now: at(9), ..start() });
    }
    board
}

fn open(tried_at: i64, until: i64) -> Open {
    Open { times: 1, tried_at: at(tried_at), until: at(until) }
}

fn number(pending: &Pending) -> u8 {
    pending.key.instance.as_bytes()[0]
}

/// Finds out where a notice leads, and gives it its turn.
fn led(board: &mut Board, pending: &Pending, now: i64) -> Pending {
    let account = berth_proto::AccountId::from_bytes([1; 16]);
    let place = super::super::shares::Place::of("https://example.com:443");
    board.give_back(pending, None, at(now));
    board.found(pending, Destination { account, place }, Bounds::default());
    board.next(at(now)).unwrap()
}

#[test]
fn an_endpoint_that_is_left_alone_is_asked_by_the_notice_that_is_due_for_longest() {
    let mut board = waiting_since(&[(1, 5), (2, 3), (3, 4)]);
    board.breaker(ENDPOINT, Some(open(8, 60)));
    assert_eq!((board.next(at(59)), board.wake_at(), board.held()), (None, Some(at(60)), (1, 3)));
    let probe = board.next(at(60)).unwrap();
    assert_eq!((number(&probe), probe.probe, board.next(at(60))), (2, true, None));
    let probe = led(&mut board, &probe, 60);
    assert_eq!((number(&probe), probe.probe, probe.slot.is_some()), (2, true, true));
    assert_eq!((board.next(at(99)), board.held()), (None, (1, 2)));

    // It fails, and what came of it is not known at once.
    board.give_back(&probe, Some(true), at(99));
    board.put_back(&probe.key, NoticeClass::Lifecycle, 0, at(104));
    assert_eq!((board.next(at(99)), board.wake_at()), (None, Some(at(100))));
    board.breaker(ENDPOINT, Some(open(60, 160)));
    assert_eq!(board.next(at(159)), None);
    let next = board.next(at(160)).unwrap();
    let next = led(&mut board, &next, 160);
    assert_eq!((number(&next), next.probe), (3, true));

    // What is settled without having been sent leaves its turn to another.
    board.give_back(&next, None, at(160));
    board.remove(&next.key, NoticeClass::Lifecycle);
    let last = board.next(at(160)).unwrap();
    assert_eq!((number(&last), last.probe), (1, true));
    let last = led(&mut board, &last, 160);
    board.give_back(&last, Some(true), at(161));
    board.remove(&last.key, NoticeClass::Lifecycle);
    board.breaker(ENDPOINT, None);
    let rest = board.next(at(161)).unwrap();
    assert_eq!((number(&rest), rest.probe, board.held()), (2, false, (0, 0)));
}

#[test]
fn what_had_its_turn_before_waits_too_and_a_change_or_a_wish_ends_that() {
    let mut board = waiting_since(&[(1, 5), (2, 3)]);
    let (first, second) = (board.next(at(9)).unwrap(), board.next(at(9)).unwrap());
    // Both lead to the same place, and one is first.
    let second = led(&mut board, &second, 9);
    board.give_back(&second, None, at(9));
    board.put_back(&second.key, NoticeClass::Lifecycle, 0, at(5));
    let first = led(&mut board, &first, 9);
    assert_eq!((number(&first), number(&second)), (2, 1));
    board.breaker(ENDPOINT, Some(open(8, 60)));
    assert_eq!((board.next(at(9)), board.held()), (None, (1, 1)));
    board.give_back(&first, Some(false), at(10));
    board.put_back(&first.key, NoticeClass::Lifecycle, 1, at(15));
    assert_eq!(board.next(at(20)), None);
    // One that was changed before the attempt is another's.
    board.changed(ENDPOINT, at(7), at(20));
    assert_eq!(board.next(at(20)), None);
    board.hurry(first.key.instance, ENDPOINT, at(20));
    assert!(board.next(at(20)).unwrap().probe);
    board.changed(ENDPOINT, at(19), at(20));
    assert!(!board.next(at(20)).unwrap().probe);
    // Also if what failed before is told later.
    board.breaker(ENDPOINT, Some(open(18, 80)));
    assert_eq!(board.held(), (0, 0));
    // GREEN-API has its own rule.
    let (key, owed) = row(2, 0, NoticeClass::Lifecycle);
    let green = Owed { format: "green".to_owned(), ..owed };
    let mut board = Board::default();
    board.breaker(ENDPOINT, Some(open(0, 60)));
    board.merge(INSTANCE, vec![(key, green)].into(), &untried(), start());
    assert!(!board.next(at(0)).unwrap().probe);
}

#[test]
fn a_bound_holds_for_what_was_ready_before_it_was_found_and_lets_it_out_one_by_one() {
    let waiting: Vec<_> = (1..=12).map(|number| (number, 0)).collect();
    let mut board = waiting_since(&waiting);
    let to = Destination {
        account: berth_proto::AccountId::from_bytes([1; 16]),
        place: super::super::shares::Place::of("https://example.com:443"),
    };
    let all: Vec<_> = std::iter::from_fn(|| board.next(at(9))).collect();
    assert_eq!(all.len(), 12);
    for one in &all {
        board.give_back(one, None, at(9));
        board.found(one, to, Bounds::default());
    }
    // All of them are ready, and the first one finds what is asked for now.
    let first = board.next(at(9)).unwrap();
    board.give_back(&first, None, at(9));
    let pace = berth_notices::pace::Pace { rate: Some(4), concurrency: None };
    board.found(&first, to, Bounds::of(pace, false));
    let mut sent = BTreeSet::new();
    for quarter in 0..12 {
        let now = Timestamp(at(9).0 + quarter * 250_000);
        let next: Vec<_> = std::iter::from_fn(|| board.next(now)).collect();
        assert_eq!(next.len(), 1, "{quarter} quarters of a second later");
        board.give_back(&next[0], Some(true), now);
        board.remove(&next[0].key, NoticeClass::Lifecycle);
        sent.insert(number(&next[0]));
    }
    assert_eq!((sent.len(), board.len(), board.wake_at()), (12, 0, None));
}

/// Something that happens to a row of the view, or on the board.
#[derive(Debug, Clone)]
enum Step {
    Comes(u64, u16),
    Goes(u64, u16),
    Tries,
    Settles,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..6_u64, 0..2_u16).prop_map(|(version, ordinal)| Step::Comes(version, ordinal)),
        (1..6_u64, 0..2_u16).prop_map(|(version, ordinal)| Step::Goes(version, ordinal)),
        Just(Step::Tries),
        Just(Step::Settles),
    ]
}

/// What a board would send, as it stands.
fn order(board: &mut Board) -> Vec<NoticeKeyV1> {
    let sent = std::iter::from_fn(|| {
        let next = board.next(at(0))?;
        board.give_back(&next, None, at(0));
        board.remove(&next.key, next.owed.class);
        Some(next.key)
    });
    sent.collect()
}

proptest! {
    #[test]
    fn a_board_that_is_told_of_rows_one_by_one_is_as_one_that_reads_them_all(
        steps in prop::collection::vec(step(), 0..40)
    ) {
        let (mut told, mut reads) = (Board::default(), Board::default());
        let mut view = BTreeMap::new();
        let mut tried = Vec::new();
        for step in steps {
            match step {
                Step::Comes(version, ordinal) => {
                    let (key, owed) = row(version, ordinal, NoticeClass::Lifecycle);
                    view.insert(key, owed.clone());
                    told.update(key, Some(owed.clone()), &untried(), start());
                    // Told of twice, as of a batch that is written late.
                    told.update(key, Some(owed), &untried(), start());
                }
                Step::Goes(version, ordinal) => {
                    let (key, _) = row(version, ordinal, NoticeClass::Lifecycle);
                    view.remove(&key);
                    told.update(key, None, &untried(), start());
                }
                Step::Tries => {
                    let (one, other) = (told.next(at(0)), reads.next(at(0)));
                    prop_assert_eq!(&one, &other);
                    tried.extend(one);
                }
                Step::Settles => {
                    for pending in tried.drain(..) {
                        for board in [&mut told, &mut reads] {
                            board.give_back(&pending, None, at(0));
                            board.remove(&pending.key, pending.owed.class);
                        }
                        view.remove(&pending.key);
                        told.update(pending.key, None, &untried(), start());
                    }
                }
            }
            let rows: Vec<_> = view.iter().map(|(key, owed)| (*key, owed.clone())).collect();
            reads.merge(INSTANCE, rows.into(), &untried(), start());
            prop_assert_eq!(told.len(), reads.len());
        }
        prop_assert_eq!(order(&mut told), order(&mut reads));
    }
}

/// All but one notice of a lane waits in the view alone.
const SHORT: Room = Room {
    lane_max: 2,
    short_from: 2,
    away_from: Duration::from_mins(1),
    looks_each: Duration::from_secs(5),
    read_min: 1,
    notices_max: 1_000,
    besides_max: 0,
};

/// What a view has that owes these, read as the loop does.
fn heads(view: &BTreeMap<NoticeKeyV1, Owed>, lane_max: usize) -> Heads {
    let mut heads = Heads::default();
    for (key, owed) in view {
        heads.add(*key, owed.clone(), lane_max);
    }
    heads
}

/// Lanes go on with what the view has, as far as they have to.
fn go_on(board: &mut Board, view: &BTreeMap<NoticeKeyV1, Owed>, rows_max: usize, past: &impl Past) {
    while board.is_to_be_read() {
        for (lane, (after, _)) in board.to_be_read(None, (8, 64)) {
            let is_next = |(key, owed): &(&NoticeKeyV1, &Owed)| {
                LaneKey::of(key, owed.class) == lane && in_lane(key) > after
            };
            let next = view.iter().filter(is_next).map(|(key, owed)| (*key, owed.clone()));
            let rows: Vec<_> = next.clone().take(rows_max).collect();
            let up_to = rows.last().filter(|_| next.count() > rows.len()).map(|(key, _)| in_lane(key));
            assert!(board.read_on(Rest { lane, after, rows, up_to }, past, start()));
        }
    }
}

#[test]
fn of_a_lane_the_oldest_are_here_and_it_goes_on_once_they_are_settled() {
    let view: BTreeMap<_, _> = (1..=5).map(|version| row(version, 0, NoticeClass::Lifecycle)).collect();
    let mut board = Board::with(SHORT);
    board.merge(INSTANCE, heads(&view, 2), &untried(), start());
    assert_eq!((board.len(), board.owed(), board.is_whole(INSTANCE)), (2, 5, false));
    let newest = row(6, 0, NoticeClass::Lifecycle);
    board.update(newest.0, Some(newest.1.clone()), &untried(), start());
    board.update(newest.0, Some(newest.1), &untried(), start());
    assert_eq!((board.len(), board.owed()), (2, 6), "it stays in the view, and is counted once");
    for version in [1, 2] {
        let head = board.next(at(0)).unwrap();
        assert_eq!((head.key.version, board.holds_up(&head.key, NoticeClass::Lifecycle)), (version, true));
        board.give_back(&head, None, at(0));
        board.remove(&head.key, NoticeClass::Lifecycle);
    }
    assert!(board.next(at(0)).is_none() && board.is_to_be_read());
    let lanes = board.to_be_read(None, (8, 64));
    assert_eq!(
        board.to_be_read(lanes.keys().next().copied(), (8, 64)),
        lanes,
        "none is behind it, so they begin anew"
    );
    // Retry now is for all of them.
    board.hurry(INSTANCE, ENDPOINT, at(1));
    let put_off = Before(|_: &NoticeKeyV1| Some(Tried { attempts: 1, due: at(90), running: false }));
    let (lane, (after, _)) = board.to_be_read(None, (1, 64)).pop_first().unwrap();
    let rows = vec![row(3, 0, NoticeClass::Lifecycle)];
    let rest = || Rest { lane, after, rows: rows.clone(), up_to: Some((3, 0)) };
    assert!(board.read_on(rest(), &put_off, start()));
    assert!(!board.read_on(rest(), &put_off, start()), "it has gone on since");
    assert_eq!(board.next(at(1)).unwrap().key.version, 3);
}

#[test]
fn what_goes_on_behind_what_was_cancelled_is_read_in_large_pages() {
    let view: BTreeMap<_, _> = (1..=9_000).map(|version| row(version, 0, NoticeClass::Lifecycle)).collect();
    let mut board = Board::with(SHORT);
    board.merge(INSTANCE, heads(&view, 1), &untried(), start());
    let mut reads = 0;
    loop {
        for pending in board.waiting(INSTANCE) {
            assert!(board.claim(&pending.key, NoticeClass::Lifecycle));
            board.remove(&pending.key, NoticeClass::Lifecycle);
        }
        let Some((lane, (after, count))) = board.to_be_read(None, (8, 64)).pop_first() else { break };
        let next = view.range(row(after.0 + 1, 0, NoticeClass::Lifecycle).0..);
        let rows: Vec<_> = next.take(count).map(|(key, owed)| (*key, owed.clone())).collect();
        let up_to = rows.last().map(|(key, _)| in_lane(key)).filter(|(version, _)| *version < 9_000);
        assert!(board.read_on(Rest { lane, after, rows, up_to }, &untried(), start()));
        reads += 1;
    }
    assert_eq!((reads, board.owed()), (3, 0));
}

#[test]
fn what_is_tried_while_its_lane_is_read_anew_waits_for_what_stands_before_it() {
    let view: BTreeMap<_, _> = (1..=5).map(|version| row(version, 0, NoticeClass::Lifecycle)).collect();
    let mut board = Board::with(SHORT);
    let last = row(5, 0, NoticeClass::Lifecycle);
    board.update(last.0, Some(last.1), &untried(), start());
    let tried = board.next(at(0)).unwrap();
    assert_eq!(tried.key.version, 5);
    // Those before it are owed again meanwhile.
    board.merge(INSTANCE, heads(&view, 2), &untried(), start());
    assert!(board.next(at(0)).is_none());
    board.give_back(&tried, Some(false), at(0));
    board.put_back(&tried.key, NoticeClass::Lifecycle, 1, at(0));
    let mut sent = Vec::new();
    while let Some(next) = board.next(at(0)) {
        sent.push(next.key.version);
        board.give_back(&next, None, at(0));
        board.remove(&next.key, NoticeClass::Lifecycle);
        go_on(&mut board, &view, 1, &untried());
    }
    assert_eq!((sent, board.owed()), (vec![1, 2, 3, 4, 5], 0));
}

#[test]
fn the_last_words_of_an_instance_are_spoken_when_the_view_says_so_of_what_is_not_here() {
    let view = BTreeMap::from([row(1, 0, NoticeClass::Lifecycle), row(2, 0, NoticeClass::Deletion)]);
    let mut board = Board::with(SHORT);
    let other =
        NoticeKeyV1 { endpoint: EndpointId::from_bytes([3; 16]), ..row(2, 0, NoticeClass::Deletion).0 };
    board.merge(INSTANCE, heads(&view, 1), &untried(), start());
    board.update(other, Some(owed(NoticeClass::Deletion)), &untried(), start());
    let settled = |notice| {
        let outcome = SettlementV1::Delivered;
        vec![(SettledV1 { notice, outcome, attempts: 1, at: at(0) }, NoticeClass::Deletion)]
    };
    let spoken = board.spoken(&settled(other), |_| true);
    assert!(spoken.surely.is_empty());
    assert_eq!(spoken.perhaps, [(INSTANCE, [other].into())]);
    board.remove(&other, NoticeClass::Deletion);
    board.remove(&row(1, 0, NoticeClass::Lifecycle).0, NoticeClass::Lifecycle);
    go_on(&mut board, &view, 1, &untried());
    let last = row(2, 0, NoticeClass::Deletion).0;
    assert_eq!(board.spoken(&settled(last), |_| true).surely, [INSTANCE].into());
    let spoken = board.spoken(&settled(last), |_| false);
    assert!(spoken.surely.is_empty(), "that of another endpoint found no room");
    let [(INSTANCE, settled)] = &spoken.perhaps[..] else { panic!("{spoken:?}") };
    assert!(settled.contains(&last));
}

/// Something that happens to a board that has not all.
#[derive(Debug, Clone)]
enum Event {
    Row(Step),
    /// An attempt fails, and is repeated at once or after so many seconds.
    Fails(i64),
    /// So many seconds pass.
    Passes(i64),
    /// What is not needed for a while goes away.
    GoesAway,
    /// Everything is read anew.
    ReadAnew,
    /// Lanes go on.
    GoesOn,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => step().prop_map(Event::Row),
        2 => prop_oneof![Just(0), Just(100)].prop_map(Event::Fails),
        1 => (1..150_i64).prop_map(Event::Passes),
        3 => Just(Event::GoesAway),
        2 => Just(Event::ReadAnew),
        4 => Just(Event::GoesOn),
    ]
}

/// Two boards of the same view, of which one has only the oldest of each lane, and that only while it is needed.
struct Both {
    view: BTreeMap<NoticeKeyV1, Owed>,
    whole: Board,
    short: Board,
    tried: Vec<Pending>,
    /// What the store of attempts knows.
    past: BTreeMap<NoticeKeyV1, Tried>,
    now: i64,
}

impl Both {
    fn new() -> Self {
        let (whole, short) = (Board::default(), Board::with(SHORT));
        Self { view: BTreeMap::new(), whole, short, tried: Vec::new(), past: BTreeMap::new(), now: 0 }
    }

    fn each(&mut self, change: impl Fn(&mut Board)) {
        change(&mut self.whole);
        change(&mut self.short);
    }

    fn past(&self) -> impl Past + use<> {
        let past = self.past.clone();
        Before(move |key: &NoticeKeyV1| past.get(key).copied())
    }

    fn present(&self) -> Present {
        Present { now: at(self.now), latest: at(86_400) }
    }

    /// The row of a notice changed.
    fn changed(&mut self, key: NoticeKeyV1) {
        let (row, past, present) = (self.view.get(&key).cloned(), self.past(), self.present());
        self.whole.update(key, row.clone(), &past, present);
        self.short.touch(INSTANCE, at(self.now));
        if self.short.is_away(INSTANCE) {
            self.come_back();
        } else {
            self.short.update(key, row, &past, present);
        }
    }

    /// What is away comes back, as far as it is time.
    fn come_back(&mut self) {
        let (past, present) = (self.past(), self.present());
        while self.short.next_back(at(self.now)).is_some() {
            self.short.merge(INSTANCE, heads(&self.view, 1), &past, present);
        }
    }

    fn go_on(&mut self, rows_max: usize) {
        self.come_back();
        let past = self.past();
        go_on(&mut self.short, &self.view, rows_max, &past);
    }

    fn fails(&mut self, rests: i64) {
        for tried in std::mem::take(&mut self.tried) {
            let (attempts, due) = (tried.attempts + 1, at(self.now + rests));
            self.past.insert(tried.key, Tried { attempts, due, running: false });
            let now = at(self.now);
            self.each(|board| {
                board.give_back(&tried, None, now);
                board.put_back(&tried.key, tried.owed.class, attempts, due);
            });
        }
    }

    fn happens(&mut self, event: &Event) -> Result<(), TestCaseError> {
        let now = at(self.now);
        match *event {
            Event::Row(Step::Comes(version, ordinal)) => {
                let class = if ordinal == 1 { NoticeClass::Qr } else { NoticeClass::Lifecycle };
                let (key, owed) = row(version, ordinal, class);
                self.view.insert(key, owed);
                self.each(|board| board.reopen(&key, now));
                self.changed(key);
            }
            Event::Row(Step::Goes(version, ordinal)) => {
                let (key, _) = row(version, ordinal, NoticeClass::Lifecycle);
                if !self.tried.iter().any(|tried| tried.key == key) {
                    self.view.remove(&key);
                    self.past.remove(&key);
                    self.changed(key);
                }
            }
            Event::Row(Step::Tries) => {
                self.go_on(2);
                let (one, other) = (self.whole.next(now), self.short.next(now));
                let seen = |one: &Option<Pending>| one.as_ref().map(|one| (one.key, one.attempts));
                prop_assert_eq!(seen(&one), seen(&other));
                self.tried.extend(one);
            }
            Event::Row(Step::Settles) => {
                for tried in std::mem::take(&mut self.tried) {
                    self.each(|board| {
                        board.give_back(&tried, None, now);
                        board.remove(&tried.key, tried.owed.class);
                    });
                    self.view.remove(&tried.key);
                    self.past.remove(&tried.key);
                    self.changed(tried.key);
                }
            }
            Event::Fails(rests) => self.fails(rests),
            Event::Passes(seconds) => self.now += seconds,
            Event::GoesAway => self.short.may_go(INSTANCE, now),
            Event::ReadAnew => {
                let (past, present) = (self.past(), self.present());
                self.whole.merge(INSTANCE, heads(&self.view, usize::MAX), &past, present);
                self.short.merge(INSTANCE, heads(&self.view, 1), &past, present);
            }
            Event::GoesOn => self.go_on(1),
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_board_that_has_the_oldest_alone_sends_what_one_that_has_all_does(
        events in prop::collection::vec(event(), 0..80)
    ) {
        let mut both = Both::new();
        for event in events {
            both.happens(&event)?;
        }
        both.happens(&Event::Fails(0))?;
        let mut left = both.view.len();
        while !both.view.is_empty() {
            both.happens(&Event::Passes(100))?;
            both.happens(&Event::Row(Step::Tries))?;
            both.happens(&Event::Row(Step::Tries))?;
            both.happens(&Event::Row(Step::Settles))?;
            prop_assert!(both.view.len() < left, "it comes to an end");
            left = both.view.len();
        }
        both.go_on(1);
        both.happens(&Event::Passes(86_400))?;
        both.come_back();
        prop_assert_eq!((both.short.len(), both.short.owed()), (0, 0));
        prop_assert!(both.short.lanes.is_empty() && both.short.settled.is_empty());
    }
}
