//! In which order notices are sent.

use berth_notices::fixtures::{INSTANCE, at};

use super::*;

fn start() -> Present {
    Present { now: at(0), latest: at(86_400) }
}

fn row(version: u64, ordinal: u16, class: NoticeClass) -> (NoticeKeyV1, Owed) {
    let key = NoticeKeyV1 { instance: INSTANCE, version, endpoint: EndpointId::from_bytes([2; 16]), ordinal };
    let owed = Owed {
        class,
        session: 1,
        code: None,
        occurred_at: at(0),
        format: "native".to_owned(),
        event: String::new(),
    };
    (key, owed)
}

fn board(rows: &[(NoticeKeyV1, Owed)]) -> Board {
    let mut board = Board::default();
    board.merge(INSTANCE, rows.to_vec(), |_| None, start());
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
fn codes_have_a_lane_of_their_own_and_a_disconnection_waits_for_an_older_one() {
    let mut board = board(&[row(2, 0, NoticeClass::Qr)]);
    let code = board.next(at(0)).unwrap();
    board.merge(
        INSTANCE,
        vec![row(2, 0, NoticeClass::Qr), row(3, 0, NoticeClass::Disconnect)],
        |_| None,
        start(),
    );
    assert_eq!(code.owed.class, NoticeClass::Qr);
    assert_eq!((board.next(at(0)), board.wake_at()), (None, None));
    board.remove(&code.key, NoticeClass::Qr);
    assert_eq!(board.next(at(0)).unwrap().owed.class, NoticeClass::Disconnect);
    // A newer code does not wait for a disconnection that is tried again and again.
    board.merge(
        INSTANCE,
        vec![row(3, 0, NoticeClass::Disconnect), row(4, 0, NoticeClass::Qr)],
        |_| None,
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
    assert!(!board.merge(INSTANCE, rows.to_vec(), |_| None, start()));
    assert_eq!((board.next(at(0)), board.len()), (None, 0));
    board.merge(INSTANCE, Vec::new(), |_| None, start());
    assert!(board.settled.is_empty());
}

#[test]
fn what_another_owner_settled_leaves_and_what_waits_is_looked_at_again() {
    let rows = [row(2, 0, NoticeClass::Lifecycle), row(3, 0, NoticeClass::Lifecycle)];
    let mut board = board(&rows);
    assert!(board.merge(INSTANCE, rows[1..].to_vec(), |_| None, start()));
    assert_eq!(board.waiting(INSTANCE).len(), 1);
    assert!(board.claim(&rows[1].0, NoticeClass::Lifecycle));
    assert!(!board.claim(&rows[1].0, NoticeClass::Lifecycle));
}

#[test]
fn an_attempt_of_unknown_fate_is_repeated_at_once() {
    let mut board = Board::default();
    let tried = |running| Tried { attempts: 3, due: at(90), running };
    let rows = vec![row(2, 0, NoticeClass::Lifecycle)];
    board.merge(INSTANCE, rows.clone(), |_| Some(tried(true)), start());
    assert_eq!(board.next(at(0)).unwrap().attempts, 3);
    let mut board = Board::default();
    assert!(board.merge(INSTANCE, rows, |_| Some(tried(false)), start()));
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
        board.merge(INSTANCE, vec![ahead.clone()], |_| tried, start());
        assert!(board.next(at(0)).is_some(), "{tried:?}");
    }
}
