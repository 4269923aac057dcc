//! The rules of one directory entry; pure.

use berth_proto::{
    AccountId, InstanceId,
    directory::{DirectoryEvent, DirectoryStateV1, FORMER_MAX, FormerV1, HoldV1, ReleasedV1, ReservedV1},
};

/// Who may release or change an entry: an instance whatever its account, since its entries go with it when it
/// moves to another one; or an account itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The account.
    pub(crate) account: AccountId,
    /// The instance; none for an account's own token or name.
    pub(crate) instance: Option<InstanceId>,
}

impl Holder {
    /// Whether this is who holds it.
    pub(crate) fn holds(self, hold: &HoldV1) -> bool {
        hold.instance == self.instance && (self.instance.is_some() || hold.account == self.account)
    }
}

/// Somebody else holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Who.
    pub(crate) by: Box<HoldV1>,
}

/// Reserves a free key. A key that the same command or the same holder has already stays as it is, so that a
/// repeated step is no step. A holder whose account or credential version changed gets the new one, and so does
/// one that begins something new, which the blueprint tells: whoever gave that up before does not free it now.
pub(crate) fn reserve(state: &DirectoryStateV1, wanted: &HoldV1) -> Result<Option<DirectoryEvent>, Refused> {
    let reserved = || Some(ReservedV1 { hold: wanted.clone() }.into());
    let Some(hold) = &state.hold else {
        return Ok(reserved());
    };
    let same_holder = Holder { account: wanted.account, instance: wanted.instance }.holds(hold);
    let same_command = hold.command_id == wanted.command_id;
    let reused = same_command && hold.digest != wanted.digest;
    if hold.purpose != wanted.purpose || reused || !(same_command || same_holder) {
        return Err(Refused { by: Box::new(hold.clone()) });
    }
    let changed = hold.credential_version != wanted.credential_version || hold.account != wanted.account;
    let renewed = same_holder && (changed || (wanted.blueprint.is_some() && !same_command));
    Ok(if renewed { reserved() } else { None })
}

/// Says that what the hold was made for is done: its blueprint is not needed any more.
pub(crate) fn settle(state: &DirectoryStateV1, holder: Holder) -> Option<DirectoryEvent> {
    let hold = state.hold.as_ref().filter(|hold| holder.holds(hold))?;
    Some(ReservedV1 { hold: HoldV1 { blueprint: None, ..hold.clone() } }.into())
}

/// Says that the instance which holds a key belongs to another account by now; all else of the hold stays.
pub(crate) fn rehold(state: &DirectoryStateV1, holder: Holder) -> Option<DirectoryEvent> {
    let hold = state.hold.as_ref().filter(|hold| holder.holds(hold) && hold.account != holder.account)?;
    Some(ReservedV1 { hold: HoldV1 { account: holder.account, ..hold.clone() } }.into())
}

/// Frees a key if that holder has it.
pub(crate) fn release(state: &DirectoryStateV1, holder: Holder, former: &FormerV1) -> Option<DirectoryEvent> {
    state.hold.as_ref().filter(|hold| holder.holds(hold))?;
    Some(ReleasedV1 { former: former.clone() }.into())
}

/// Folds an event.
pub(crate) fn evolve(mut state: DirectoryStateV1, event: &DirectoryEvent) -> DirectoryStateV1 {
    match event {
        DirectoryEvent::Reserved(reserved) => state.hold = Some(reserved.hold.clone()),
        DirectoryEvent::Released(released) => {
            state.hold = None;
            state.former.push(released.former.clone());
            let surplus = state.former.len().saturating_sub(FORMER_MAX);
            state.former.drain(..surplus);
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use berth_proto::{CommandId, Hash, Timestamp, directory::PurposeV1};
    use proptest::prelude::*;

    use super::*;

    const FREE: DirectoryStateV1 = DirectoryStateV1 { hold: None, former: Vec::new() };

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
        assert_eq!(
            reserve(&state, &hold(2, 1)),
            Ok(None),
            "a retry that made another id meets the first hold"
        );
    }
}
