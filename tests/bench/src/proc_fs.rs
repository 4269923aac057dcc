//! What the system says of processes and of the machine, from `/proc`.

use std::fs;

use crate::Outcome;

/// Microseconds of a clock tick: `USER_HZ` is 100 on every Linux that this runs on.
pub(crate) const TICK_MICROS: u64 = 10_000;

/// Processor time of the machine since it started, in ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MachineTime {
    total: u64,
    /// Time that a hypervisor gave to somebody else.
    steal: u64,
}

/// Processor time that a process used so far, in ticks, threads that ended included.
pub(crate) fn ticks(pid: u32) -> Outcome<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold blanks; user and system time are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/<pid>/stat is not as expected")?;
    let times: Vec<u64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(times.iter().sum())
}

/// The memory that a process holds, in bytes.
pub(crate) fn memory_bytes(pid: u32) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next());
    Ok(kib.ok_or("the system does not tell the memory of a process")?.parse::<u64>()? * 1024)
}

/// The load average of the last minute.
pub(crate) fn load_average() -> Outcome<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().next().ok_or("/proc/loadavg is empty")?.parse()?)
}

impl MachineTime {
    pub(crate) fn now() -> Outcome<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().ok_or("/proc/stat is empty")?;
        // user nice system idle iowait irq softirq steal; guests are in user already.
        let fields: Vec<u64> =
            line.split_whitespace().skip(1).take(8).map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { total: fields.iter().sum(), steal: fields.get(7).copied().unwrap_or_default() })
    }

    /// The share of the time since then that was stolen.
    #[expect(clippy::cast_precision_loss, reason = "ticks stay far below 2^53")]
    pub(crate) fn stolen_since(self, then: Self) -> f64 {
        let total = self.total.saturating_sub(then.total).max(1);
        self.steal.saturating_sub(then.steal) as f64 / total as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_of_this_process_and_of_the_machine() {
        let own = std::process::id();
        assert!(memory_bytes(own).unwrap() > 0);
        ticks(own).unwrap();
        assert!(load_average().unwrap() >= 0.0);
        let now = MachineTime::now().unwrap();
        assert!(now.total > 0 && now.stolen_since(now) < 1.0);
    }
}
