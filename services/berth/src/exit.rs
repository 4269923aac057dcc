//! How the process ends, so that whoever supervises it knows what to do: a subset of `sysexits.h`.

use std::process::ExitCode;

use berth_runtime::Ending;

/// A setting or a flag cannot be used; starting again does not help.
pub(crate) const USAGE: u8 = 64;
/// Something that the process needs is not there now; starting again may help.
pub(crate) const UNAVAILABLE: u8 = 69;
/// The process crashed.
pub(crate) const CRASHED: u8 = 70;
/// Asked to stop, but something had to be aborted.
pub(crate) const ABORTED: u8 = 75;

/// The exit code of a process that ran.
pub(crate) fn of(ending: Ending) -> ExitCode {
    match ending {
        Ending::Drained => ExitCode::SUCCESS,
        Ending::Aborted => ABORTED.into(),
        Ending::Crashed => CRASHED.into(),
    }
}
