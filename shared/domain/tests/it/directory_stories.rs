//! Who holds a key, whatever happens to it.

use berth_domain::directory::{FREE, Holder, Refused, evolve, release, reserve, settle};
use berth_proto::{
    AccountId, CommandId, Hash, InstanceId, Timestamp,
    directory::{FORMER_MAX, FormerV1, HoldV1, PurposeV1, ReservedV1},
};
use proptest::prelude::*;

fn id(byte: u8) -> InstanceId {
    InstanceId::from_bytes([byte; 16])
}

fn hold(instance: u8, command: u8) -> HoldV1 {
    HoldV1 {
        purpose: PurposeV1::Name,
        account: AccountId::from_bytes([1; 16]),
        instance: Some(id(instance)),
        credential_version: 0,
        command_id: CommandId::from_bytes([command; 16]),
        digest: Hash([command; 32]),
        at: Timestamp(1),
        blueprint: None,
    }
}

fn holder(instance: u8) -> Holder {
    Holder { account: AccountId::from_bytes([1; 16]), instance: Some(id(instance)) }
}

proptest! {
    /// Whatever happens to a key, it has one holder at most, and only the holder's release frees it.
    #[test]
    fn a_key_has_one_holder(steps in prop::collection::vec((0_u8..3, 0_u8..4), 0..40)) {
        let mut state = FREE;
        let mut owner: Option<u8> = None;
        for (kind, who) in steps {
            let event = match kind {
                0 => match reserve(&state, &hold(who, who)) {
                    Ok(event) => {
                        prop_assert!(owner.is_none_or(|owner| owner == who));
                        owner = Some(who);
                        event
                    }
                    Err(Refused { by }) => {
                        prop_assert_eq!(by.instance, owner.map(id));
                        None
                    }
                },
                1 => {
                    let former = FormerV1 { instance: Some(id(who)), command_ids: Vec::new() };
                    let event = release(&state, holder(who), &former);
                    prop_assert_eq!(event.is_some(), owner == Some(who));
                    owner = owner.filter(|owner| *owner != who);
                    event
                }
                _ => settle(&state, holder(who)),
            };
            if let Some(event) = event {
                state = evolve(state, &event);
            }
            prop_assert_eq!(state.hold.as_ref().and_then(|hold| hold.instance), owner.map(id));
            prop_assert!(state.former.len() <= FORMER_MAX);
        }
    }
}

#[test]
fn the_same_command_with_another_digest_is_refused() {
    let state = evolve(FREE, &ReservedV1 { hold: hold(1, 1) }.into());
    let other = HoldV1 { digest: Hash([9; 32]), ..hold(1, 1) };
    assert!(reserve(&state, &other).is_err());
    assert_eq!(reserve(&state, &hold(2, 1)), Ok(None), "a retry that made another id meets the first hold");
}
