//! The commands that an instance remembers.

use berth_domain::instance::{fold_commit, remember, remembered};
use berth_proto::commit::{OutcomeCodeV1, OutcomeV1, PrincipalV1};

use crate::life::{Life, receipt};

const OUTCOME: OutcomeV1 = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };

#[test]
fn thirty_two_keyed_and_eight_other_commands_are_remembered() {
    let mut state = Life::created().state().clone();
    state.keyed.clear();
    state.unkeyed.clear();
    for id in 1..=40 {
        remember(&mut state, &receipt(id, true, &OUTCOME), id);
        remember(&mut state, &receipt(1000 + id, false, &OUTCOME), id);
    }
    assert_eq!((state.keyed.len(), state.unkeyed.len()), (32, 8));
    assert!(remembered(&state, receipt(8, true, &OUTCOME).command_id).is_none());
    assert_eq!(remembered(&state, receipt(9, true, &OUTCOME).command_id).unwrap().version, 9);
    assert!(remembered(&state, receipt(1032, false, &OUTCOME).command_id).is_none());
    assert!(remembered(&state, receipt(1033, false, &OUTCOME).command_id).is_some());
}

#[test]
fn a_service_takes_no_slot_and_nothing_is_remembered_twice() {
    let mut state = Life::created().state().clone();
    let before = state.clone();
    let mut report = receipt(77, false, &OUTCOME);
    report.principal = PrincipalV1::Service;
    remember(&mut state, &report, 2);
    assert_eq!(state, before);
    remember(&mut state, &receipt(78, true, &OUTCOME), 2);
    remember(&mut state, &receipt(78, true, &OUTCOME), 3);
    let known = remembered(&state, receipt(78, true, &OUTCOME).command_id).unwrap();
    assert_eq!((known.version, state.keyed.len()), (2, before.keyed.len() + 1));
}

#[test]
fn a_fold_of_the_commits_gives_the_carried_state() {
    let life = Life::deleted();
    let mut state = None;
    for commit in &life.commits {
        state = fold_commit(state, commit).unwrap();
        assert_eq!(state, Some(commit.full_state().unwrap().open().unwrap()));
    }
    assert_eq!(state, life.state);
}

#[test]
fn an_unknown_event_stops_the_fold() {
    let mut commit = Life::created().commits[0].clone();
    commit.events[0].type_id = 199;
    let error = fold_commit(None, &commit).unwrap_err();
    assert!(error.to_string().contains("199"), "{error}");
}
