//! Panics become log lines.

use std::panic;

/// Logs every panic with its place. A message is logged only if it stands in the source as it is: one that
/// was formatted may quote a value that nobody may see.
pub(super) fn install() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let message =
            info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(formatted, not shown)");
        let thread = std::thread::current();
        tracing::error!(place, message, thread = thread.name().unwrap_or("-"), "a task panicked");
    }));
}
