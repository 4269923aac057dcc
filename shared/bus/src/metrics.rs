//! The metrics of membership and of the connection to NATS: names, units and help in one place.

use berth_runtime::Role;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const MEMBER: &str = "berth_member";
const HELD: &str = "berth_partitions_held";
const NATS_TRIES: &str = "berth_nats_connects_failed_total";

/// A partition that is held, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct CountedPartition(Role);

/// Tells the exporter what the metrics mean.
pub(crate) fn describe() {
    describe_gauge!(MEMBER, Unit::Count, "1 while this process has its lease and may own partitions");
    describe_gauge!(HELD, Unit::Count, "Partitions that this process holds, by role");
    describe_counter!(NATS_TRIES, Unit::Count, "Attempts to connect to NATS again that failed");
    gauge!(MEMBER).set(0.0);
    counter!(NATS_TRIES).increment(0);
}

/// An attempt to connect again failed.
pub(crate) fn nats_try_failed() {
    counter!(NATS_TRIES).increment(1);
}

/// Whether this process has its lease.
pub(crate) fn member(is_one: bool) {
    gauge!(MEMBER).set(f64::from(u8::from(is_one)));
}

// === impl CountedPartition ===

impl CountedPartition {
    pub(crate) fn of(role: Role) -> Self {
        gauge!(HELD, "role" => role.as_str()).increment(1.0);
        Self(role)
    }
}

impl Drop for CountedPartition {
    fn drop(&mut self) {
        gauge!(HELD, "role" => self.0.as_str()).decrement(1.0);
    }
}
