//! What an attempt has passed on of the codes that its upstream shows, and how long that holds.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use berth_proto::event::EndReasonV1;
use tokio::time::Instant;

use crate::driver::{Next, Report, Reports};

/// How long the upstream shows a QR code.
const QR_VALID: Duration = Duration::from_secs(45);
/// How long a pairing code can be typed: there is a new one with every QR code.
const PAIRING_VALID: Duration = Duration::from_secs(45);
/// Looks at a code, at least, until it is asked for the next one.
const VALID_LOOKS: u32 = 25;
/// After what time the first codes are asked for again, and after how many looks at the latest: until new ones are there, which may
/// take longer than its answer, the upstream shows those of the session before.
const UNSURE_MAX: Duration = Duration::from_secs(3);
const UNSURE_LOOKS: u32 = 5;
/// Questions that must be answered with the same codes until these count as new.
const SAME_QUESTIONS: u32 = 3;
/// Questions for a pairing code that is not there yet beside its QR code, at most, until that is over: whoever typed a number waits for it.
const LATE_QUESTIONS_MAX: u32 = 10;
/// WhatsApp's code when all codes were shown.
const EXHAUSTED: u16 = 428;

/// What was passed on last.
#[derive(Default)]
pub(super) struct Shown {
    qr: Option<String>,
    pairing: Option<String>,
    /// When something new was passed on.
    since: Option<Instant>,
    /// Questions since then that brought no pairing code.
    late: u32,
    /// Questions that were answered with it again.
    same: u32,
    /// It is of this attempt, and not of one before.
    pub(super) is_sure: bool,
}

impl Shown {
    pub(super) const fn is_some(&self) -> bool {
        self.qr.is_some() || self.pairing.is_some()
    }

    /// How an attempt ends whose time is over. Nothing was shown where the login of a former device hangs for as long.
    pub(super) const fn over(&self) -> Report {
        if self.is_some() {
            Report::AttemptEnded { reason: EndReasonV1::CodesExhausted, code: EXHAUSTED }
        } else {
            Report::AttemptEnded { reason: EndReasonV1::Unreachable, code: 0 }
        }
    }

    /// Whether a pairing code is wanted that was not there with its QR code.
    pub(super) const fn lacks_pairing(&self, by_phone: bool) -> bool {
        by_phone && self.pairing.is_none() && self.late < LATE_QUESTIONS_MAX
    }

    /// Whether what was passed on last is still shown there, where looks have these pauses, and is all that is wanted.
    pub(super) fn is_valid(&self, poll: Duration, by_phone: bool) -> bool {
        let (valid, looks) = if self.is_sure { (QR_VALID, VALID_LOOKS) } else { (UNSURE_MAX, UNSURE_LOOKS) };
        !self.lacks_pairing(by_phone)
            && self.since.is_some_and(|since| since.elapsed() < valid.min(poll * looks))
    }

    /// Passes on what is new.
    pub(super) async fn pass_on(
        &mut self,
        qr: Option<String>,
        pairing: Option<String>,
        reports: &dyn Reports,
    ) -> Next {
        let was_shown = self.is_some();
        let qr = qr.filter(|text| self.qr.as_ref() != Some(text));
        let pairing = pairing.filter(|text| self.pairing.as_ref() != Some(text));
        if qr.is_none() && pairing.is_none() {
            self.late += 1;
            self.same += 1;
            self.is_sure |= self.same >= SAME_QUESTIONS;
            return Next::Continue;
        }
        // What changes while this attempt looks is its own.
        self.is_sure |= was_shown;
        (self.since, self.late) = (Some(Instant::now()), u32::from(pairing.is_none()));
        if let Some(text) = qr {
            self.qr = Some(text.clone());
            if reports.report(Report::Qr { text, valid: QR_VALID }).await == Next::Stop {
                return Next::Stop;
            }
        }
        if let Some(text) = pairing {
            self.pairing = Some(text.clone());
            return reports.report(Report::PairingCode { text, valid: PAIRING_VALID }).await;
        }
        Next::Continue
    }
}

/// What a code is told from another one by: nobody keeps one for that.
pub(super) fn hash(code: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    code.hash(&mut hasher);
    hasher.finish()
}
