//! Rules that hold for any history and any command.

use berth_domain::instance::{
    Context, State, attempt, deadlines, decide, effective, evolve, fold_commit, has_session, link, state_word,
};
use berth_proto::{
    Hash, Timestamp,
    command::{
        AbandonUnlinkV1, ChangeSettingsV1, Command, DeleteV1, EndBanV1, ExpireAttemptV1, RemoveWebhookV1,
        RenameV1, ReportLinkedV1, ReportOpenV1, ReportPairingCodeRefusedV1, ReportPairingCodeV1,
        ReportPausedV1, ReportUnlinkedV1, ReportV1, RotateTokenV1, RotateWebhookSecretV1,
    },
    event::{AbandonReasonV1, EndReasonV1, Event, NewTokenV1},
    instance::{PauseReasonV1, PermissionV1, PhaseV1, UnlinkStatusV1},
};
use proptest::prelude::*;

use crate::life::{
    Life, block, configure, connect, connect_phone, create, delete, device, disconnect, ended, endpoint,
    entry, logout, lost, phone_logout, qr, reconnect, restart, sealed, webhook,
};

/// A command that may not fit at all, some time after the last one.
#[derive(Debug, Clone)]
struct Step {
    seconds: i64,
    command: Command,
}

fn any_report() -> impl Strategy<Value = ReportV1> {
    (0..4_u32, 1..3_u64, 1..6_u64).prop_map(|(attempt, epoch, number)| ReportV1 { attempt, epoch, number })
}

fn any_moment() -> impl Strategy<Value = Timestamp> {
    (-100..4000_i64).prop_map(|seconds| crate::life::START.plus_seconds(seconds))
}

fn any_client_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        1 => Just(create().into()),
        6 => Just(connect().into()),
        2 => Just(connect_phone("5511").into()),
        2 => Just(reconnect().into()),
        2 => Just(restart().into()),
        2 => Just(disconnect().into()),
        4 => Just(logout().into()),
        1 => any::<bool>().prop_map(|idle| DeleteV1 { only_without_session: idle }.into()),
        2 => (0..4_u8, any::<bool>()).prop_map(|(number, enabled)| {
            let mut webhook = webhook(number);
            webhook.enabled = enabled;
            configure(webhook).into()
        }),
        1 => (0..4_u8).prop_map(|number| RemoveWebhookV1 { id: endpoint(number) }.into()),
        1 => (0..4_u8, any_moment()).prop_map(|(number, keep_until)| RotateWebhookSecretV1 {
            id: endpoint(number),
            secret: webhook(number + 10).secret,
            keep_until,
            old_secrets: vec![],
        }.into()),
        1 => proptest::option::of(1..6_u8).prop_map(|number| RotateTokenV1 {
            token: number.map(|number| NewTokenV1 { token: sealed("t"), entry: entry(number) }),
        }.into()),
        1 => (1..4_u8).prop_map(|number| RenameV1 { name: sealed("n"), name_entry: entry(number) }.into()),
        1 => (0..3_u8).prop_map(|number| ChangeSettingsV1 {
            block: block(&number.to_string(), "{}"),
            expected: None,
        }.into()),
    ]
}

fn any_service_command() -> impl Strategy<Value = Command> {
    let reason =
        prop_oneof![Just(PauseReasonV1::Asked), Just(PauseReasonV1::Replaced), Just(PauseReasonV1::Banned),];
    let abandoned = proptest::option::of(Just(AbandonReasonV1::KeysLost));
    prop_oneof![
        4 => (any_report(), any_moment()).prop_map(|(report, expires_at)| qr(report, expires_at).into()),
        1 => (any_report(), any_moment()).prop_map(|(report, expires_at)| {
            ReportPairingCodeV1 { report, index: 1, digest: Hash([1; 32]), expires_at }.into()
        }),
        1 => any_report().prop_map(|report| {
            ReportPairingCodeRefusedV1 { report, code: 429, backoff_seconds: 0 }.into()
        }),
        1 => any_report().prop_map(|report| ended(report, EndReasonV1::PairError).into()),
        6 => any_report().prop_map(|report| ReportLinkedV1 { report, device: device(1) }.into()),
        3 => any_report().prop_map(|report| ReportOpenV1 { report }.into()),
        2 => any_report().prop_map(|report| lost(report).into()),
        2 => (any_report(), reason, proptest::option::of(any_moment())).prop_map(
            |(report, reason, until)| ReportPausedV1 { report, reason, code: 402, until }.into()
        ),
        1 => any_report().prop_map(|report| phone_logout(report).into()),
        2 => (any_report(), abandoned)
            .prop_map(|(report, abandoned)| ReportUnlinkedV1 { report, abandoned }.into()),
        2 => (0..4_u32).prop_map(|attempt| ExpireAttemptV1 { attempt }.into()),
        1 => (0..4_u32).prop_map(|attempt| AbandonUnlinkV1 { attempt }.into()),
        1 => (0..4_u32).prop_map(|attempt| EndBanV1 { attempt }.into()),
    ]
}

fn any_history() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![8 => Just(0), 4 => 0..30_i64, 1 => 100..700_i64, 1 => Just(90_000)];
    let command = prop_oneof![3 => any_client_command(), 4 => any_service_command()];
    let step = (wait, command).prop_map(|(seconds, command)| Step { seconds, command });
    proptest::collection::vec(step, 1..60)
}

/// Plays a history on an instance; commands that are refused leave no trace.
fn play(history: &[Step]) -> Life {
    let mut life = Life::created();
    for step in history {
        life.wait_seconds(step.seconds);
        let _ = life.send(step.command.clone());
    }
    life
}

fn events_of(life: &Life) -> Vec<Vec<Event>> {
    let read = |record| Event::from_record(record).unwrap();
    life.commits.iter().map(|commit| commit.events.iter().map(read).collect()).collect()
}

/// Where an event may lead from where, as the life cycle table has it.
fn allowed(from: &str, event: &Event, to: &str) -> bool {
    match event {
        Event::ConnectRequested(_) => matches!(from, "created" | "logged_out") && to == "connecting",
        Event::QrIssued(_) | Event::PairingCodeIssued(_) => {
            matches!(from, "connecting" | "pairing") && to == "pairing"
        }
        Event::PairingCodeRefused(_) => matches!(from, "connecting" | "pairing") && to == from,
        Event::ConnectEnded(_) => {
            matches!(from, "connecting" | "pairing") && matches!(to, "created" | "logged_out")
        }
        Event::DeviceLinked(_) => matches!(from, "connecting" | "pairing") && to == "linked",
        Event::ResumeRequested(_) => matches!(from, "linked" | "paused") && to == "linked",
        Event::ConnectionOpened(_) | Event::ConnectionLost(_) | Event::StopRequested(_) => {
            from == "linked" && to == "linked"
        }
        Event::LinkPaused(_) => matches!(from, "linked" | "paused") && to == "paused",
        Event::LoggedOut(_) => matches!(from, "linked" | "paused") && to == "logged_out",
        Event::InstanceDeleted(_) => matches!(from, "created" | "logged_out") && to == "deleted",
        Event::DeviceUnlinked(_) | Event::UnlinkAbandoned(_) => to == from,
        Event::InstanceCreated(_) | Event::Abandoned(_) => false,
        _ => from != "deleted" && to == from,
    }
}

/// Rules R1 to R5 without the three permission events: silent at first and after every end, codes only
/// while an attempt runs, everything from the link on.
fn permission_by_rule(commits: &[Vec<Event>]) -> PermissionV1 {
    let mut permission = PermissionV1::Silent;
    for event in commits.iter().flatten() {
        permission = match event {
            Event::ConnectRequested(_) => PermissionV1::QrOnly,
            Event::DeviceLinked(_) => PermissionV1::Open,
            Event::ConnectEnded(_) | Event::LoggedOut(_) | Event::InstanceDeleted(_) => PermissionV1::Silent,
            _ => permission,
        };
    }
    permission
}

fn check_invariants(state: &State) {
    let permission = match &state.phase {
        PhaseV1::Created | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => PermissionV1::Silent,
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => PermissionV1::QrOnly,
        PhaseV1::Linked(_) | PhaseV1::Paused(_) => PermissionV1::Open,
    };
    assert_eq!(state.permission, permission);
    assert!(state.unlinks.len() <= 4 && state.keyed.len() <= 32 && state.unkeyed.len() <= 8);
    let running = attempt(state).map(|attempt| attempt.number).or(link(state).map(|link| link.attempt));
    assert!(running.is_none_or(|number| number == state.attempt), "only the last attempt can run");
    assert_eq!(has_session(state), running.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_event_follows_the_state_and_the_table(history in any_history()) {
        let life = play(&history);
        let mut state: Option<State> = None;
        for commit in &life.commits {
            for record in &commit.events {
                let event = Event::from_record(record).unwrap();
                let Some(mut before) = state.take() else {
                    state = evolve(None, &event, commit.occurred_at);
                    continue;
                };
                let from = state_word(&before.phase);
                // An event that cannot follow leaves the state alone, its time included.
                before.updated_at = Timestamp(0);
                let after = evolve(Some(before), &event, commit.occurred_at).unwrap();
                prop_assert_eq!(after.updated_at, commit.occurred_at, "{} in {}", event.name(), from);
                let to = state_word(&after.phase);
                prop_assert!(allowed(from, &event, to), "{} led from {} to {}", event.name(), from, to);
                state = Some(after);
            }
            check_invariants(&commit.full_state().unwrap().open().unwrap());
        }
    }

    #[test]
    fn folding_the_history_gives_the_carried_state(history in any_history()) {
        let life = play(&history);
        let mut state = None;
        for commit in &life.commits {
            state = fold_commit(state, commit).unwrap();
            prop_assert_eq!(&state, &Some(commit.full_state().unwrap().open::<State>().unwrap()));
        }
        prop_assert_eq!(state, life.state);
    }

    #[test]
    fn the_permission_is_the_rule(history in any_history()) {
        let life = play(&history);
        prop_assert_eq!(life.state().permission, permission_by_rule(&events_of(&life)));
    }

    #[test]
    fn the_same_command_again_changes_nothing(history in any_history()) {
        let mut life = Life::created();
        for step in &history {
            life.wait_seconds(step.seconds);
            let context = Context { now: life.now };
            if life.send(step.command.clone()).is_err() {
                continue;
            }
            let again = decide(life.state.as_ref(), &step.command, &context);
            match step.command {
                // They ask for an action, not for a state; their repetition is caught by the command's id.
                Command::Reconnect(_) | Command::Restart(_) => {
                    let words = life.words();
                    for event in again.iter().flat_map(|decision| &decision.events) {
                        life.state = evolve(life.state.take(), event, context.now);
                    }
                    prop_assert_eq!(life.words(), words);
                }
                Command::RotateToken(RotateTokenV1 { token: None }) => {}
                _ => prop_assert!(again.is_err() || again.as_ref().is_ok_and(|one| one.events.is_empty()),
                    "{:?} again came to {:?}", step.command.name(), again),
            }
        }
    }

    #[test]
    fn a_logout_always_works_and_ends_the_session(history in any_history()) {
        let mut life = play(&history);
        if state_word(&life.state().phase) == "deleted" {
            return Ok(());
        }
        life.send(logout()).unwrap();
        prop_assert!(!has_session(life.state()));
        prop_assert!(life.send(reconnect()).is_err());
        prop_assert_eq!(life.state().permission, PermissionV1::Silent);
    }

    #[test]
    fn every_deadline_can_be_recorded_at_its_moment_and_not_before(history in any_history()) {
        let life = play(&history);
        for (moment, command) in deadlines(life.state()) {
            let at = |now| decide(life.state.as_ref(), &command, &Context { now });
            prop_assert!(at(moment.plus_millis(-1)).is_err());
            prop_assert!(!at(moment).unwrap().events.is_empty());
        }
    }

    #[test]
    fn a_reader_and_the_sweeper_agree(history in any_history(), seconds in 0..100_000_i64) {
        let life = play(&history);
        let now = life.now.plus_seconds(seconds);
        let shown = effective(life.state(), now).into_owned();
        let mut swept = life.clone();
        swept.now = now;
        for (_, command) in deadlines(life.state()) {
            let _ = swept.send(command);
        }
        prop_assert_eq!(state_word(&shown.phase), state_word(&swept.state().phase));
        prop_assert_eq!(shown.permission, swept.state().permission);
        let pending = |state: &State| {
            state.unlinks.iter().filter(|one| one.status == UnlinkStatusV1::Pending).count()
        };
        prop_assert_eq!(pending(&shown), pending(swept.state()));
        prop_assert!(deadlines(&shown).iter().all(|(moment, _)| *moment > now));
    }

    #[test]
    fn events_in_any_order_never_break_the_fold(
        history in any_history(),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut life = play(&history);
        let _ = life.send(delete());
        let events: Vec<_> = events_of(&life).concat();
        let mut state = None;
        for index in order {
            state = evolve(state, index.get(&events), life.now);
        }
        if let Some(state) = state {
            prop_assert!(state.unlinks.len() <= 4);
            let _ = state_word(&state.phase);
        }
    }
}
