//! How many files the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More file descriptors than this are not asked for: more connections than that are not served by one process.
const FILES_MAX: u64 = 1 << 20;

/// Raises the limit of open files as far as the system lets this process, and tells what it is then. The usual soft
/// limit is 1024, for the sake of programs that cannot do with more.
pub fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let now = limit.current.unwrap_or(u64::MAX);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(FILES_MAX);
    if wanted <= now {
        return now;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, files = now, "the limit of open files cannot be raised");
            now
        }
    }
}
