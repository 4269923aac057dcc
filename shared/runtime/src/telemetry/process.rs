//! Metrics of the process itself, with the names that Prometheus clients agreed on. Read from `/proc` when
//! metrics are rendered; elsewhere than on Linux they are absent. The crate `metrics-process` has more of them, and brings
//! two dozen crates into the lock file for four figures.

use std::{fmt::Write as _, fs};

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Ticks of `/proc/self/stat` in a second: `USER_HZ`, 100 on every Linux that we build for.
const TICKS_PER_SECOND: f64 = 100.0;
/// Fields of `/proc/self/stat` behind the command: user and system time, and the moment of the start.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const START_TIME: usize = 19;

pub(super) fn describe() {
    describe_gauge!("process_resident_memory_bytes", Unit::Bytes, "Memory of the process that is in RAM");
    describe_gauge!("process_open_fds", Unit::Count, "Open file descriptors");
    describe_gauge!("process_threads", Unit::Count, "Threads of the process");
    describe_gauge!("process_start_time_seconds", Unit::Seconds, "When the process started, since 1970");
    if let Some(started) = started_at() {
        gauge!("process_start_time_seconds").set(started);
    }
    describe_gauge!(
        "berth_build_info",
        Unit::Count,
        "Always 1; its labels say which release this is and how it was built"
    );
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    gauge!("berth_build_info", "version" => env!("CARGO_PKG_VERSION"), "profile" => profile).set(1.0);
    describe_counter!(
        super::metrics::UPKEEPS,
        Unit::Count,
        "How often recorded values were taken in without a scrape"
    );
    describe_counter!("berth_metrics_renders_total", Unit::Count, "How often metrics were rendered");
}

pub(super) fn record() {
    counter!("berth_metrics_renders_total").increment(1);
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        if let Some(kibibytes) = field(&status, "VmRSS:") {
            gauge!("process_resident_memory_bytes").set(kibibytes * 1024.0);
        }
        if let Some(threads) = field(&status, "Threads:") {
            gauge!("process_threads").set(threads);
        }
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        let open = u32::try_from(entries.count()).unwrap_or(u32::MAX);
        gauge!("process_open_fds").set(f64::from(open));
    }
}

fn field(status: &str, name: &str) -> Option<f64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The processor time as a counter of Prometheus. Counters of the crate `metrics` are whole numbers, and a gauge must not
/// have this name.
pub(super) fn append_processor_time(text: &mut String) {
    let Some(seconds) = stat().as_deref().and_then(cpu_seconds) else { return };
    let help = "# HELP process_cpu_seconds_total Processor time used so far";
    let kind = "# TYPE process_cpu_seconds_total counter";
    let _infallible = write!(text, "{help}\n{kind}\nprocess_cpu_seconds_total {seconds}\n\n");
}

fn stat() -> Option<String> {
    fs::read_to_string("/proc/self/stat").ok()
}

/// When the process started: so many ticks after the machine did.
fn started_at() -> Option<f64> {
    let machine = fs::read_to_string("/proc/stat").ok().and_then(|stat| field(&stat, "btime"))?;
    Some(machine + seconds_of(&stat()?, START_TIME)?)
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some(seconds_of(stat, USER_TIME)? + seconds_of(stat, SYSTEM_TIME)?)
}

/// A field that counts ticks, found behind the command, which may contain blanks and brackets.
fn seconds_of(stat: &str, field: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: f64 = rest.split_whitespace().nth(field)?.parse().ok()?;
    Some(ticks / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_a_command_with_blanks_and_brackets() {
        let stat = "1 (a ) b) S 0 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 9 0 500";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(seconds_of(stat, START_TIME), Some(5.0));
    }

    #[test]
    fn a_field_is_read_without_its_unit() {
        assert_eq!(field("Name:\tberth\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048.0));
        assert_eq!(field("Name:\tberth\n", "VmRSS:"), None);
    }
}
