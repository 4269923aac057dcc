//! The rows come to the same whatever the records come after, and what is old goes.

use berth_notices::fixtures::{INSTANCE, at};
use berth_proto::{
    attempt::{AfterAttemptV1, AttemptEndV1},
    delivery::{NoticeClass, SettlementV1},
};

use super::*;
use crate::attempts::Tried;

const ACCOUNT: AccountId = AccountId::from_bytes([9; 16]);
const ENDPOINT: EndpointId = EndpointId::from_bytes([2; 16]);

fn notice(version: u64) -> NoticeKeyV1 {
    NoticeKeyV1 { instance: INSTANCE, version, endpoint: ENDPOINT, ordinal: 0 }
}

fn begun(version: u64, number: u16, seconds: i64) -> DeliveryAttemptV1 {
    DeliveryAttemptV1 {
        notice: notice(version),
        account: ACCOUNT,
        class: NoticeClass::Lifecycle,
        event: "instance.linked".to_owned(),
        occurred_at: at(0),
        number,
        started_at: at(seconds),
        end: None,
    }
}

fn ended(attempt: DeliveryAttemptV1, result: AttemptResultV1, then: AfterAttemptV1) -> DeliveryAttemptV1 {
    DeliveryAttemptV1 { end: Some(AttemptEndV1 { took_ms: 3, result, answer: None, then }), ..attempt }
}

fn failed(version: u64, number: u16, seconds: i64) -> DeliveryAttemptV1 {
    let until = at(seconds + 300);
    let answered = AttemptResultV1::Answered { status: 500 };
    ended(begun(version, number, seconds), answered, AfterAttemptV1::Waits { until })
}

fn delivered(version: u64, number: u16, seconds: i64) -> DeliveryAttemptV1 {
    let outcome = SettlementV1::Delivered;
    let answered = AttemptResultV1::Answered { status: 204 };
    ended(begun(version, number, seconds), answered, AfterAttemptV1::Settled { outcome })
}

fn table() -> (tempfile::TempDir, Table) {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::open(&folder.path().join("attempts")).unwrap();
    (folder, table)
}

fn versions(page: &Page) -> Vec<u64> {
    page.deliveries.iter().map(|(notice, _)| notice.version).collect()
}

fn all(table: &Table, places: Places) -> Vec<u64> {
    versions(&table.page(places, None, (100, 1_000), |_, _| true).unwrap())
}

#[test]
fn a_schedule_survives_a_restart_and_a_record_that_comes_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attempts");
    {
        let table = Table::open(&path).unwrap();
        for (sequence, record) in (1..).zip([begun(3, 1, 0), failed(3, 1, 0), begun(3, 2, 400)]) {
            table.apply(sequence, &record).unwrap();
        }
        table.apply(2, &failed(3, 1, 0)).unwrap();
    }
    let table = Table::open(&path).unwrap();
    let tried = |table: &Table| table.delivery(&notice(3)).unwrap().unwrap().tried();
    assert_eq!(tried(&table), Some(Tried { attempts: 2, due: at(400), running: true }));
    table.apply(4, &failed(3, 2, 400)).unwrap();
    assert_eq!(tried(&table), Some(Tried { attempts: 2, due: at(700), running: false }));
    assert_eq!(table.attempts(&notice(3)).unwrap(), [failed(3, 1, 0), failed(3, 2, 400)]);
    table.apply(5, &delivered(3, 3, 700)).unwrap();
    assert_eq!(tried(&table), None);
}

#[test]
fn what_was_not_sent_is_no_attempt_and_keeps_its_tries() {
    let (_folder, table) = table();
    table.apply(1, &failed(3, 1, 0)).unwrap();
    table.apply(2, &begun(3, 2, 300)).unwrap();
    let until = at(310);
    let busy = ended(begun(3, 2, 300), AttemptResultV1::NotSent, AfterAttemptV1::Waits { until });
    table.apply(3, &busy).unwrap();
    let delivery = table.delivery(&notice(3)).unwrap().unwrap();
    assert_eq!(delivery.tried(), Some(Tried { attempts: 1, due: until, running: false }));
    assert_eq!(table.attempts(&notice(3)).unwrap(), [failed(3, 1, 0)]);
}

#[test]
fn pages_are_newest_first_and_the_failures_stand_apart() {
    let (_folder, table) = table();
    for version in 1..=7 {
        let seconds = i64::try_from(version).unwrap();
        let record =
            if version % 3 == 0 { failed(version, 1, seconds) } else { delivered(version, 1, seconds) };
        table.apply(version, &record).unwrap();
    }
    assert_eq!(all(&table, Places::Endpoint(INSTANCE, ENDPOINT)), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(all(&table, Places::Account(ACCOUNT)), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(all(&table, Places::Failures(ACCOUNT)), [6, 3]);
    assert!(all(&table, Places::Account(AccountId::from_bytes([8; 16]))).is_empty());
    let (mut read, mut before) = (Vec::new(), None);
    loop {
        let page = table.page(Places::Account(ACCOUNT), before.as_deref(), (2, 3), |one, _| one.version != 5);
        let page = page.unwrap();
        read.extend(versions(&page));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(read, [7, 6, 4, 3, 2, 1]);
}

#[test]
fn what_is_old_is_dropped_with_all_its_rows() {
    let (_folder, table) = table();
    table.apply(1, &failed(3, 1, 0)).unwrap();
    table.apply(2, &failed(3, 2, 500)).unwrap();
    table.apply(3, &failed(4, 1, 600)).unwrap();
    table.prune(at(600)).unwrap();
    assert_eq!(all(&table, Places::Failures(ACCOUNT)), [4]);
    assert_eq!(all(&table, Places::Endpoint(INSTANCE, ENDPOINT)), [4]);
    assert!(table.attempts(&notice(3)).unwrap().is_empty());
    table.prune(at(601)).unwrap();
    assert_eq!(lock(&table.meter).bytes, 0);
}

#[test]
fn of_a_relay_that_was_made_anew_everything_is_taken() {
    let (_folder, table) = table();
    assert_eq!(table.begin(RelayEnd { incarnation: 1, first: 1, last: 9 }).unwrap(), (0, true));
    table.apply(9, &failed(3, 1, 0)).unwrap();
    table.followed(9);
    assert_eq!(table.begin(RelayEnd { incarnation: 1, first: 4, last: 12 }).unwrap(), (9, false));
    assert_eq!(table.begin(RelayEnd { incarnation: 2, first: 1, last: 1 }).unwrap(), (0, true));
    assert!(table.delivery(&notice(3)).unwrap().is_none());
    table.apply(1, &failed(3, 1, 0)).unwrap();
    assert!(table.delivery(&notice(3)).unwrap().is_some());
}
