//! The metrics of this service: names, units and help in one place.

use berth_proto::worker::RefusalCode;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const LINKS: &str = "berth_connector_links";
const OWNED: &str = "berth_connector_partitions";
const REPORTS: &str = "berth_connector_reports_total";
const UNLINKS: &str = "berth_connector_unlinks_total";
const HEARD: &str = "berth_connector_upstreams_heard";
const WORKERS: &str = "berth_connector_workers";
const WORKERS_REFUSED: &str = "berth_connector_workers_refused_total";
/// Counted from the start, so that the first one shows as a rise.
const REFUSALS: [RefusalCode; 9] = [
    RefusalCode::ContractUnsupported,
    RefusalCode::LibraryUnknown,
    RefusalCode::NameTaken,
    RefusalCode::TooManyWorkers,
    RefusalCode::InvalidMessage,
    RefusalCode::UnansweredReport,
    RefusalCode::Replaced,
    RefusalCode::Silent,
    RefusalCode::Stopping,
];

/// Tells the exporter what the metrics mean.
pub(crate) fn describe() {
    describe_gauge!(LINKS, Unit::Count, "Device links that this replica runs.");
    describe_counter!(REPORTS, Unit::Count, "Reports of drivers, by command and outcome.");
    describe_counter!(UNLINKS, Unit::Count, "Tries to unlink a device, by outcome.");
    describe_gauge!(WORKERS, Unit::Count, "Workers that are connected to this replica.");
    describe_counter!(WORKERS_REFUSED, Unit::Count, "Workers that were sent away, by the reason.");
    describe_gauge!(HEARD, Unit::Count, "Upstreams whose Socket.IO is heard by this replica.");
    gauge!(LINKS).increment(0.0);
    gauge!(HEARD).increment(0.0);
    gauge!(WORKERS).increment(0.0);
    for code in REFUSALS {
        counter!(WORKERS_REFUSED, "reason" => reason(code)).increment(0);
    }
    describe_gauge!(OWNED, Unit::Count, "Partitions whose links this replica owns.");
    owned(0);
}

/// The links of so many partitions are owned.
#[expect(clippy::cast_precision_loss, reason = "there are 64")]
pub(crate) fn owned(partitions: usize) {
    gauge!(OWNED).set(partitions as f64);
}

/// A link that runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Running(());

/// Counts a link that runs.
pub(crate) fn running() -> Running {
    gauge!(LINKS).increment(1.0);
    Running(())
}

impl Drop for Running {
    fn drop(&mut self) {
        gauge!(LINKS).decrement(1.0);
    }
}

/// An upstream that is heard, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hearing(());

/// Counts an upstream that is heard.
pub(crate) fn hearing() -> Hearing {
    gauge!(HEARD).increment(1.0);
    Hearing(())
}

impl Drop for Hearing {
    fn drop(&mut self) {
        gauge!(HEARD).decrement(1.0);
    }
}

/// A worker that is connected, until it is dropped.
#[derive(Debug)]
pub(crate) struct Connected(());

/// Counts a worker.
pub(crate) fn worker() -> Connected {
    gauge!(WORKERS).increment(1.0);
    Connected(())
}

impl Drop for Connected {
    fn drop(&mut self) {
        gauge!(WORKERS).decrement(1.0);
    }
}

pub(crate) fn worker_refused(code: RefusalCode) {
    counter!(WORKERS_REFUSED, "reason" => reason(code)).increment(1);
}

const fn reason(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::ContractUnsupported => "contract_unsupported",
        RefusalCode::LibraryUnknown => "library_unknown",
        RefusalCode::NameTaken => "name_taken",
        RefusalCode::TooManyWorkers => "too_many_workers",
        RefusalCode::InvalidMessage => "invalid_message",
        RefusalCode::UnansweredReport => "unanswered_report",
        RefusalCode::Replaced => "replaced",
        RefusalCode::Silent => "silent",
        RefusalCode::Stopping => "stopping",
    }
}

pub(crate) fn reported(command: &'static str, outcome: &'static str) {
    counter!(REPORTS, "command" => command, "outcome" => outcome).increment(1);
}

pub(crate) fn unlink_tried(outcome: &'static str) {
    counter!(UNLINKS, "outcome" => outcome).increment(1);
}
