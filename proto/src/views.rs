//! What is asked of the views of a deployment, and how they stand, as every process that has some tells whoever asks on
//! [`crate::subject::VIEWS_ASKED`]: JSON, for this moment.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

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
    /// What its new rows may lack although the present ones have it, if somebody accepted that. A process of a release before this
    /// word refuses as ever.
    #[serde(default)]
    pub accepted: Option<DamageNumber>,
}

/// What new rows of a view would lack and the present ones have, as a number: of other commits it is another one. So whoever accepts
/// it accepts nothing that is damaged later, and nothing of another view.
///
/// Written as `3-9c1f6a0b22d4e871`: how many commits, and 16 hexadecimal digits of a digest of where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DamageNumber {
    /// How many commits.
    pub commits: u64,
    /// A digest of the view and their places.
    pub digest: u64,
}

/// A text is no number of a damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is the number that a refused rebuild told, such as 3-9c1f6a0b22d4e871")]
pub struct NotADamageNumber;

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
    /// If it failed since the new rows would lack commits: by which number that is accepted.
    #[serde(default)]
    pub damage: Option<DamageNumber>,
}

// === impl DamageNumber ===

impl fmt::Display for DamageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.commits, self.digest)
    }
}

impl FromStr for DamageNumber {
    type Err = NotADamageNumber;

    fn from_str(text: &str) -> Result<Self, NotADamageNumber> {
        let (commits, digest) = text.split_once('-').ok_or(NotADamageNumber)?;
        let number = Self {
            commits: commits.parse().map_err(|_| NotADamageNumber)?,
            digest: u64::from_str_radix(digest, 16).map_err(|_| NotADamageNumber)?,
        };
        // One way to write each: what somebody reads aloud is compared with what was shown.
        if number.to_string() == text { Ok(number) } else { Err(NotADamageNumber) }
    }
}

impl TryFrom<String> for DamageNumber {
    type Error = NotADamageNumber;

    fn try_from(text: String) -> Result<Self, NotADamageNumber> {
        text.parse()
    }
}

impl From<DamageNumber> for String {
    fn from(number: DamageNumber) -> Self {
        number.to_string()
    }
}

// === impl Rebuild ===

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
        assert_eq!(question.accepted, None);
    }

    #[test]
    fn a_number_of_a_damage_is_written_in_one_way() {
        let number = DamageNumber { commits: 3, digest: 0x0c1f_6a0b_22d4_e871 };
        assert_eq!(number.to_string(), "3-0c1f6a0b22d4e871");
        assert_eq!("3-0c1f6a0b22d4e871".parse(), Ok(number));
        assert_eq!(serde_json::to_string(&number).unwrap(), r#""3-0c1f6a0b22d4e871""#);
        let odd = [
            "",
            "3",
            "3-",
            "-0c1f6a0b22d4e871",
            "3-c1f6a0b22d4e871",
            "3-0C1F6A0B22D4E871",
            "+3-0c1f6a0b22d4e871",
        ];
        for odd in odd.into_iter().chain(["03-0c1f6a0b22d4e871", "3-00c1f6a0b22d4e871", "3-+c1f6a0b22d4e871"])
        {
            assert_eq!(odd.parse::<DamageNumber>(), Err(NotADamageNumber), "{odd}");
        }
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
            damage: None,
        };
        assert_eq!((rebuild.per_second(), rebuild.seconds_left()), (100, Some(7)));
        rebuild.folded = 100;
        assert_eq!((rebuild.per_second(), rebuild.seconds_left()), (0, None), "nobody can tell yet");
        (rebuild.folded, rebuild.ended_at) = (1_000, Some(Timestamp(4_000_000)));
        assert_eq!((rebuild.per_second(), rebuild.seconds_left()), (300, Some(0)));
    }
}
