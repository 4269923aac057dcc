//! How bad the world of a run is.

use std::time::Duration;

use crate::{chance::Chance, mutant::Mutant};

/// Every fault, and how often it happens: in a thousand times, unless it says otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Odds {
    /// A message takes up to this long.
    pub(crate) usual_millis_max: u64,
    /// A message takes up to ten seconds.
    pub(crate) slow: u64,
    /// A message is lost.
    pub(crate) lost: u64,
    /// A message arrives twice.
    pub(crate) doubled: u64,
    /// A store says that it does not work.
    pub(crate) unavailable: u64,
    /// The answer to an append is lost although the commit is stored.
    pub(crate) answer_lost: u64,
    /// An append is answered with a time-out and stored later, if at all.
    pub(crate) append_late: u64,
    /// A follower of the log is cut off.
    pub(crate) follower_cut: u64,
    /// An endpoint does not take a notice.
    pub(crate) endpoint_fails: u64,
    /// Seconds between two faults of a process, on average; 0 for none.
    pub(crate) process_fault_every: u64,
    /// A process is cut off, or suspended, for up to this long.
    pub(crate) cut_millis_max: u64,
}

/// The longest that anything is cut off: four times what a lease outlives its holder.
const CUT_MILLIS_MAX: u64 = 60_000;

impl Odds {
    /// Nothing fails.
    pub(crate) const CALM: Self = Self {
        usual_millis_max: 2,
        slow: 0,
        lost: 0,
        doubled: 0,
        unavailable: 0,
        answer_lost: 0,
        append_late: 0,
        follower_cut: 0,
        endpoint_fails: 0,
        process_fault_every: 0,
        cut_millis_max: CUT_MILLIS_MAX,
    };

    /// As a seed has it: some worlds have one fault only, so that it is not hidden behind others.
    pub(crate) fn of(chance: &Chance) -> Self {
        let some = |most: u64| if chance.permille(600) { chance.between(1, most) } else { 0 };
        Self {
            usual_millis_max: chance.between(2, 40),
            slow: some(12),
            lost: some(25),
            doubled: some(40),
            unavailable: some(15),
            answer_lost: some(40),
            append_late: some(25),
            follower_cut: some(4),
            endpoint_fails: some(200),
            process_fault_every: if chance.permille(700) { chance.between(2, 30) } else { 0 },
            cut_millis_max: chance.between(5_000, CUT_MILLIS_MAX),
        }
    }

    /// As a seed has it, with more of what it takes to notice what is broken: what is shown is that the checks find it,
    /// not how often the world happens to be bad in just that way.
    pub(crate) fn against(mutant: Mutant, chance: &Chance) -> Self {
        let usual = Self::of(chance);
        match mutant {
            Mutant::FenceIgnored | Mutant::TakeoverWithoutCancelling => {
                Self { process_fault_every: chance.between(2, 5), cut_millis_max: CUT_MILLIS_MAX, ..usual }
            }
            Mutant::GateReadOnce => Self { endpoint_fails: chance.between(100, 300), ..usual },
            Mutant::ReceiptDropped => {
                Self { doubled: chance.between(40, 80), answer_lost: chance.between(40, 80), ..usual }
            }
            Mutant::VersionOffByOne => {
                Self { slow: chance.between(10, 20), append_late: chance.between(20, 40), ..usual }
            }
        }
    }

    /// How long a message takes.
    pub(crate) fn way(&self, chance: &Chance) -> Duration {
        if chance.permille(self.slow) {
            return chance.millis(200, 10_000);
        }
        chance.millis(0, self.usual_millis_max)
    }
}
