//! Endpoints, settings and the token.

use berth_proto::{
    command::{
        AbandonCreateV1, ChangeSettingsV1, ConfigureWebhookV1, CreateInstanceV1, DisableWebhookV1,
        RemoveWebhookV1, ReplaceWebhookV1, RotateTokenV1, RotateWebhookSecretV1, SwitchV1,
    },
    event::NewTokenV1,
    frame::RejectionCodeV1,
    instance::WebhookV1,
};

use crate::life::{ACCOUNT, Life, block, configure, create, endpoint, entry, sealed, webhook};

fn labelled(number: u8, label: &str) -> WebhookV1 {
    WebhookV1 { label: label.to_owned(), ..webhook(number) }
}

#[test]
fn an_endpoint_is_configured_replaced_and_removed() {
    let mut life = Life::created();
    assert_eq!(life.applied(configure(webhook(1))), ["WebhookConfigured"]);
    let created_at = life.state().webhooks[0].created_at;
    life.unchanged(configure(webhook(1)));
    let changed = WebhookV1 { enabled: false, ..webhook(1) };
    let decision = life.send(configure(changed)).unwrap();
    assert_eq!(decision.outcome.endpoint, Some(endpoint(1)));
    let stored = &life.state().webhooks[0];
    assert_eq!((stored.enabled, stored.created_at), (false, created_at));
    assert!(stored.updated_at > created_at);
    assert_eq!(life.applied(RemoveWebhookV1 { id: endpoint(1) }), ["WebhookRemoved"]);
    assert_eq!(life.refused(RemoveWebhookV1 { id: endpoint(1) }), RejectionCodeV1::UnknownWebhook);
}

#[test]
fn an_endpoint_is_disabled_only_as_it_was_when_it_asked_for_that() {
    let mut life = Life::created();
    life.applied(configure(webhook(1)));
    let seen = life.state().webhooks[0].clone();
    let disable = |seen: &WebhookV1| DisableWebhookV1 { seen: seen.clone() };
    life.applied(configure(WebhookV1 { url: sealed("https://example.com/new"), ..webhook(1) }));
    let changed = life.state().webhooks[0].clone();
    assert_eq!(life.refused(disable(&seen)), RejectionCodeV1::Changed);
    assert_eq!(life.state().webhooks[0], changed);
    assert_eq!(life.applied(disable(&changed)), ["WebhookConfigured"]);
    let disabled = life.state().webhooks[0].clone();
    assert!(disabled.updated_at > changed.updated_at);
    let expected = WebhookV1 { enabled: false, updated_at: disabled.updated_at, ..changed };
    assert_eq!(disabled, expected);
    life.unchanged(disable(&disabled));
    life.applied(RemoveWebhookV1 { id: endpoint(1) });
    assert_eq!(life.refused(disable(&disabled)), RejectionCodeV1::UnknownWebhook);
}

#[test]
fn a_change_is_made_only_from_what_the_endpoint_is() {
    let mut life = Life::created();
    life.applied(configure(webhook(1)));
    let seen = life.state().webhooks[0].clone();
    let moved = WebhookV1 { url: sealed("https://example.com/new"), ..seen.clone() };
    let quiet = WebhookV1 { enabled: false, ..seen.clone() };
    let replace =
        |seen: &WebhookV1, webhook: WebhookV1| ReplaceWebhookV1 { seen: Box::new(seen.clone()), webhook };
    assert_eq!(life.applied(replace(&seen, moved.clone())), ["WebhookConfigured"]);
    // It was made from what it is no more, and would undo the other change.
    assert_eq!(life.refused(replace(&seen, quiet)), RejectionCodeV1::Changed);
    let now = life.state().webhooks[0].clone();
    assert_eq!(now.url, moved.url);
    assert_eq!(
        life.applied(replace(&now, WebhookV1 { enabled: false, ..now.clone() })),
        ["WebhookConfigured"]
    );
    let both = &life.state().webhooks[0];
    assert_eq!((both.enabled, &both.url), (false, &moved.url));
    assert_eq!(life.refused(replace(both, webhook(2))), RejectionCodeV1::Changed);
    assert_eq!(life.refused(replace(&webhook(3), webhook(3))), RejectionCodeV1::UnknownWebhook);
}

#[test]
fn an_upsert_keeps_the_id_and_the_secret() {
    let mut life = Life::created();
    life.applied(configure(labelled(1, "main")));
    assert_eq!(life.refused(configure(labelled(2, "main"))), RejectionCodeV1::Exists);
    let upsert = |webhook| ConfigureWebhookV1 { webhook, upsert: true, enabled_max: 0 };
    life.unchanged(upsert(labelled(2, "main")));
    let moved = WebhookV1 { url: sealed("https://example.com/other"), ..labelled(2, "main") };
    life.applied(upsert(moved));
    let stored = &life.state().webhooks;
    assert_eq!((stored.len(), stored[0].id), (1, endpoint(1)));
    assert_eq!(stored[0].secret, webhook(1).secret);
    life.applied(upsert(labelled(3, "side")));
    assert_eq!(life.state().webhooks.len(), 2);
}

#[test]
fn a_replaced_endpoint_keeps_its_secrets() {
    let mut life = Life::created();
    life.applied(configure(webhook(1)));
    let other_secret = || WebhookV1 { secret: webhook(9).secret, ..webhook(1) };
    life.unchanged(configure(other_secret()));
    life.applied(configure(WebhookV1 { url: sealed("https://example.com/other"), ..other_secret() }));
    assert_eq!(life.state().webhooks[0].secret, webhook(1).secret);
}

#[test]
fn endpoints_of_the_account_and_the_instances_own_do_not_take_each_others_places() {
    let of_account = |number: u8| WebhookV1 { format: format!("f{number}.business"), ..webhook(number) };
    let mut life = Life::created();
    for number in 1..=20 {
        life.applied(configure(webhook(number)));
    }
    for number in 31..=34 {
        life.applied(configure(of_account(number)));
    }
    assert_eq!(life.refused(configure(of_account(35))), RejectionCodeV1::TooManyWebhooks);
    assert_eq!(life.refused(configure(webhook(21))), RejectionCodeV1::TooManyWebhooks);

    let mut life = Life::created();
    let large = |webhook| WebhookV1 { headers: Some(sealed(&"x".repeat(6_000))), ..webhook };
    for number in 1..=2 {
        life.applied(configure(large(webhook(number))));
        life.applied(configure(large(of_account(number + 30))));
    }
    assert_eq!(life.refused(configure(large(webhook(3)))), RejectionCodeV1::WebhooksTooLarge);
    assert_eq!(life.refused(configure(large(of_account(33)))), RejectionCodeV1::WebhooksTooLarge);
}

#[test]
fn endpoints_are_bounded_in_number_and_size() {
    let mut life = Life::created();
    for number in 1..=20 {
        life.applied(configure(webhook(number)));
    }
    assert_eq!(life.refused(configure(webhook(21))), RejectionCodeV1::TooManyWebhooks);

    let mut life = Life::created();
    let large = |number| WebhookV1 { headers: Some(sealed(&"x".repeat(6_000))), ..webhook(number) };
    life.applied(configure(large(1)));
    life.applied(configure(large(2)));
    assert_eq!(life.refused(configure(large(3))), RejectionCodeV1::WebhooksTooLarge);

    let mut life = Life::created();
    let one = |webhook| ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 1 };
    life.applied(one(webhook(1)));
    assert_eq!(life.refused(one(webhook(2))), RejectionCodeV1::TooManyWebhooks);
    life.applied(one(WebhookV1 { enabled: false, ..webhook(2) }));
    life.applied(one(WebhookV1 { events: vec!["qr".to_owned()], ..webhook(1) }));
}

#[test]
fn an_instance_is_created_with_endpoints_under_the_same_rules() {
    let with = |webhooks| CreateInstanceV1 { webhooks, ..create() };
    let mut life = Life::unborn();
    let names = life.applied(with(vec![webhook(1), webhook(2)]));
    assert_eq!(names, ["InstanceCreated", "WebhookConfigured", "WebhookConfigured"]);
    assert_eq!(life.state().webhooks[1].created_at, life.state().created_at);
    let many = (1..=21).map(webhook).collect();
    assert_eq!(Life::unborn().refused(with(many)), RejectionCodeV1::TooManyWebhooks);
    let blocks = (0..9).map(|number| block(&number.to_string(), "{}")).collect();
    let settings = CreateInstanceV1 { settings: blocks, ..create() };
    assert_eq!(Life::unborn().refused(settings), RejectionCodeV1::StateTooLarge);
}

#[test]
fn a_rotated_secret_signs_beside_the_new_one_for_a_while() {
    let mut life = Life::created();
    life.applied(configure(webhook(1)));
    for number in 10..15 {
        let rotate = RotateWebhookSecretV1 {
            id: endpoint(1),
            secret: webhook(number).secret,
            keep_until: life.now.plus_seconds(30 * 24 * 3600),
            old_secrets: vec![],
        };
        assert_eq!(life.applied(rotate.clone()), ["WebhookSecretRotated"]);
        life.unchanged(rotate);
    }
    let stored = life.state().webhooks[0].clone();
    assert_eq!(stored.secret, webhook(14).secret);
    let old: Vec<_> = stored.old_secrets.iter().map(|old| old.secret.clone()).collect();
    assert_eq!(old, [11, 12, 13].map(|number| webhook(number).secret));
    assert!(stored.old_secrets.iter().all(|old| old.until < life.now.plus_seconds(7 * 24 * 3600)));

    let now = life.now;
    let drop_old = |number| RotateWebhookSecretV1 {
        id: endpoint(number),
        secret: webhook(20).secret,
        keep_until: now,
        old_secrets: vec![],
    };
    life.applied(drop_old(1));
    assert_eq!(life.state().webhooks[0].old_secrets, stored.old_secrets, "the present one ends at once");
    assert_eq!(life.refused(drop_old(2)), RejectionCodeV1::UnknownWebhook);
}

#[test]
fn a_new_token_ends_the_old_one_and_the_jwts() {
    let mut life = Life::created();
    let new = NewTokenV1 { token: sealed("other"), entry: entry(9) };
    let rotate = RotateTokenV1 { token: Some(new) };
    assert_eq!(life.applied(rotate.clone()), ["TokenRotated"]);
    life.unchanged(rotate);
    let state = life.state();
    assert_eq!((state.credential_version, state.jwt_version), (2, 2));
    assert_eq!((&state.token, state.entries.token), (&sealed("other"), entry(9)));
    life.applied(RotateTokenV1 { token: None });
    let state = life.state();
    assert_eq!((state.credential_version, state.jwt_version), (2, 3));
}

#[test]
fn settings_are_one_block_for_each_vocabulary() {
    let change = |owner: &str, body: &str, expected: Option<&str>| ChangeSettingsV1 {
        block: block(owner, body),
        expected: expected.map(sealed),
    };
    let mut life = Life::created();
    assert_eq!(life.refused(change("ryze", "a", Some("x"))), RejectionCodeV1::Changed);
    life.applied(change("ryze", "a", None));
    life.unchanged(change("ryze", "a", None));
    life.applied(change("ryze", "b", Some("a")));
    assert_eq!(life.refused(change("ryze", "c", Some("a"))), RejectionCodeV1::Changed);
    for owner in 1..8 {
        life.applied(change(&owner.to_string(), "a", None));
    }
    assert_eq!(life.refused(change("ninth", "a", None)), RejectionCodeV1::StateTooLarge);
    assert_eq!(life.state().settings.len(), 8);
}

#[test]
fn a_switch_is_a_change_of_settings_that_says_what_it_comes_to() {
    let switch = |body: &str, on| SwitchV1 {
        change: ChangeSettingsV1 { block: block("codechat", body), expected: None },
        on,
    };
    let mut life = Life::created();
    assert_eq!(life.applied(switch("off", false)), ["SettingsChanged", "Switched"]);
    assert_eq!(life.state().settings, [block("codechat", "off")]);
    life.unchanged(switch("off", false));
    let mut stale = switch("on", true);
    stale.change.expected = Some(sealed("x"));
    assert_eq!(life.refused(stale), RejectionCodeV1::Changed);
}

#[test]
fn a_create_that_was_given_up_cannot_come_late() {
    let abandon = AbandonCreateV1 { account: ACCOUNT, entry: entry(1) };
    let mut life = Life::unborn();
    assert_eq!(life.applied(abandon.clone()), ["Abandoned"]);
    assert_eq!(life.refused(create()), RejectionCodeV1::Deleted);
    assert_eq!(Life::created().refused(abandon), RejectionCodeV1::Exists);
}
