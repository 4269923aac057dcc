//! The keys of devices that an instance gives up.

use berth_bus::DeviceKeys;
use berth_domain::instance::State;
use berth_proto::{InstanceId, event::Event, instance::PhaseV1};

use crate::trouble::Trouble;

/// Deletes the keys of devices that are gone for good, before the commit that says so: once it is there, the
/// keys are not. If the commit then fails, nothing is lost, since these keys link nothing any more.
pub(super) async fn forget_devices(
    instance: InstanceId,
    state: Option<&State>,
    events: &[Event],
    device_keys: &dyn DeviceKeys,
) -> Result<(), Trouble> {
    let link = state.and_then(|state| match &state.phase {
        PhaseV1::Linked(link) => Some(link.attempt),
        PhaseV1::Paused(pause) => Some(pause.link.attempt),
        _ => None,
    });
    for event in events {
        let attempt = match event {
            Event::DeviceUnlinked(unlinked) => Some(unlinked.attempt),
            Event::UnlinkAbandoned(abandoned) => Some(abandoned.attempt),
            Event::LoggedOut(out) if out.unlink.is_none() => link,
            _ => None,
        };
        if let Some(attempt) = attempt {
            device_keys.delete(instance, attempt).await?;
        }
    }
    Ok(())
}
