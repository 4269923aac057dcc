//! The table of states, words and events, format by format.

use berth_proto::{
    Hash,
    event::{
        ConnectEndedV1, ConnectRequestedV1, ConnectionLostV1, ConnectionOpenedV1, DeviceLinkedV1,
        EndReasonV1, Event, InstanceDeletedV1, LinkPausedV1, LoggedOutV1, LogoutOriginV1, QrIssuedV1,
        SwitchedV1, TokenRotatedV1, WebhooksResumedV1, WebhooksSuspendedV1,
    },
    instance::{InstanceStateV1, MethodV1, PauseReasonV1, PermissionV1, PhaseV1},
};

use super::*;
use crate::{
    fixtures::{REPORTED, at, commit, device, linked, logged_out, pairing, state, webhook},
    formats,
};

const FORMATS: [&str; 7] = ["native", "evolution", "ryze", "codechat", "mega", "green", "evolution-go"];

fn words(format: &str, events: &[Event], mut state: InstanceStateV1) -> Vec<&'static str> {
    state.webhooks = vec![webhook(format)];
    let step = Step::of(&commit(5, events, &state)).unwrap().unwrap();
    step.notices().iter().map(|notice| notice.word.event).collect()
}

fn logout() -> [Event; 2] {
    [
        Event::LoggedOut(LoggedOutV1 {
            session: 1,
            origin: LogoutOriginV1::Command,
            code: 401,
            unlink: None,
        }),
        Event::WebhooksSuspended(WebhooksSuspendedV1 { session: 2 }),
    ]
}

fn qr() -> Event {
    Event::QrIssued(QrIssuedV1 {
        attempt: 1,
        index: 1,
        digest: Hash([0; 32]),
        expires_at: at(20),
        deadline: at(60),
        reported: REPORTED,
    })
}

fn table(events: &[Event], state: &InstanceStateV1, expected: [&[&str]; 7]) {
    for (format, expected) in FORMATS.into_iter().zip(expected) {
        assert_eq!(words(format, events, state.clone()), expected, "{format}: {events:?}");
    }
}

#[test]
fn a_logout_is_one_group_in_each_format() {
    table(
        &logout(),
        &state(logged_out(), PermissionV1::Silent, 2),
        [
            &["instance.logged_out"],
            &["status.instance", "logout.instance", "connection.update"],
            &["instance.state"],
            &["connection.update"],
            &["connection_update"],
            &["stateInstanceChanged"],
            &["LoggedOut"],
        ],
    );
}

#[test]
fn a_code_is_told_while_only_codes_are_allowed() {
    let showing = state(pairing(1, 1), PermissionV1::QrOnly, 2);
    table(
        &[qr()],
        &showing,
        [
            &["instance.qr"],
            &["qrcode.updated"],
            &["instance.state"],
            &["qrcode.updated"],
            &["qrcode_update"],
            &[],
            &["QRCode"],
        ],
    );
    let connecting =
        Event::ConnectRequested(ConnectRequestedV1 { attempt: 1, method: MethodV1::Qr, deadline: at(60) });
    table(&[connecting], &showing, [&[]; 7]);
    table(&[qr()], &state(pairing(1, 1), PermissionV1::Silent, 2), [&[]; 7]);
}

#[test]
fn a_link_opens_everything() {
    let linked_events = [
        Event::DeviceLinked(DeviceLinkedV1 { attempt: 1, device: device(), reported: REPORTED }),
        Event::WebhooksResumed(WebhooksResumedV1 { session: 1 }),
    ];
    let open = state(linked(), PermissionV1::Open, 1);
    table(
        &linked_events,
        &open,
        [
            &["instance.linked"],
            &[],
            &["instance.state"],
            &[],
            &[],
            &["stateInstanceChanged"],
            &["PairSuccess"],
        ],
    );
    table(
        &[Event::ConnectionOpened(ConnectionOpenedV1 { attempt: 1, reported: REPORTED })],
        &open,
        [
            &["instance.open"],
            &["connection.update"],
            &["instance.state"],
            &["connection.update"],
            &["connection_update"],
            &["stateInstanceChanged", "statusInstanceChanged"],
            &["Connected"],
        ],
    );
    table(
        &[Event::ConnectionLost(ConnectionLostV1 {
            attempt: 1,
            code: 0,
            source_code: String::new(),
            reported: REPORTED,
        })],
        &open,
        [
            &["instance.lost"],
            &["connection.update"],
            &["instance.state"],
            &["connection.update"],
            &[],
            &["statusInstanceChanged"],
            &["Disconnected"],
        ],
    );
}

#[test]
fn stops_and_bans() {
    let paused =
        |reason| Event::LinkPaused(LinkPausedV1 { attempt: 1, reason, code: 0, until: None, reported: None });
    let open = state(linked(), PermissionV1::Open, 1);
    let green: &[&str] = &["stateInstanceChanged", "statusInstanceChanged"];
    table(
        &[paused(PauseReasonV1::Banned)],
        &open,
        [
            &["instance.paused"],
            &["status.instance", "connection.update"],
            &["instance.state"],
            &["connection.update"],
            &["connection_update"],
            green,
            &["TemporaryBan"],
        ],
    );
    table(
        &[paused(PauseReasonV1::Replaced)],
        &open,
        [
            &["instance.paused"],
            &["connection.update"],
            &["instance.state"],
            &["connection.update"],
            &["connection_update"],
            green,
            &["Disconnected"],
        ],
    );
}

#[test]
fn a_switch_and_a_new_token_are_told_while_webhooks_are_open() {
    let events = [
        Event::TokenRotated(TokenRotatedV1 { credential_version: 1, jwt_version: 2, token: None }),
        Event::Switched(SwitchedV1 { on: false }),
    ];
    let told: [&[&str]; 7] = [&[], &[], &[], &["new.jwt", "state.instance"], &[], &[], &[]];
    table(&events, &state(linked(), PermissionV1::Open, 1), told);
    table(&events, &state(logged_out(), PermissionV1::Silent, 2), [&[]; 7]);
    table(&events, &state(pairing(1, 1), PermissionV1::QrOnly, 2), [&[]; 7]);
}

#[test]
fn a_deletion_is_the_final_group() {
    let deleted = state(PhaseV1::Deleted { at: at(0) }, PermissionV1::Silent, 2);
    let [out, suspended] = logout();
    let gone = Event::InstanceDeleted(InstanceDeletedV1 { session: 2 });
    table(
        &[out, suspended, gone.clone()],
        &deleted,
        [
            &["instance.deleted"],
            &[
                "status.instance",
                "logout.instance",
                "connection.update",
                "instance.delete",
                "remove.instance",
            ],
            &[],
            &["connection.update", "state.instance"],
            &[],
            &[],
            &[],
        ],
    );
    assert_eq!(words("evolution", &[gone], deleted), ["instance.delete", "remove.instance"]);
}

#[test]
fn after_logout_all_hears_of_attempts_too() {
    let ended =
        Event::ConnectEnded(ConnectEndedV1 { attempt: 1, reason: EndReasonV1::CodesExhausted, code: 0 });
    let mut silent = state(logged_out(), PermissionV1::Silent, 2);
    let step =
        |state: &InstanceStateV1| Step::of(&commit(5, std::slice::from_ref(&ended), state)).unwrap().unwrap();
    assert!(step(&silent).notices().is_empty());
    for webhook in &mut silent.webhooks {
        webhook.after_logout_all = true;
        "evolution".clone_into(&mut webhook.format);
    }
    let said: Vec<_> = step(&silent).notices().iter().map(|notice| notice.word.event).collect();
    assert_eq!(said, ["qrcode.updated", "connection.update"]);
}

#[test]
fn a_filter_leaves_the_names_of_the_others_as_they_are() {
    let mut silent = state(logged_out(), PermissionV1::Silent, 2);
    silent.webhooks = vec![webhook("evolution")];
    let all = Step::of(&commit(5, &logout(), &silent)).unwrap().unwrap();
    for hook in &mut silent.webhooks {
        hook.events = vec!["CONNECTION_UPDATE".to_owned()];
    }
    let filtered = Step::of(&commit(5, &logout(), &silent)).unwrap().unwrap();
    let [.., last] = all.notices().try_into().map(|three: [Notice; 3]| three).unwrap();
    assert_eq!(filtered.notices(), std::slice::from_ref(&last));
    assert_eq!(filtered.notice(&last.key), Some(last));
    for hook in &mut silent.webhooks {
        hook.events = vec!["none".to_owned()];
    }
    assert!(Step::of(&commit(5, &logout(), &silent)).unwrap().unwrap().notices().is_empty());
}

#[test]
fn two_logouts_have_two_names_and_one_has_one() {
    let silent = state(logged_out(), PermissionV1::Silent, 2);
    let keys = |version| {
        let step = Step::of(&commit(version, &logout(), &silent)).unwrap().unwrap();
        step.notices().into_iter().map(|notice| notice.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(5), keys(5));
    assert_ne!(keys(5), keys(9));
}

#[test]
fn the_vocabularies_of_the_filters() {
    assert_eq!(
        formats::event_names("codechat"),
        ["connectionUpdate", "qrcodeUpdate", "newJwt", "stateInstance"]
    );
    assert_eq!(formats::event_names("mega"), ["qrcode_update", "connection_update"]);
    assert_eq!(formats::event_names("ryze"), ["instance.state"]);
    assert_eq!(formats::event_names("green"), ["stateInstanceChanged", "statusInstanceChanged"]);
    assert_eq!(formats::event_names("evolution-go"), ["QRCODE", "CONNECTION"]);
    assert_eq!(formats::event_names("native").len(), 15);
    assert_eq!(formats::event_names("evolution").len(), 7);
    assert!(formats::event_names("unknown").is_empty());
}
