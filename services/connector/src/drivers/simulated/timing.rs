//! WhatsApp's times, divided by a scale.

use std::time::Duration;

/// The times of a link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// How long the first QR code can be scanned.
    pub(super) first_qr: Duration,
    /// How long each other one can.
    pub(super) other_qr: Duration,
    /// How long a pairing code can be typed.
    pub(super) pairing_code: Duration,
    /// How long a lost connection is not reported.
    pub(super) grace: Duration,
    /// How long a lost connection that returns stays away.
    pub(super) away: Duration,
}

/// QR codes of one attempt.
pub(super) const QR_CODES: u32 = 6;

impl Timing {
    pub(super) fn scaled(by: u32) -> Self {
        let scaled = |seconds: u64| Duration::from_secs(seconds) / by.max(1);
        Self {
            first_qr: scaled(60),
            other_qr: scaled(20),
            pairing_code: scaled(180),
            grace: scaled(5),
            away: scaled(10),
        }
    }

    /// How long the QR code with this index (from 1) can be scanned.
    pub(super) const fn qr(&self, index: u32) -> Duration {
        if index == 1 { self.first_qr } else { self.other_qr }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_last_as_long_as_whatsapps() {
        let timing = Timing::scaled(1);
        let all: Vec<_> = (1..=QR_CODES).map(|index| timing.qr(index).as_secs()).collect();
        assert_eq!(all, [60, 20, 20, 20, 20, 20]);
        assert_eq!((timing.pairing_code.as_secs(), timing.grace.as_secs()), (180, 5));
    }

    #[test]
    fn a_scale_divides_and_none_is_one() {
        assert_eq!(Timing::scaled(60).first_qr, Duration::from_secs(1));
        assert_eq!(Timing::scaled(60).pairing_code, Duration::from_secs(3));
        assert_eq!(Timing::scaled(0).first_qr, Duration::from_mins(1));
    }
}
