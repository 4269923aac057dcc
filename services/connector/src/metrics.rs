//! The metrics of this service: names, units and help in one place.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const LINKS: &str = "berth_connector_links";
const REPORTS: &str = "berth_connector_reports_total";
const UNLINKS: &str = "berth_connector_unlinks_total";

/// Tells the exporter what the metrics mean.
pub(crate) fn describe() {
    describe_gauge!(LINKS, Unit::Count, "Device links that this replica runs.");
    describe_counter!(REPORTS, Unit::Count, "Reports of drivers, by command and outcome.");
    describe_counter!(UNLINKS, Unit::Count, "Tries to unlink a device, by outcome.");
    gauge!(LINKS).increment(0.0);
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

pub(crate) fn reported(command: &'static str, outcome: &'static str) {
    counter!(REPORTS, "command" => command, "outcome" => outcome).increment(1);
}

pub(crate) fn unlink_tried(outcome: &'static str) {
    counter!(UNLINKS, "outcome" => outcome).increment(1);
}
