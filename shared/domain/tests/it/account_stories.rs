//! An account, whatever it is asked: the same command again changes nothing, and no history leaves the table.

use berth_domain::account::{State, claims, decide, evolve, given_up, settle};
use berth_proto::{
    AccountId, DirectoryId, EndpointId, Sealed, Timestamp,
    account::AccountEvent,
    frame::{RejectionCodeV1, TargetV1},
    instance::WebhookV1,
};
use proptest::prelude::*;

const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);

/// A history as it grows: the state that the commits carry, and every event with its version.
#[derive(Debug, Default)]
struct Life {
    state: Option<State>,
    events: Vec<(AccountEvent, u64)>,
    version: u64,
}

impl Life {
    fn now(&self) -> Timestamp {
        Timestamp(1_000 + i64::try_from(self.version).unwrap())
    }

    fn append(&mut self, events: Vec<AccountEvent>) {
        self.version += 1;
        for event in events {
            let state = evolve(self.state.take(), &event, self.version, self.now());
            self.state = Some(state.expect("a decision gives no event that cannot follow the state"));
            self.events.push((event, self.version));
        }
    }

    fn ask(&mut self, command: &TargetV1) -> Result<usize, RejectionCodeV1> {
        let events = decide(self.state.as_ref(), command, self.now())?;
        let count = events.len();
        if count > 0 {
            self.append(events);
        }
        Ok(count)
    }
}

fn entry(byte: u8) -> DirectoryId {
    DirectoryId::from_bytes([byte; 16])
}

fn webhook(kind: u8, url: u8) -> WebhookV1 {
    WebhookV1 {
        id: EndpointId::from_bytes([kind + url * 16; 16]),
        format: format!("format{kind}.business"),
        label: String::new(),
        enabled: true,
        url: Sealed(vec![url]),
        headers: None,
        authorization: None,
        secret: Sealed(vec![url]),
        old_secrets: Vec::new(),
        events: Vec::new(),
        after_logout_all: false,
        options: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn created() -> TargetV1 {
    TargetV1::CreateAccount {
        account: ACCOUNT,
        name: Sealed(vec![1]),
        name_entry: entry(1),
        token: Sealed(vec![2]),
        token_entry: entry(2),
    }
}

/// One of many commands, by two small numbers.
fn command(kind: u8, what: u8) -> TargetV1 {
    match kind {
        0 => created(),
        1 => TargetV1::RotateAccountToken {
            account: ACCOUNT,
            token: Sealed(vec![what]),
            token_entry: entry(what),
        },
        2 => TargetV1::ChangeAccount {
            account: ACCOUNT,
            name: (!what.is_multiple_of(3)).then(|| (Sealed(vec![what]), entry(100 + what))),
            attributes: what.is_multiple_of(2).then(|| Sealed(vec![what])),
        },
        3 | 4 => TargetV1::ConfigureAccountWebhook { account: ACCOUNT, webhook: webhook(what % 6, what / 6) },
        5 => TargetV1::RemoveAccountWebhook { account: ACCOUNT, webhook: webhook(what % 6, what / 6).id },
        6 => TargetV1::ChooseAccountUpstream {
            account: ACCOUNT,
            upstream: (!what.is_multiple_of(3)).then(|| format!("evo{what}")),
        },
        _ => TargetV1::CloseAccount { account: ACCOUNT },
    }
}

proptest! {
    #[test]
    fn whatever_is_asked_the_same_again_changes_nothing(
        steps in prop::collection::vec((0_u8..40, 0_u8..12), 0..60)
    ) {
        let mut life = Life::default();
        life.ask(&created()).unwrap();
        for (kind, what) in steps {
            let command = command(kind % 7 + u8::from(kind == 39) * 7, what);
            let before = life.state.clone().unwrap();
            if life.ask(&command).is_ok() {
                prop_assert!(!matches!(life.ask(&command), Ok(1..)), "{command:?} happens twice");
            }
            let state = life.state.clone().unwrap();
            prop_assert!(before.closed_at.is_none() || state == before, "nothing happens to a closed account");
            prop_assert!(state.credential_version >= before.credential_version);
            prop_assert_eq!(
                state.credential_version > before.credential_version,
                state.token_entry != before.token_entry
            );
            let mut formats: Vec<_> = state.webhooks.iter().map(|one| &one.format).collect();
            formats.sort_unstable();
            formats.dedup();
            prop_assert_eq!(formats.len(), state.webhooks.len(), "one endpoint for each format");
            prop_assert!(state.unsettled.is_none_or(|since| since <= life.version));
        }
        let mut folded = None;
        for (event, version) in &life.events {
            let at = Timestamp(1_000 + i64::try_from(*version).unwrap());
            folded = evolve(folded, event, *version, at);
        }
        prop_assert_eq!(folded, life.state, "the events fold to the carried state");
    }
}

#[test]
fn what_an_account_has_is_claimed_first_and_given_up_afterwards() {
    let mut life = Life::default();
    let events = decide(None, &created(), life.now()).unwrap();
    let claimed: Vec<_> =
        claims(&events).iter().map(|claim| (claim.entry, claim.credential_version)).collect();
    assert_eq!(claimed, [(entry(1), 0), (entry(2), 1)]);
    life.append(events);
    let before = life.state.clone().unwrap();
    let rotate = command(1, 7);
    let events = decide(life.state.as_ref(), &rotate, life.now()).unwrap();
    assert_eq!(claims(&events).iter().map(|claim| claim.credential_version).collect::<Vec<_>>(), [2]);
    life.append(events);
    assert_eq!(given_up(&before, life.state.as_ref().unwrap()), [entry(2)]);
}

#[test]
fn an_account_is_settled_only_as_it_was_seen() {
    let mut life = Life::default();
    life.ask(&created()).unwrap();
    assert_eq!(settle(life.state.as_ref().unwrap(), 1), None, "nobody has to follow a new account");
    life.ask(&command(3, 1)).unwrap();
    life.ask(&command(3, 2)).unwrap();
    assert_eq!(settle(life.state.as_ref().unwrap(), 2), None, "it has changed since");
    life.append(settle(life.state.as_ref().unwrap(), 3).into_iter().collect());
    assert_eq!(life.state.unwrap().unsettled, None);
}

/// One that stands with the account only.
fn account_wide(number: u8) -> WebhookV1 {
    WebhookV1 { id: EndpointId::from_bytes([number; 16]), format: "native".to_owned(), ..webhook(0, 1) }
}

fn add(webhook: WebhookV1) -> TargetV1 {
    TargetV1::ConfigureAccountWebhook { account: ACCOUNT, webhook }
}

#[test]
fn an_endpoint_that_stands_with_the_account_is_followed_by_no_instance() {
    let mut life = Life::default();
    life.ask(&created()).unwrap();
    assert_eq!(life.ask(&add(account_wide(1))), Ok(1));
    assert_eq!(life.ask(&add(account_wide(2))), Ok(1), "any number of them has one format");
    let seen = life.state.clone().unwrap().webhooks[0].clone();
    let changed = WebhookV1 { url: Sealed(vec![77]), secret: Sealed(vec![88]), ..seen.clone() };
    let replace = |seen: &WebhookV1, webhook: WebhookV1| TargetV1::ReplaceAccountWebhook {
        account: ACCOUNT,
        seen: Box::new(seen.clone()),
        webhook,
    };
    assert_eq!(life.ask(&replace(&seen, changed.clone())), Ok(1));
    let now = life.state.clone().unwrap().webhooks[0].clone();
    assert_eq!((&now.url, &now.secret), (&changed.url, &seen.secret), "its secret stays");
    assert_eq!(life.ask(&replace(&seen, changed)), Err(RejectionCodeV1::Changed), "decided on what is there");
    let other_format = WebhookV1 { format: "mega".to_owned(), ..now.clone() };
    assert_eq!(life.ask(&replace(&now, other_format)), Err(RejectionCodeV1::Changed));
    // An earlier try of the same command had added it, and it was changed since.
    assert_eq!(life.ask(&add(account_wide(1))), Ok(0));
    assert_eq!(life.state.clone().unwrap().webhooks[0], now);
    let remove = TargetV1::RemoveAccountWebhook { account: ACCOUNT, webhook: now.id };
    assert_eq!((life.ask(&remove), life.ask(&remove)), (Ok(1), Err(RejectionCodeV1::UnknownWebhook)));
    assert_eq!(life.state.clone().unwrap().unsettled, None);
    // One that is copied is followed, also when it goes.
    life.ask(&command(3, 1)).unwrap();
    let version = life.version;
    assert_eq!(life.state.clone().unwrap().unsettled, Some(version));
    life.append(settle(life.state.as_ref().unwrap(), version).into_iter().collect());
    life.ask(&command(5, 1)).unwrap();
    assert_eq!(life.state.unwrap().unsettled, Some(life.version));
}

#[test]
fn endpoints_of_an_account_are_bounded_by_their_kind() {
    let mut life = Life::default();
    life.ask(&created()).unwrap();
    for number in 0..20 {
        assert_eq!(life.ask(&add(account_wide(number))), Ok(1));
    }
    assert_eq!(life.ask(&add(account_wide(20))), Err(RejectionCodeV1::TooManyWebhooks));
    assert_eq!(life.ask(&command(3, 1)), Ok(1), "a copied one has a place of its own");
    let seen = life.state.clone().unwrap().webhooks[0].clone();
    let large = WebhookV1 { headers: Some(Sealed(vec![0; 17 * 1024])), ..seen.clone() };
    let replace = TargetV1::ReplaceAccountWebhook { account: ACCOUNT, seen: Box::new(seen), webhook: large };
    assert_eq!(life.ask(&replace), Err(RejectionCodeV1::WebhooksTooLarge));
}

#[test]
fn a_secret_is_changed_with_an_overlap_and_at_most_three_sign_beside_it() {
    let mut life = Life::default();
    life.ask(&created()).unwrap();
    life.ask(&add(account_wide(1))).unwrap();
    let rotate = |secret: u8, keep_until| TargetV1::RotateAccountWebhookSecret {
        account: ACCOUNT,
        webhook: account_wide(1).id,
        secret: Sealed(vec![secret]),
        keep_until,
    };
    let later = life.now().plus_seconds(60);
    for secret in 10..15 {
        assert_eq!((life.ask(&rotate(secret, later)), life.ask(&rotate(secret, later))), (Ok(1), Ok(0)));
    }
    let now = life.state.clone().unwrap().webhooks[0].clone();
    let former: Vec<_> = now.old_secrets.iter().map(|old| old.secret.0[0]).collect();
    assert_eq!((now.secret.0[0], former), (14, vec![11, 12, 13]));
    assert_eq!(
        life.ask(&rotate(20, Timestamp(0))),
        Ok(1),
        "without an overlap the former one ends at once, and no other"
    );
    let now = life.state.clone().unwrap().webhooks[0].clone();
    assert_eq!(now.old_secrets.iter().map(|old| old.secret.0[0]).collect::<Vec<_>>(), [11, 12, 13]);
    let unknown = TargetV1::RotateAccountWebhookSecret {
        account: ACCOUNT,
        webhook: account_wide(2).id,
        secret: Sealed(vec![1]),
        keep_until: later,
    };
    assert_eq!(life.ask(&unknown), Err(RejectionCodeV1::UnknownWebhook));
    // One of a dialect's format is no other in this.
    life.ask(&command(3, 1)).unwrap();
    let dialects = life.state.clone().unwrap().webhooks.into_iter().find(WebhookV1::is_of_account).unwrap();
    let of_dialect = TargetV1::RotateAccountWebhookSecret {
        account: ACCOUNT,
        webhook: dialects.id,
        secret: Sealed(vec![1]),
        keep_until: later,
    };
    assert_eq!(life.ask(&of_dialect), Ok(1));
}
