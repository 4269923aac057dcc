//! Moments as pages show them: in UTC, which a script turns into the reader's own time.

use berth_proto::Timestamp;

/// A moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For the `datetime` of a `<time>`.
    pub(crate) iso: String,
    /// For people.
    pub(crate) text: String,
}

impl From<Timestamp> for Moment {
    fn from(moment: Timestamp) -> Self {
        let iso = moment.to_rfc3339();
        // Day and time to the second, as every reader of the three languages can take them.
        let text = match (iso.get(..10), iso.get(11..19)) {
            (Some(day), Some(time)) => format!("{day} {time} UTC"),
            _ => iso.clone(),
        };
        Self { iso, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_to_the_second() {
        let moment = Moment::from(Timestamp(1_735_725_600_123_456));
        assert_eq!(moment.text, "2025-01-01 10:00:00 UTC");
        assert_eq!(moment.iso, "2025-01-01T10:00:00.123456Z");
    }
}
