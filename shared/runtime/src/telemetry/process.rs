//! Metrics of the process itself, with the names that Prometheus clients agreed on. Read from `/proc` when
//! metrics are rendered; elsewhere than on Linux they are absent. The crate `metrics-process` has more of them, and brings
//! two dozen crates into the lock file for four figures.

use std::fs;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Ticks of `/proc/self/stat` in a second: `USER_HZ`, 100 on every Linux that we build for.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn describe() {
    describe_gauge!("process_resident_memory_bytes", Unit::Bytes, "Memory of the process that is in RAM");
    describe_gauge!("process_open_fds", Unit::Count, "Open file descriptors");
    describe_gauge!("process_threads", Unit::Count, "Threads of the process");
    describe_gauge!("process_cpu_seconds_total", Unit::Seconds, "Processor time used so far");
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
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
        gauge!("process_cpu_seconds_total").set(seconds);
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

/// User and system time: fields 14 and 15, counted after the command, which may contain blanks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_a_command_with_blanks_and_brackets() {
        let stat = "1 (a ) b) S 0 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 9 0 5";
        assert_eq!(cpu_seconds(stat), Some(2.0));
    }

    #[test]
    fn a_field_is_read_without_its_unit() {
        assert_eq!(field("Name:\tberth\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048.0));
        assert_eq!(field("Name:\tberth\n", "VmRSS:"), None);
    }
}
