//! What the operator's log says of attempts that no endpoint took: which, why, and when the next one comes.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{attempt::Outcome, lane::Pending};
use crate::{schedule::Answer, transport::SendError};

/// Lines in one window at most: hundreds of endpoints may fail in a second, and everything else is to be found beside them.
const LINES_MAX: u32 = 10;
/// How long a window is.
const WINDOW: Duration = Duration::from_secs(10);

/// Bounds what is said of failures. What was left out is counted in the line after it.
#[derive(Debug, Default)]
pub(crate) struct Failing(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    lines: u32,
    left_out: u64,
}

// === impl Failing ===

impl Failing {
    /// Says that an endpoint did not take a notice: there was no answer, or none that means so.
    pub(super) fn tell(&self, pending: &Pending, answer: &Result<Answer, SendError>, outcome: Outcome) {
        let Some(left_out) = self.admit(Instant::now()) else { return };
        let cause = match answer {
            Ok(answer) => format!("it answered {}", answer.status),
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            instance = %pending.key.instance, version = pending.key.version, endpoint = %pending.key.endpoint,
            event = %pending.owed.event, attempt = pending.attempts.saturating_add(1), cause, left_out,
            "a webhook notice was not taken; {}", next(outcome)
        );
    }

    /// Whether there is room for a line, and if so how many were left out before it.
    fn admit(&self, now: Instant) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.is_none_or(|began| now.duration_since(began) >= WINDOW) {
            (window.began, window.lines) = (Some(now), 0);
        }
        if window.lines >= LINES_MAX {
            window.left_out += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

/// What becomes of the notice.
fn next(outcome: Outcome) -> String {
    match outcome {
        Outcome::Wait(due) | Outcome::Hold(due) => format!("the next try is at {}", due.to_rfc3339()),
        Outcome::Settle(_) => "there is no next try".to_owned(),
        Outcome::Found(..) => "it is tried again at once".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_lines_are_written_and_the_rest_is_counted_in_the_next_one() {
        let (failing, began) = (Failing::default(), Instant::now());
        let said = (0..25).filter_map(|_| failing.admit(began)).collect::<Vec<_>>();
        assert_eq!(said, vec![0; LINES_MAX as usize]);
        assert_eq!(failing.admit(began + WINDOW), Some(15));
        assert_eq!(failing.admit(began + WINDOW), Some(0));
    }
}
