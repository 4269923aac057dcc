//! What the servers did not permit this process. Nothing else tells of it: what is denied gets no answer, and looks like a
//! server that is slow.

use std::sync::{Mutex, PoisonError};

use async_nats::ServerError;
use tokio::time::{Duration, Instant};

/// What was denied last on any connection of this process but that for strangers.
static LAST: Mutex<Option<(Instant, String)>> = Mutex::new(None);

/// How a server begins to say that it did not permit something.
const VIOLATION: &str = "permissions violation for ";
/// How long it is told after it happened last.
const TOLD: Duration = Duration::from_mins(1);

/// Remembers what a server says, if it is that something is not permitted.
pub(super) fn note(error: &ServerError) {
    if let ServerError::Other(said) = error
        && let Some(what) = denied(said)
    {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), what.to_owned()));
    }
}

/// What was denied last since then, such as `Publish to "berth.v1.keys.…"`; none if nothing was.
pub fn denied_since(then: Instant) -> Option<String> {
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    last.as_ref().filter(|(at, _)| *at >= then).map(|(_, what)| what.clone())
}

/// What was denied within the last minute.
pub(super) fn denied_lately() -> Option<String> {
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    last.as_ref().filter(|(at, _)| at.elapsed() < TOLD).map(|(_, what)| what.clone())
}

fn denied(said: &str) -> Option<&str> {
    let begin = said.get(..VIOLATION.len())?;
    begin.eq_ignore_ascii_case(VIOLATION).then(|| said.get(VIOLATION.len()..)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_permitted_is_denied() {
        assert_eq!(
            denied("Permissions Violation for Publish to \"berth.v1.keys.x\""),
            Some("Publish to \"berth.v1.keys.x\"")
        );
        assert_eq!(denied("Slow Consumer"), None);
        assert_eq!(denied(""), None);
        let before = Instant::now();
        note(&ServerError::Other("maximum connections exceeded".to_owned()));
        assert_eq!(denied_since(before), None);
        note(&ServerError::Other("Permissions Violation for Subscription to \"other\"".to_owned()));
        assert_eq!(denied_since(before).as_deref(), Some("Subscription to \"other\""));
        assert_eq!(denied_lately(), denied_since(before));
    }
}
