//! The clock of this machine, for the things that a server cannot say: how old a notice is that came here, which name a
//! file gets, and which moment was so long ago.

use jiff::{Span, Timestamp};

use crate::failure::Failure;

/// Seconds since 1970.
pub(crate) fn now_seconds() -> i64 {
    Timestamp::now().as_second()
}

/// A moment as the API takes it, given as one or as how long ago it is: `90s`, `15m`, `20h` or `2d`.
pub(crate) fn ago(text: &str) -> Result<String, Failure> {
    let now = Timestamp::now();
    read(text, now).map(|moment| moment.to_string()).ok_or_else(|| {
        Failure::usage(
            format!("{text:?} is no moment"),
            "A moment such as 2026-11-21T12:00:00Z is expected, or how long ago it is: 15m, 20h, 2d.",
        )
    })
}

fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    now.checked_sub(Span::new().try_seconds(seconds(text)?).ok()?).ok()
}

/// The seconds of a time such as `90s`, `15m`, `20h` or `2d`; none if it is no such time.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
    count.checked_mul(match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_one_or_how_long_ago_it_is() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (text, moment) in [
            ("90s", "2026-11-21T11:58:30Z"),
            ("15m", "2026-11-21T11:45:00Z"),
            ("20h", "2026-11-20T16:00:00Z"),
            ("2d", "2026-11-19T12:00:00Z"),
            ("2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00Z"),
        ] {
            assert_eq!(read(text, now).unwrap().to_string(), moment, "{text}");
        }
        for text in ["", "h", "-1h", "1w", "9223372036854775807d", "yesterday", "1\u{e9}"] {
            assert_eq!(read(text, now), None, "{text}");
        }
    }
}
