//! Moments as text.

use berth_proto::Timestamp;

/// ISO 8601 in UTC with milliseconds, as JavaScript writes it.
pub fn iso_millis(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.millis()).map(|it| format!("{it:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_look_like_javascripts() {
        assert_eq!(iso_millis(Timestamp(1_735_725_600_000_000)), "2025-01-01T10:00:00.000Z");
        assert_eq!(iso_millis(Timestamp(1_735_725_600_123_999)), "2025-01-01T10:00:00.123Z");
    }
}
