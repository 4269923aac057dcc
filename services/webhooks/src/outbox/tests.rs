//! The rows do not depend on the order of the streams.

use std::collections::BTreeMap;

use berth_domain::instance::NoticeClass;
use berth_log::{Position, ShardPosition, Stored, Tail};
use berth_notices::fixtures::{INSTANCE, at, commit, logged_out, state, webhook};
use berth_proto::{
    AccountId, CommitV1, CommitV2, DirectoryId, Hash, Partition, RecordV1, Sealed, StreamKey, WriteVersion,
    account::AccountStateV3,
    delivery::{
        DeliveryStateV1, EndpointReportedV1, EndpointStandingV1, NoticesReopenedV1, NoticesSettledV1,
    },
    event::{Event, LoggedOutV1, LogoutOriginV1},
    instance::PermissionV1,
};
use berth_views::ViewError;

use super::{
    touched::{Change, Changes},
    *,
};

#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Memory(BTreeMap<Vec<u8>, Vec<u8>>);

impl Rows for Memory {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        Ok(self.0.get(key).cloned())
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.0.insert(key.to_vec(), value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

fn apply(commits: &[&CommitV2]) -> (Memory, Changes) {
    let touched = Arc::new(Touched::default());
    let outbox = Outbox::new(touched.clone());
    let mut rows = Memory::default();
    for commit in commits {
        let stored = Stored {
            stream: commit.stream,
            tail: Tail { version: commit.version, revision: 1 },
            shard: 0,
            payload: commit.encode_for(WriteVersion::NEWEST).unwrap().unwrap().into(),
            forged: false,
        };
        outbox.apply(&stored.into(), commit, &mut rows).unwrap();
    }
    let everywhere = Position([(0, ShardPosition { incarnation: 1, revision: u64::MAX })].into());
    (rows, touched.drain(&everywhere).changes)
}

fn logout() -> CommitV2 {
    let mut silent = state(logged_out(), PermissionV1::Silent, 2);
    silent.webhooks = vec![webhook("evolution")];
    let event = LoggedOutV1 { session: 1, origin: LogoutOriginV1::Command, code: 401, unlink: None };
    commit(5, &[Event::LoggedOut(event)], &silent)
}

fn settle(keys: &[NoticeKeyV1]) -> CommitV2 {
    settle_at(keys, 1)
}

fn settle_at(keys: &[NoticeKeyV1], seconds: i64) -> CommitV2 {
    let settled = |notice: &NoticeKeyV1| SettledV1 {
        notice: *notice,
        outcome: SettlementV1::Delivered,
        attempts: 1,
        at: at(seconds),
    };
    let notices = keys.iter().map(settled).collect();
    of_deliveries(&DeliveryEvent::NoticesSettled(NoticesSettledV1 { notices }))
}

fn reopen(keys: &[NoticeKeyV1], owed: &Memory) -> CommitV2 {
    let notices = keys.iter().map(|notice| {
        let Owed { class, session, occurred_at, format, event, code: _, commit: _ } =
            read_row(&owed.0[&owed_key(notice)]).unwrap();
        ReopenedV1 { notice: *notice, class, session, occurred_at, format, event }
    });
    of_deliveries(&DeliveryEvent::NoticesReopened(NoticesReopenedV1 { notices: notices.collect() }))
}

fn of_deliveries(event: &DeliveryEvent) -> CommitV2 {
    let stream = StreamKey::delivery(Partition::of(INSTANCE.as_bytes()));
    CommitV2::from(CommitV1 {
        stream,
        version: 1,
        previous: Hash::genesis(&stream),
        occurred_at: at(1),
        receipts: Vec::new(),
        events: vec![event.to_record().unwrap()],
        state: RecordV1::of(&DeliveryStateV1 { epoch: 1, settled: 1 }).unwrap(),
    })
}

fn owed_keys(rows: &Memory) -> Vec<NoticeKeyV1> {
    rows.0.keys().filter_map(|key| read_owed_key(key)).collect()
}

#[test]
fn a_settled_notice_is_owed_no_more_whatever_comes_first() {
    let logout = logout();
    let (owed, touched) = apply(&[&logout]);
    let keys = owed_keys(&owed);
    let changed = Change { happened: true, notices: keys.iter().copied().collect() };
    assert_eq!(touched, [(INSTANCE, changed)].into());
    assert_eq!(keys.iter().map(|key| key.ordinal).collect::<Vec<_>>(), [0, 1, 2]);
    let row: Owed = read_row(&owed.0[&owed_key(&keys[0])]).unwrap();
    assert_eq!((row.class, row.session, row.event.as_str()), (NoticeClass::Disconnect, 1, "status.instance"));

    let settled = settle(&keys[..2]);
    let changed = Change { happened: false, notices: keys[..2].iter().copied().collect() };
    assert_eq!(apply(&[&settled]).1, [(INSTANCE, changed)].into(), "it cancels nothing");
    let (rows, _) = apply(&[&logout, &settled]);
    assert_eq!(owed_keys(&rows), keys[2..]);
    assert_eq!(apply(&[&settled, &logout]).0, rows);
    assert_eq!(apply(&[&logout, &settled, &logout, &settled]).0, rows);
}

#[test]
fn what_is_sent_again_is_owed_as_before_whatever_comes_first() {
    let logout = logout();
    let owed = apply(&[&logout]).0;
    let keys = owed_keys(&owed);
    let settled = settle(&keys);
    let reopened = CommitV2 { version: 2, ..reopen(&keys[..1], &owed) };
    let rows = apply(&[&logout, &settled, &reopened]).0;
    assert_eq!(owed_keys(&rows), keys[..1]);
    assert_eq!(rows.0[&owed_key(&keys[0])], owed.0[&owed_key(&keys[0])]);
    assert_eq!(apply(&[&settled, &reopened, &logout]).0, rows);
    assert_eq!(apply(&[&settled, &logout, &reopened]).0, rows);
    let again = CommitV2 { version: 3, ..settle(&keys[..1]) };
    assert!(owed_keys(&apply(&[&settled, &reopened, &again, &logout]).0).is_empty());
}

#[test]
fn how_a_notice_was_settled_is_forgotten_after_a_month_and_it_is_not_owed_again() {
    let logout = logout();
    let keys = owed_keys(&apply(&[&logout]).0);
    let month = i64::try_from(SETTLED_KEPT.as_secs()).unwrap();
    let later = |version, seconds| CommitV2 {
        version,
        occurred_at: at(1 + seconds),
        ..of_deliveries(&DeliveryEvent::NoticesSettled(NoticesSettledV1 { notices: Vec::new() }))
    };
    let (settled, before, after) = (settle(&keys), later(2, month - 1), later(3, month));
    let kept = |rows: &Memory| rows.0.keys().filter(|key| key[0] == SETTLED).count();
    assert_eq!(kept(&apply(&[&logout, &settled, &before]).0), 3);
    let forgotten = apply(&[&logout, &settled, &before, &after]).0;
    assert_eq!((kept(&forgotten), owed_keys(&forgotten).len()), (0, 0));
    // The instance's commit comes last, as in a view that is built anew.
    let awaited = apply(&[&settled, &before, &after]).0;
    assert_eq!(kept(&awaited), 3, "nobody may take its notices for owed");
    assert_eq!(apply(&[&settled, &before, &after, &logout]).0, forgotten);
    // One that was sent again meanwhile is forgotten with its last settlement.
    let owed = apply(&[&logout]).0;
    let reopened = CommitV2 { version: 2, ..reopen(&keys[..1], &owed) };
    let again = CommitV2 { version: 3, occurred_at: at(100), ..settle_at(&keys[..1], 100) };
    let commits = [&logout, &settled, &reopened, &again];
    let month_after_first = later(4, month);
    let rows = apply(&[commits.as_slice(), &[&month_after_first]].concat()).0;
    assert_eq!(kept(&rows), 1);
    let month_after_last = later(5, month + 100);
    let rows = apply(&[commits.as_slice(), &[&month_after_first, &month_after_last]].concat()).0;
    assert_eq!(kept(&rows), 0);
}

/// A commit of the account that gives it these endpoints.
fn of_account(version: u64, webhooks: Vec<WebhookV1>) -> CommitV2 {
    let stream = StreamKey::account(state(logged_out(), PermissionV1::Silent, 2).account);
    let state = AccountStateV3 {
        created_at: at(0),
        updated_at: at(0),
        name: Sealed(vec![1]),
        token: Sealed(vec![2]),
        token_entry: DirectoryId::from_bytes([3; 16]),
        name_entry: DirectoryId::from_bytes([4; 16]),
        credential_version: 1,
        attributes: None,
        webhooks,
        closed_at: None,
        unsettled: None,
        upstream: None,
    };
    CommitV2::from(CommitV1 {
        stream,
        version,
        previous: Hash::genesis(&stream),
        occurred_at: at(0),
        receipts: Vec::new(),
        events: Vec::new(),
        state: RecordV1::of(&state).unwrap(),
    })
}

fn listener(number: u8) -> WebhookV1 {
    WebhookV1 { id: EndpointId::from_bytes([number; 16]), ..webhook("native") }
}

#[test]
fn who_of_an_account_is_told_follows_from_the_version_whatever_comes_first() {
    let changes = [
        of_account(1, vec![]),
        of_account(2, vec![listener(1)]),
        of_account(3, vec![listener(1), listener(2)]),
        of_account(4, vec![WebhookV1 { enabled: false, ..listener(1) }]),
    ];
    let told = |account_version| CommitV2 { account_version, ..logout() };
    for (version, expected) in [(0, vec![]), (1, vec![]), (2, vec![1]), (3, vec![1, 2]), (4, vec![])] {
        let commit = told(version);
        let mut all = Vec::new();
        for place in 0..=changes.len() {
            let mut order: Vec<_> = changes.iter().collect();
            order.insert(place, &commit);
            // Folded again, as after a crash before the position was stored.
            order.insert(place, &commit);
            let (rows, _) = apply(&order);
            let of_account = owed_keys(&rows).into_iter().map(|key| key.endpoint);
            let of_account: Vec<_> = of_account.filter(|id| *id != webhook("native").id).collect();
            let expected: Vec<_> =
                expected.iter().map(|number| EndpointId::from_bytes([*number; 16])).collect();
            assert_eq!(of_account, expected, "version {version}, after {place} changes");
            all.push(rows);
        }
        assert!(all.iter().all(|rows| *rows == all[0]), "the rows are the same");
    }
}

#[test]
fn a_version_of_an_account_that_cannot_be_read_is_passed_over() {
    let commit = CommitV2 { account_version: 2, ..logout() };
    let (first, third) = (of_account(1, vec![listener(1)]), of_account(3, vec![listener(2)]));
    for order in [[&commit, &first, &third], [&first, &commit, &third], [&first, &third, &commit]] {
        let (rows, _) = apply(&order);
        let told = owed_keys(&rows).iter().any(|key| key.endpoint == listener(1).id);
        assert!(told, "those are told who were there before");
        assert!(!owed_keys(&rows).iter().any(|key| key.endpoint == listener(2).id));
    }
}

/// A commit that tells the account how one of its endpoints fares.
fn report(account_version: u64) -> CommitV2 {
    let account = AccountId::from_bytes(*of_account(1, vec![]).stream.id());
    of_deliveries(&DeliveryEvent::EndpointReported(EndpointReportedV1 {
        account,
        account_version,
        endpoint: listener(1).id,
        instance: INSTANCE,
        standing: EndpointStandingV1::Failing,
        failures: 4,
        since: None,
    }))
}

#[test]
fn who_is_told_of_an_endpoint_follows_from_the_version_too_and_is_not_that_endpoint() {
    let changes = [of_account(1, vec![listener(1)]), of_account(2, vec![listener(1), listener(2)])];
    for (version, expected) in [(1, vec![]), (2, vec![listener(2).id])] {
        let commit = report(version);
        let mut all = Vec::new();
        for place in 0..=changes.len() {
            let mut order: Vec<_> = changes.iter().collect();
            order.insert(place, &commit);
            order.insert(place, &commit);
            let (rows, _) = apply(&order);
            let told: Vec<_> = owed_keys(&rows).into_iter().map(|key| key.endpoint).collect();
            assert_eq!(told, expected, "version {version}, after {place} changes");
            all.push(rows);
        }
        assert!(all.iter().all(|rows| *rows == all[0]), "the rows are the same");
    }
}

#[test]
fn what_was_told_of_an_endpoint_is_forgotten_once_it_was_told_to_have_recovered() {
    let (account, failing) = (of_account(1, vec![listener(1), listener(2)]), report(1));
    let told =
        |commits: &[&CommitV2]| apply(commits).0.0.keys().filter(|key| key[0] == reports::TOLD).count();
    let mut event = EndpointReportedV1 {
        account: AccountId::from_bytes(*account.stream.id()),
        account_version: 1,
        endpoint: listener(1).id,
        instance: INSTANCE,
        standing: EndpointStandingV1::Recovered,
        failures: 0,
        since: None,
    };
    let recovered = CommitV2 { version: 2, ..of_deliveries(&DeliveryEvent::EndpointReported(event.clone())) };
    event.standing = EndpointStandingV1::Exhausted;
    let exhausted = CommitV2 { version: 3, ..of_deliveries(&DeliveryEvent::EndpointReported(event)) };
    assert_eq!(told(&[&account, &failing]), 1);
    assert_eq!(told(&[&account, &failing, &recovered]), 0);
    assert_eq!(told(&[&account, &failing, &recovered, &failing, &recovered]), 0, "as after a crash");
    assert_eq!(told(&[&account, &failing, &recovered, &exhausted]), 1);
    let (rows, _) = apply(&[&account, &failing, &recovered, &exhausted]);
    assert_eq!(owed_keys(&rows).len(), 3, "each of them is told");
    // An endpoint that never recovers is not remembered for ever either.
    let month = i64::try_from(SETTLED_KEPT.as_secs()).unwrap();
    let later = |seconds| CommitV2 { version: 4, occurred_at: at(1 + seconds), ..settle(&[]) };
    assert_eq!(told(&[&account, &failing, &later(month - 1)]), 1);
    assert_eq!(told(&[&account, &failing, &later(month)]), 0);
    let again = CommitV2 { occurred_at: at(9), ..exhausted };
    assert_eq!(told(&[&account, &failing, &again, &later(month)]), 1, "that was told later");
}
