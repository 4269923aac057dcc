//! Instances on an upstream: pinned for life, and linked there by whoever did it.

use berth_domain::instance::{LeftThere, UNLINK_SECONDS, binding, binding_block, left_there, may_message};
use berth_proto::{
    Sealed,
    command::{ChangeSettingsV1, ReportLinkedV1},
    event::Event,
    frame::RejectionCodeV1,
    instance::SettingsBlockV1,
};

use crate::life::{Life, connect, create, delete, device, logout};

fn bound() -> Life {
    let mut life = Life::unborn();
    let mut create = create();
    create.settings.push(binding_block("evolution", "evo1", Sealed(b"its name".to_vec())));
    life.applied(create);
    life
}

#[test]
fn an_instance_is_bound_once_and_no_command_changes_it() {
    let mut life = bound();
    let events = life.commits[0].events.iter().map(|event| Event::from_record(event).unwrap().name());
    assert_eq!(events.collect::<Vec<_>>(), ["InstanceCreated", "LinkBound"]);
    let seen = |life: &Life| {
        let state = life.state.clone().unwrap();
        binding(&state).map(|it| (it.kind.to_owned(), it.upstream.to_owned(), it.name.clone()))
    };
    let first = Some(("evolution".to_owned(), "evo1".to_owned(), Sealed(b"its name".to_vec())));
    assert_eq!(seen(&life), first);
    for other in ["link/evolution/evo1", "link/evolution/evo2", "link/x"] {
        let block = SettingsBlockV1 { owner: other.to_owned(), body: Sealed(b"another".to_vec()) };
        let change = ChangeSettingsV1 { block, expected: None };
        assert_eq!(life.refused(change), RejectionCodeV1::OutOfPlace, "{other}");
    }
    assert_eq!(seen(&life), first);
    assert_eq!(binding(Life::created().state.as_ref().unwrap()), None);
}

#[test]
fn a_device_that_was_linked_at_the_upstream_is_found() {
    let mut life = bound();
    for attempt in [1, 2] {
        let mut report = life.report();
        report.attempt = attempt + 1;
        let early = ReportLinkedV1 { report, device: device(1) };
        assert_eq!(life.refused(early), RejectionCodeV1::StaleAttempt, "it is not the next one");
        let mut report = life.report();
        report.attempt = attempt;
        let found = ReportLinkedV1 { report, device: device(1) };
        life.applied(found.clone());
        life.unchanged(found);
        assert_eq!(life.words(), "linked/opening");
        assert!(may_message(life.state.as_ref().unwrap()).is_ok());
        life.applied(logout());
        assert!(may_message(life.state.as_ref().unwrap()).is_err());
    }
}

#[test]
fn what_the_last_attempt_may_have_left_there_is_known_until_the_next_one_begins() {
    let mut life = bound();
    let left = |life: &Life| left_there(life.state());
    let since_now = |life: &Life, attempt| {
        let ended_at = life.commits.last().unwrap().occurred_at;
        Some(LeftThere { attempt, until: ended_at.plus_seconds(UNLINK_SECONDS) })
    };
    assert_eq!(left(&life), None, "there was none");
    life.applied(connect());
    assert_eq!(left(&life), None, "it runs");
    life.applied(logout());
    assert_eq!(left(&life), since_now(&life, 1));
    life.wait_seconds(60).applied(connect());
    assert_eq!(left(&life), None);
    life.applied(delete());
    assert_eq!(left(&life), since_now(&life, 2), "also of a deleted one");

    let mut linked = bound();
    linked.applied(connect());
    linked.report_linked();
    linked.applied(delete());
    assert_eq!(left(&linked), None, "a device is unlinked");
    let mut own = Life::connecting();
    own.applied(logout());
    assert_eq!(left(&own), None, "it is on no upstream");
}

#[test]
fn nobody_finds_a_device_of_an_instance_that_is_on_no_upstream() {
    let mut life = Life::created();
    let mut report = life.report();
    report.attempt = 1;
    assert_eq!(life.refused(ReportLinkedV1 { report, device: device(1) }), RejectionCodeV1::StaleAttempt);
}
