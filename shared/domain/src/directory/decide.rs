//! Decisions: who gets a key, and who gives it back.

use berth_proto::directory::{FormerV1, HoldV1, ReleasedV1, ReservedV1};

use super::{Event, Holder, State};

/// Somebody else holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who.
    pub by: Box<HoldV1>,
}

/// Reserves a free key. A key that the same command or the same holder has already stays as it is, so that a
/// repeated step is no step. A holder whose account or credential version changed gets the new one, and so does
/// one that begins something new, which the blueprint tells: whoever gave that up before does not free it now.
pub fn reserve(state: &State, wanted: &HoldV1) -> Result<Option<Event>, Refused> {
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
pub fn settle(state: &State, holder: Holder) -> Option<Event> {
    let hold = state.hold.as_ref().filter(|hold| holder.holds(hold))?;
    Some(ReservedV1 { hold: HoldV1 { blueprint: None, ..hold.clone() } }.into())
}

/// Says that the instance which holds a key belongs to another account by now; all else of the hold stays.
pub fn rehold(state: &State, holder: Holder) -> Option<Event> {
    let hold = state.hold.as_ref().filter(|hold| holder.holds(hold) && hold.account != holder.account)?;
    Some(ReservedV1 { hold: HoldV1 { account: holder.account, ..hold.clone() } }.into())
}

/// Frees a key if that holder has it.
pub fn release(state: &State, holder: Holder, former: &FormerV1) -> Option<Event> {
    state.hold.as_ref().filter(|hold| holder.holds(hold))?;
    Some(ReleasedV1 { former: former.clone() }.into())
}
