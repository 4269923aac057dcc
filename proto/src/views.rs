//! What is asked of the views of a deployment, and how they stand, as every process that has some tells whoever asks on
//! [`crate::subject::VIEWS_ASKED`]: JSON, for this moment.

use serde::{Deserialize, Serialize};

use crate::{ids::CommandId, time::Timestamp};

/// Every view, and the role whose processes have it.
pub const VIEWS: [(&str, &str); 4] = [
    ("records", "projections"),
    ("agenda", "session-aggregate"),
    ("outbox", "webhooks"),
    ("wanted-links", "connector"),
];

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id, under which it is answered.
    pub id: CommandId,
    /// The view that is to be built anew, if one is.
    pub rebuild: Option<String>,
    /// Whether its new rows may lack what the log cannot give any more and the present ones still have. A process of a release
    /// before this word refuses as ever.
    #[serde(default)]
    pub accept_damage: bool,
}

/// How a view of a process stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// Its name.
    pub view: String,
    /// The process.
    pub member: String,
    /// What that runs.
    pub role: String,
    /// `live`, `rebuilding` or `halted`.
    pub state: String,
    /// What became of the wish to have it built anew, if that was asked: `begun`, `running` or `refused`.
    pub asked: Option<String>,
    /// Why it is halted, or the wish was refused.
    pub reason: Option<String>,
    /// How the last rebuild since the process started fares or ended.
    pub rebuild: Option<Rebuild>,
}

/// How rows fare that are built beside those that are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuild {
    /// When the process began it, or went on with it.
    pub begun_at: Timestamp,
    /// When it said this, by its clock.
    pub told_at: Timestamp,
    /// Commits of the log that had been looked at when it began.
    pub folded_before: u64,
    /// Commits that are looked at.
    pub folded: u64,
    /// Commits in the log.
    pub of: u64,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why the former rows are still read, if it failed.
    pub failure: Option<String>,
}

impl Rebuild {
    /// Commits in a second, on the average.
    pub fn per_second(&self) -> u64 {
        let micros = self.ended_at.unwrap_or(self.told_at).0 - self.begun_at.0;
        let micros = u64::try_from(micros).unwrap_or_default().max(1);
        self.folded.saturating_sub(self.folded_before).saturating_mul(1_000_000) / micros
    }

    /// Seconds that it takes still, if it goes on like this; none while that cannot be told.
    pub fn seconds_left(&self) -> Option<u64> {
        if self.ended_at.is_some() {
            return Some(0);
        }
        let left = self.of.saturating_sub(self.folded);
        left.checked_div(self.per_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_without_the_newer_word_accepts_no_damage() {
        let asked = r#"{"id":"06gvptn6stt118p4mhs3rj6adk","rebuild":"records"}"#;
        let question: Question = serde_json::from_str(asked).unwrap();
        assert!(!question.accept_damage);
    }

    #[test]
    fn the_pace_counts_what_this_process_folded_and_tells_when_it_will_be_done() {
        let mut rebuild = Rebuild {
            begun_at: Timestamp(1_000_000),
            told_at: Timestamp(3_000_000),
            folded_before: 100,
            folded: 300,
            of: 1_000,
            ended_at: None,
            failure: None,
        };
        assert_eq!((rebuild.per_second(), rebuild.seconds_left()), (100, Some(7)));
        rebuild.folded = 100;
        assert_eq!((rebuild.per_second(), rebuild.seconds_left()), (0, None), "nobody can tell yet");
        (rebuild.folded, rebuild.ended_at) = (1_000, Some(Timestamp(4_000_000)));
        assert_eq!((rebuild.per_second(), rebuild.seconds_left()), (300, Some(0)));
    }
}
