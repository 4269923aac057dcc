//! Who goes away, and when each comes back.

use std::time::Duration;

use berth_domain::instance::NoticeClass;
use berth_notices::fixtures::at;
use berth_proto::delivery::NoticeKeyV1;

use super::*;
use crate::{
    dispatch::{
        board::Past,
        fixtures::{Before, ENDPOINT, owed, untried},
        heads::Room,
        lane::Present,
    },
    health::Open,
};

/// What needs to be done within a minute is here, and nothing else.
const CROWDED: Room = Room {
    lane_max: 256,
    short_from: 0,
    away_from: Duration::from_mins(1),
    looks_each: Duration::from_secs(5),
    read_min: 1,
    notices_max: 1_000,
    besides_max: 0,
};

fn instance(number: u8) -> InstanceId {
    InstanceId::from_bytes([number; 16])
}

fn notice(number: u8) -> NoticeKeyV1 {
    NoticeKeyV1 { instance: instance(number), version: 1, endpoint: ENDPOINT, ordinal: 0 }
}

fn present(now: i64) -> Present {
    Present { now: at(now), latest: at(86_400) }
}

/// One notice of each of some instances, which happened when its number says.
fn with(room: Room, instances: u8, past: &impl Past) -> Board {
    let mut board = Board::with(room);
    for number in 1..=instances {
        read(&mut board, number, past);
    }
    board
}

fn read(board: &mut Board, number: u8, past: &impl Past) -> bool {
    let mut owed = owed(NoticeClass::Lifecycle);
    owed.occurred_at = at(i64::from(number) - 100);
    board.merge(instance(number), vec![(notice(number), owed)].into(), past, present(0))
}

/// A failed attempt is repeated then.
fn put_off(due: i64) -> impl Past {
    Before(move |_: &NoticeKeyV1| Some(crate::attempts::Tried { attempts: 3, due: at(due), running: false }))
}

/// All that may go do so.
fn relieve(board: &mut Board, now: i64) {
    for instance in board.instances() {
        board.may_go(instance, at(now));
    }
}

/// Those of which something is in memory.
fn here(board: &Board) -> Vec<InstanceId> {
    board.instances().into_iter().collect()
}

/// Those that come back by now.
fn back(board: &mut Board, now: i64) -> Vec<InstanceId> {
    while board.calls() {
        board.go_on_calling(at(now));
    }
    std::iter::from_fn(|| board.next_back(at(now))).collect()
}

fn open(board: &mut Board, until: i64) {
    board.breaker(ENDPOINT, Some(Open { tried_at: at(-1), until: at(until), times: 1 }));
    assert_eq!(board.next(at(0)), None, "what is due waits for it");
}

#[test]
fn what_is_not_due_for_a_while_goes_away_and_comes_back_as_it_went() {
    let mut board = with(CROWDED, 1, &put_off(90));
    relieve(&mut board, 40);
    assert_eq!(here(&board), [instance(1)], "it is due within a minute");
    relieve(&mut board, 0);
    assert_eq!((here(&board), board.owed(), board.oldest()), (vec![], 1, Some(at(-99))));
    assert_eq!((board.wake_at(), board.comes_back_at()), (None, Some(at(90))));
    assert_eq!((back(&mut board, 89), back(&mut board, 90)), (vec![], vec![instance(1)]));
    // What the store of attempts has forgotten is known.
    assert!(!read(&mut board, 1, &untried()), "it was asked about before");
    assert_eq!((board.owed(), board.wake_at(), board.is_away(instance(1))), (1, Some(at(90)), false));
    assert_eq!(board.next(at(90)).unwrap().attempts, 3);
    relieve(&mut board, 90);
    assert_eq!(here(&board), [instance(1)], "it is being tried");
}

#[test]
fn what_something_happens_to_comes_back_and_is_asked_about() {
    let mut board = with(CROWDED, 2, &put_off(90));
    relieve(&mut board, 0);
    board.touch(instance(2), at(1));
    assert_eq!(back(&mut board, 1), [instance(2)]);
    assert!(read(&mut board, 2, &untried()));
    // An endpoint that is told nothing more.
    board.call_back(ENDPOINT);
    assert_eq!(back(&mut board, 2), [instance(1)]);
    assert!(read(&mut board, 1, &untried()));
}

#[test]
fn retry_now_and_a_clock_that_went_back_reach_what_is_away() {
    let mut board = with(CROWDED, 2, &put_off(90));
    relieve(&mut board, 0);
    assert_eq!((board.hurry(instance(1), ENDPOINT, at(5)), back(&mut board, 5)), (1, vec![instance(1)]));
    read(&mut board, 1, &put_off(90));
    assert_eq!(board.next(at(5)).unwrap().key, notice(1));
    board.next(at(-600));
    assert_eq!(back(&mut board, -600), [instance(2)]);
    read(&mut board, 2, &put_off(90));
    assert!(board.next(at(-600)).is_some());
}

#[test]
fn a_breaker_that_closes_calls_all_of_its_lanes_back() {
    let mut board = with(CROWDED, 3, &untried());
    open(&mut board, 600);
    let counts = board.held();
    relieve(&mut board, 0);
    assert_eq!(here(&board), [instance(1)], "the oldest stays, to probe");
    assert_eq!((board.held(), counts), ((1, 3), (1, 3)));
    board.breaker(ENDPOINT, None);
    assert_eq!(back(&mut board, 1), [instance(2), instance(3)]);
    for number in [2, 3] {
        assert!(!read(&mut board, number, &untried()));
    }
    assert_eq!((board.held(), std::iter::from_fn(|| board.next(at(1))).count()), ((0, 0), 3));
}

#[test]
fn if_all_of_its_lanes_are_away_the_oldest_comes_back_to_probe() {
    let mut board = with(CROWDED, 3, &untried());
    open(&mut board, 600);
    relieve(&mut board, 0);
    // The one that stayed is cancelled.
    assert!(board.claim(&notice(1), NoticeClass::Lifecycle));
    board.remove(&notice(1), NoticeClass::Lifecycle);
    assert_eq!((back(&mut board, 599), board.next(at(600))), (vec![], None));
    assert_eq!(back(&mut board, 600), [instance(2)]);
    assert_eq!((board.next(at(600)), board.wake_at()), (None, Some(at(601))), "it is being read");
    read(&mut board, 2, &untried());
    let probe = board.next(at(600)).unwrap();
    assert!(probe.probe && probe.key == notice(2));
    // One that waits alone looks at its time by itself.
    let mut board = with(CROWDED, 1, &untried());
    open(&mut board, 600);
    relieve(&mut board, 0);
    assert_eq!((board.held(), board.comes_back_at()), ((1, 1), Some(at(599))));
}

#[test]
fn an_endpoint_that_nobody_waits_for_any_more_is_not_called_for_again() {
    let mut board = with(CROWDED, 2, &untried());
    open(&mut board, 600);
    relieve(&mut board, 0);
    board.forget(|_| true);
    assert_eq!((board.owed(), board.held(), board.comes_back_at()), (0, (0, 0), None));
    assert_eq!((board.next(at(700)), board.calls(), board.wake_at()), (None, false, None));
}

#[test]
fn where_there_is_no_room_what_has_waited_for_its_turn_goes_away_for_a_while() {
    let small = Room { notices_max: 74, ..CROWDED };
    let mut board = with(small, 66, &untried());
    let tried = std::iter::from_fn(|| board.next(at(0))).count();
    assert!(tried < 65 && board.is_pressed());
    relieve(&mut board, 1);
    assert_eq!(here(&board).len(), 66, "the turn of the others may come");
    relieve(&mut board, 3);
    assert_eq!((here(&board).len(), board.comes_back_at()), (tried, Some(at(13))));
    // What comes at its time has its place before those.
    for number in 67..=75 {
        read(&mut board, number, &put_off(90));
    }
    relieve(&mut board, 4);
    assert_eq!(back(&mut board, 90)[0], instance(67));
}

#[test]
fn what_is_due_at_its_time_waits_for_nothing_that_its_instance_is_stuck_with() {
    let small = Room { notices_max: 74, ..CROWDED };
    let mut board = with(small, 66, &untried());
    let tried = std::iter::from_fn(|| board.next(at(0))).count();
    // The last one, which was not tried, has another endpoint that is tried again after 30 s.
    let other = NoticeKeyV1 { endpoint: EndpointId::from_bytes([9; 16]), ..notice(66) };
    board.update(other, Some(owed(NoticeClass::Lifecycle)), &put_off(30), present(0));
    relieve(&mut board, 3);
    assert!(board.is_away(instance(66)) && here(&board).len() == tried);
    // There is no room for what waits for its turn.
    let mut others = 67..;
    while board.is_free() {
        read(&mut board, others.next().unwrap(), &put_off(3));
    }
    assert_eq!((back(&mut board, 29), back(&mut board, 30)), (vec![], vec![instance(66)]));
}

#[test]
fn of_an_instance_that_is_owed_much_the_oldest_stay() {
    let mut board = Board::with(CROWDED);
    let rows =
        |many| (1..=many).map(|version| (NoticeKeyV1 { version, ..notice(1) }, owed(NoticeClass::Lifecycle)));
    board.merge(
        instance(1),
        rows(NOTICES_MAX as u64 + 1).collect::<Vec<_>>().into(),
        &put_off(90),
        present(0),
    );
    relieve(&mut board, 0);
    assert_eq!((board.count, board.owed(), board.is_away(instance(1))), (1, NOTICES_MAX + 1, false));
    let mut board = Board::with(CROWDED);
    board.merge(instance(1), rows(NOTICES_MAX as u64).collect::<Vec<_>>().into(), &put_off(90), present(0));
    relieve(&mut board, 0);
    assert_eq!((board.count, board.owed(), board.is_away(instance(1))), (0, NOTICES_MAX, true));
}

#[test]
fn what_is_kept_of_a_lane_is_small() {
    assert!(size_of::<Head>() <= 40 && size_of::<Absence>() <= 56);
}
