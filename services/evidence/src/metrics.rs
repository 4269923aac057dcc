//! What the service measures.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const CHECKPOINTS: &str = "berth_evidence_checkpoints_total";
const ATTESTED: &str = "berth_evidence_attested_commits";
const TROUBLE: &str = "berth_evidence_trouble";

pub(crate) fn describe(shards: u8) {
    describe_counter!(CHECKPOINTS, Unit::Count, "Checkpoints that this replica signed and published");
    describe_gauge!(ATTESTED, Unit::Count, "Commits of a shard that the last checkpoint attests to");
    describe_gauge!(TROUBLE, Unit::Count, "1 while something of the log cannot be signed");
    counter!(CHECKPOINTS).absolute(0);
    (0..shards).for_each(|shard| gauge!(ATTESTED, "shard" => shard.to_string()).set(0.0));
    trouble(false);
}

/// A checkpoint was published.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn published(shard: u8, size: u64) {
    counter!(CHECKPOINTS).increment(1);
    gauge!(ATTESTED, "shard" => shard.to_string()).set(size as f64);
}

pub(crate) fn trouble(is_there: bool) {
    gauge!(TROUBLE).set(if is_there { 1.0 } else { 0.0 });
}
