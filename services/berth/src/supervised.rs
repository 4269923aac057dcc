//! Tells systemd how the process stands, where it supervises the process (`Type=notify`).

use berth_runtime::Lifecycle;
use sd_notify::{NotifyState, notify};

/// Says that the process is ready, and that it stops when it does. Nothing happens where nobody listens.
pub(crate) fn ready(lifecycle: &Lifecycle) {
    tell(NotifyState::Ready);
    let stop = lifecycle.stop().clone();
    lifecycle.spawn(async move {
        stop.cancelled().await;
        tell(NotifyState::Stopping);
    });
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = notify(&[state]) {
        tracing::warn!(%error, "the supervisor cannot be told how the process stands");
    }
}
