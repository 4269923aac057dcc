//! What a principal may ask of an instance, as it stands.

use berth_domain::instance::State;
use berth_proto::{InstanceId, command::Command, commit::PrincipalV1, frame::RejectionCodeV1};

/// Type ids of commands from here on are our services' own.
const FIRST_SERVICE_COMMAND: u16 = 2_100;

/// Whether whoever got this rejection may see the state.
pub(super) fn may_see(code: RejectionCodeV1) -> bool {
    !matches!(code, RejectionCodeV1::NotFound | RejectionCodeV1::StaleCredential | RejectionCodeV1::KeyReused)
}

/// Another account's instance does not exist, and neither do our services' commands for a client. Only the operator
/// moves an instance.
pub(super) fn of_the_account(
    principal: PrincipalV1,
    instance: InstanceId,
    command: &Command,
    state: Option<&State>,
) -> Result<(), RejectionCodeV1> {
    let internal = is_internal(command);
    let allowed = match principal {
        PrincipalV1::Service => true,
        PrincipalV1::Root => !internal,
        _ if matches!(command, Command::Move(_)) => false,
        PrincipalV1::Account { account } => !internal && state.is_none_or(|state| state.account == account),
        // Its token goes with it to another account, where the entry of the token says so a moment later.
        PrincipalV1::Instance { instance: own, .. } => !internal && own == instance && state.is_some(),
    };
    if allowed { Ok(()) } else { Err(RejectionCodeV1::NotFound) }
}

/// A token that was rotated ends at once, whatever a gateway remembers of it.
pub(super) fn present_credential(
    principal: PrincipalV1,
    state: Option<&State>,
) -> Result<(), RejectionCodeV1> {
    let PrincipalV1::Instance { credential_version, .. } = principal else {
        return Ok(());
    };
    let present = state.is_some_and(|state| state.credential_version == credential_version);
    if present { Ok(()) } else { Err(RejectionCodeV1::StaleCredential) }
}

pub(super) const fn is_internal(command: &Command) -> bool {
    command.type_id() >= FIRST_SERVICE_COMMAND
}
