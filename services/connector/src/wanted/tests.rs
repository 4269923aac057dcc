//! What rows say, and that they follow from the log alone.

use std::collections::BTreeMap;

use berth_domain::instance::UNLINK_SECONDS;
use berth_log::{Stored, Tail};
use berth_proto::{
    AccountId, CommitV1, CommitV2, DirectoryId, Hash, StreamKey, WriteVersion,
    codec::RecordV1,
    commit::{OriginV1, OutcomeCodeV1, OutcomeV1, PrincipalV1, ReceiptV1},
    event::{
        ConnectEndedV1, ConnectRequestedV1, ConnectionLostV1, ConnectionOpenedV1, DeviceLinkedV1,
        DeviceUnlinkedV1, EndReasonV1, InstanceCreatedV1, InstanceDeletedV1, LinkBoundV1, LinkPausedV1,
        LoggedOutV1, LogoutOriginV1, PendingUnlinkV1, QrIssuedV1, ReportedV1, ResumeCauseV1,
        ResumeRequestedV1,
    },
    instance::{DeviceV1, EntriesV1, PauseReasonV1},
};
use berth_views::ViewError;
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// Rows in memory.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kept(BTreeMap<Vec<u8>, Vec<u8>>);

impl Rows for Kept {
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

/// The history of one instance.
struct History {
    instance: InstanceId,
    state: Option<InstanceStateV1>,
    commits: Vec<CommitV2>,
}

impl History {
    /// A new instance.
    fn of(number: u8) -> Self {
        let mut history =
            Self { instance: InstanceId::from_bytes([number; 16]), state: None, commits: Vec::new() };
        let entry = DirectoryId::from_bytes([3; 16]);
        let created = InstanceCreatedV1 {
            account: AccountId::from_bytes([2; 16]),
            number: 1_234_567_890,
            name: sealed(),
            token: sealed(),
            entries: EntriesV1 { name: entry, token: entry, number: entry, alias: None, creation: None },
            settings: Vec::new(),
        };
        history.happens(&[created.into()]);
        history
    }

    fn happens(&mut self, events: &[Event]) {
        for event in events {
            self.state = berth_domain::instance::evolve(self.state.take(), event, NOW);
        }
        let stream = StreamKey::instance(self.instance);
        let version = self.commits.len() as u64 + 1;
        let receipt = ReceiptV1 {
            command_id: command(version),
            keyed: false,
            digest: Hash([0; 32]),
            principal: PrincipalV1::Service,
            origin: OriginV1 { via: "test".to_owned() },
            causation: None,
            outcome: OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None },
            first_event: 0,
            event_count: u16::try_from(events.len()).unwrap(),
        };
        self.commits.push(CommitV2::from(CommitV1 {
            stream,
            version,
            previous: Hash::genesis(&stream),
            occurred_at: NOW,
            receipts: vec![receipt],
            events: events.iter().map(|event| event.to_record().unwrap()).collect(),
            state: RecordV1::of(self.state.as_ref().unwrap()).unwrap(),
        }));
    }

    /// The row after everything that happened.
    fn row(&self) -> Option<Wanted> {
        let mut rows = Kept::default();
        self.commits.iter().for_each(|commit| apply(&WantedView::default(), commit, &mut rows));
        rows.0.get(self.instance.as_bytes().as_slice()).map(|row| Wanted::read(row).unwrap())
    }

    fn link(&self) -> WantedLink {
        self.row().unwrap().link.unwrap()
    }
}

fn apply(view: &WantedView, commit: &CommitV2, rows: &mut Kept) {
    let tail = Tail { version: commit.version, revision: commit.version };
    let payload = commit.encode_for(WriteVersion::NEWEST).unwrap().unwrap().into();
    let stored = Stored { stream: commit.stream, tail, shard: 0, payload, forged: false };
    view.apply(&stored.into(), commit, rows).unwrap();
}

/// The command that the commit with a version answers.
fn command(version: u64) -> CommandId {
    CommandId::from_bytes([u8::try_from(version % 256).unwrap(); 16])
}

fn sealed() -> Sealed {
    Sealed(vec![1; 32])
}

const fn reported() -> ReportedV1 {
    ReportedV1 { epoch: 7, number: 1 }
}

fn requested(attempt: u32, method: MethodV1) -> Event {
    ConnectRequestedV1 { attempt, method, deadline: NOW.plus_seconds(120) }.into()
}

fn shown(attempt: u32) -> Event {
    let (digest, expires_at) = (Hash([4; 32]), NOW.plus_seconds(60));
    QrIssuedV1 { attempt, index: 1, digest, expires_at, deadline: expires_at, reported: reported() }.into()
}

fn linked(attempt: u32) -> Event {
    let device = DeviceV1 {
        jid: sealed(),
        lid: None,
        phone: sealed(),
        push_name: None,
        business_name: None,
        picture_url: None,
        platform: String::new(),
    };
    DeviceLinkedV1 { attempt, device, reported: reported() }.into()
}

fn resumed(attempt: u32) -> Event {
    ResumeRequestedV1 { attempt, cause: ResumeCauseV1::Restart }.into()
}

fn paused(attempt: u32) -> Event {
    let (reason, reported) = (PauseReasonV1::Replaced, Some(reported()));
    LinkPausedV1 { attempt, reason, code: 409, until: None, reported }.into()
}

fn logged_out(session: u32, unlink: Option<u32>) -> Event {
    let unlink = unlink.map(|attempt| PendingUnlinkV1 { attempt, deadline: NOW.plus_seconds(86_400) });
    LoggedOutV1 { session, origin: LogoutOriginV1::Command, code: 401, unlink }.into()
}

#[test]
fn a_new_instance_wants_nothing() {
    assert_eq!(History::of(1).row(), None);
}

#[test]
fn an_attempt_is_wanted_until_it_ends() {
    let mut history = History::of(1);
    history.happens(&[requested(1, MethodV1::PairingCode { phone: sealed() })]);
    assert_eq!(history.link().stage, Stage::Requested { phone: Some(sealed()) });
    history.happens(&[shown(1)]);
    assert_eq!(
        history.link(),
        WantedLink { attempt: 1, stage: Stage::Pairing, resumed: 0, cause: Some(command(2)) }
    );
    history.happens(&[ConnectEndedV1 { attempt: 1, reason: EndReasonV1::CodesExhausted, code: 0 }.into()]);
    assert_eq!(history.row(), None);
    history.happens(&[requested(2, MethodV1::Qr)]);
    assert_eq!(history.link().stage, Stage::Requested { phone: None });
}

#[test]
fn the_last_attempt_that_ended_at_an_upstream_is_remembered_also_of_an_instance_that_is_being_erased() {
    let mut history = History::of(1);
    let bound = LinkBoundV1 { kind: "evolution".to_owned(), upstream: "evo".to_owned(), name: sealed() };
    history.happens(&[bound.into()]);
    let ended = |history: &History| history.row().unwrap().ended.map(|end| end.attempt);
    let end = |attempt| ConnectEndedV1 { attempt, reason: EndReasonV1::Cancelled, code: 0 }.into();
    assert_eq!(ended(&history), None);
    for attempt in 1..=2 {
        history.happens(&[requested(attempt, MethodV1::Qr)]);
        assert_eq!(ended(&history), None, "it ends what is there before it begins");
        history.happens(&[end(attempt)]);
        assert_eq!(ended(&history), Some(attempt));
    }
    history.happens(&[]);
    assert_eq!(ended(&history), Some(2), "nothing happened");
    history.happens(&[requested(3, MethodV1::Qr)]);
    let session = history.state.as_ref().unwrap().session;
    history.happens(&[end(3), InstanceDeletedV1 { session }.into()]);
    let row = history.row().unwrap();
    let deadline = NOW.plus_seconds(UNLINK_SECONDS);
    assert_eq!((row.link, row.ended), (None, Some(WantedEnd { attempt: 3, deadline })));
    history.happens(&[]);
    assert_eq!(history.row(), None, "nothing is kept of it any more");
}

#[test]
fn a_link_is_wanted_until_it_is_paused_and_again_when_it_is_resumed() {
    let mut history = History::of(1);
    history.happens(&[requested(1, MethodV1::Qr)]);
    history.happens(&[linked(1)]);
    assert_eq!(
        history.link(),
        WantedLink { attempt: 1, stage: Stage::Linked, resumed: 0, cause: Some(command(2)) }
    );
    history.happens(&[resumed(1)]);
    assert_eq!(history.link().resumed, 4, "the version that asked for it");
    history.happens(&[ConnectionOpenedV1 { attempt: 1, reported: reported() }.into()]);
    assert_eq!(history.link().resumed, 4, "and nothing else asks for it");
    history.happens(&[paused(1)]);
    assert_eq!(history.row(), None);
    history.happens(&[resumed(1)]);
    assert_eq!(history.link().resumed, 7);
    // A pause and a resume in one commit are noticed too: the link that ran has ended.
    history.happens(&[paused(1), resumed(1)]);
    assert_eq!(history.link().resumed, 8);
}

#[test]
fn devices_are_to_be_unlinked_whatever_runs_beside() {
    let mut history = History::of(1);
    history.happens(&[requested(1, MethodV1::Qr)]);
    history.happens(&[linked(1)]);
    let session = history.state.as_ref().unwrap().session;
    history.happens(&[logged_out(session, Some(1))]);
    let cause = Some(command(4));
    let unlinks = vec![WantedUnlink { attempt: 1, deadline: NOW.plus_seconds(86_400), cause }];
    assert_eq!(
        history.row(),
        Some(Wanted { link: None, unlinks: unlinks.clone(), ended: None, binding: None })
    );
    history.happens(&[requested(2, MethodV1::Qr)]);
    let both = history.row().unwrap();
    assert_eq!((both.link.unwrap().attempt, both.unlinks), (2, unlinks));
    history.happens(&[DeviceUnlinkedV1 { attempt: 1 }.into()]);
    assert_eq!(history.row().unwrap().unlinks, []);
}

#[test]
fn a_link_runs_for_the_sake_of_the_command_that_asked_for_it_last() {
    let mut history = History::of(1);
    history.happens(&[requested(1, MethodV1::Qr)]);
    history.happens(&[shown(1)]);
    history.happens(&[linked(1)]);
    assert_eq!(history.link().cause, Some(command(2)), "what is reported on it is no command of its own");
    history.happens(&[resumed(1)]);
    history.happens(&[ConnectionOpenedV1 { attempt: 1, reported: reported() }.into()]);
    assert_eq!(history.link().cause, Some(command(5)));
    let session = history.state.as_ref().unwrap().session;
    history.happens(&[logged_out(session, Some(1)), requested(2, MethodV1::Qr)]);
    let row = history.row().unwrap();
    assert_eq!((row.link.unwrap().cause, row.unlinks[0].cause), (Some(command(7)), Some(command(7))));
    history.happens(&[linked(2)]);
    assert_eq!(history.row().unwrap().unlinks[0].cause, Some(command(7)), "whatever comes after");
}

#[test]
fn a_row_of_another_shape_is_none() {
    let row = postcard::to_allocvec(&Wanted {
        link: None,
        unlinks: vec![WantedUnlink { attempt: 1, deadline: NOW, cause: None }],
        ended: None,
        binding: None,
    })
    .unwrap();
    assert!(Wanted::read(&row).is_some());
    assert_eq!(Wanted::read(&[row.as_slice(), &[0]].concat()), None, "left-over bytes");
    assert_eq!(Wanted::read(&row[..row.len() - 1]), None);
}

#[test]
fn changes_are_collected_for_an_owner_only() {
    let (view, mut rows, mut history) = (WantedView::default(), Kept::default(), History::of(1));
    history.happens(&[requested(1, MethodV1::Qr)]);
    let fold = |rows: &mut Kept| history.commits.iter().for_each(|commit| apply(&view, commit, rows));
    fold(&mut rows);
    let watching = view.watch();
    assert!(watching.take().is_empty(), "nobody watched");
    fold(&mut rows);
    assert_eq!(watching.take(), [history.instance].into());
    assert!(watching.take().is_empty());
    drop(watching);
    fold(&mut rows);
    assert!(view.watch().take().is_empty());
}

/// One more thing that happens: whatever does not fit the state leaves it as it is.
fn any_event() -> impl Strategy<Value = Vec<Event>> {
    let lost =
        |attempt| ConnectionLostV1 { attempt, code: 503, source_code: String::new(), reported: reported() };
    let bound = LinkBoundV1 { kind: "evolution".to_owned(), upstream: "evo".to_owned(), name: sealed() };
    let one = (0..13_u8, 1..4_u32).prop_map(move |(kind, attempt)| match kind {
        0 | 1 => requested(attempt, MethodV1::Qr),
        2 => shown(attempt),
        3 | 4 => linked(attempt),
        5 => resumed(attempt),
        6 => paused(attempt),
        7 => logged_out(attempt, Some(attempt)),
        8 => lost(attempt).into(),
        9 => ConnectEndedV1 { attempt, reason: EndReasonV1::Cancelled, code: 0 }.into(),
        10 => bound.clone().into(),
        11 => InstanceDeletedV1 { session: attempt }.into(),
        _ => DeviceUnlinkedV1 { attempt }.into(),
    });
    prop::collection::vec(one, 1..3)
}

proptest! {
    /// However the streams are mixed, and however often a commit comes, the rows are the same.
    #[test]
    fn rebuilt_rows_are_equal(
        lives in prop::collection::vec(prop::collection::vec(any_event(), 0..12), 3),
        mix in prop::collection::vec(0..3_usize, 0..40),
    ) {
        let mut histories: Vec<_> = (1..=3).map(History::of).collect();
        for (history, life) in histories.iter_mut().zip(lives) {
            for events in life {
                for event in events {
                    history.happens(&[event]);
                }
            }
        }
        let view = WantedView::default();
        let mut in_turn = Kept::default();
        for commit in histories.iter().flat_map(|history| &history.commits) {
            apply(&view, commit, &mut in_turn);
        }
        let mut mixed = Kept::default();
        let mut rest: Vec<_> = histories.iter().map(|history| history.commits.iter()).collect();
        for one in mix.into_iter().chain([0, 1, 2].repeat(40)) {
            if let Some(commit) = rest[one].next() {
                apply(&view, commit, &mut mixed);
                apply(&view, commit, &mut mixed);
            }
        }
        prop_assert_eq!(&in_turn, &mixed);
        for history in &histories {
            let row = in_turn.0.get(history.instance.as_bytes().as_slice());
            let state = history.state.as_ref().unwrap();
            let row = row.and_then(|row| Wanted::read(row));
            let derived = Wanted::of(state, row.as_ref(), &Causes::default());
            prop_assert_eq!(row, derived);
        }
    }
}
