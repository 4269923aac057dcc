//! The wall clock of a process, which is not quite that of the others.

use berth_proto::Timestamp;
use berth_runtime::Clock;

use crate::world::{At, BEGIN};

/// See the module.
#[derive(Debug)]
pub(crate) struct SkewedClock(pub(crate) At);

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.0.world.start.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp(BEGIN.0 + passed + self.0.life.skew_micros())
    }
}
