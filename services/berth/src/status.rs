//! What a process says of itself to the others: what its `/readyz` says, and some numbers of its `/metrics`.

use std::{
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use berth_bus::member::{Formats, Status, Tells};
use berth_proto::WriteVersion;
use berth_runtime::{Readiness, telemetry::Metrics};
use tokio::time::Instant;

/// How long what was said stands: numbers are gathered from all metrics, which costs a millisecond.
const STANDS: Duration = Duration::from_secs(1);
/// How far a view is behind; its label names the view.
const LAG: &str = "berth_view_lag_seconds{view=\"";
/// How many commits it is behind, and how many those rows are that are built beside its own.
const LAG_COMMITS: &str = "berth_view_lag_commits{view=\"";
const REBUILD_LAG_COMMITS: &str = "berth_view_rebuild_lag_commits{view=\"";
/// How many commits a reader is behind that is no view.
const READER_LAG_COMMITS: &str = "berth_log_reader_lag_commits{reader=\"";
/// What is due, as it is called in the metrics and among members.
const DUE: [(&str, &str); 2] = [("berth_aggregate_due_jobs ", "jobs"), ("berth_webhook_owed ", "notices")];

/// Tells how the process stands.
pub(crate) fn tells(
    readiness: &Readiness,
    metrics: &Metrics,
    cores: Arc<dyn Fn() -> f32 + Send + Sync>,
    writes: WriteVersion,
) -> Tells {
    let (readiness, metrics) = (readiness.clone(), metrics.clone());
    let last: Mutex<Option<(Instant, Status)>> = Mutex::new(None);
    Arc::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, status)) = &*last
            && at.elapsed() < STANDS
        {
            return status.clone();
        }
        let checks = readiness.ask();
        let mut status = Status {
            cores: cores(),
            ready: readiness.is_ready(),
            formats: formats(writes),
            says: checks.into_iter().map(|(part, check)| (part.to_owned(), check.detail)).collect(),
            ..Status::default()
        };
        read(&metrics.render(), &mut status);
        *last = Some((Instant::now(), status.clone()));
        status
    })
}

/// Tells how the process stands before it knows: a gateway is a member from its first moment on, and whoever raises what is written
/// asks every member which formats it reads.
pub(crate) fn starting(writes: WriteVersion) -> Tells {
    Arc::new(move || Status { formats: formats(writes), ..Status::default() })
}

fn formats(writes: WriteVersion) -> Formats {
    Formats { reads: WriteVersion::NEWEST.number(), writes: writes.number() }
}

fn read(metrics: &str, status: &mut Status) {
    for line in metrics.lines() {
        if let Some((view, lag)) = of_one::<f64>(line, LAG) {
            status.lag_seconds.insert(view, lag);
        }
        if let Some((one, commits)) = of_one(line, LAG_COMMITS).or_else(|| of_one(line, READER_LAG_COMMITS)) {
            status.lag_commits.insert(one, commits);
        }
        if let Some((view, commits)) = of_one(line, REBUILD_LAG_COMMITS).filter(|(_, commits)| *commits > 0) {
            status.rebuild_lag_commits.insert(view, commits);
        }
        for (metric, name) in DUE {
            if let Some(Ok(count)) = line.strip_prefix(metric).map(str::parse) {
                status.due.insert(name.to_owned(), count);
            }
        }
    }
}

/// The view or reader and the value, if the line is of this metric.
fn of_one<T: FromStr>(line: &str, metric: &str) -> Option<(String, T)> {
    let (view, value) = line.strip_prefix(metric)?.split_once("\"} ")?;
    Some((view.to_owned(), value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_and_what_is_due_are_found_among_the_metrics() {
        let text = "# TYPE berth_view_lag_seconds gauge\nberth_view_lag_seconds{view=\"agenda\"} 1.5\n\
                    berth_aggregate_due_jobs 3\nberth_view_rows{view=\"agenda\"} 7\nberth_webhook_owed 2\n\
                    berth_log_reader_lag_commits{reader=\"evidence\"} 6\n\
                    berth_view_lag_commits{view=\"agenda\"} 4\nberth_view_rebuild_lag_commits{view=\"agenda\"} 90\n\
                    berth_view_rebuild_lag_commits{view=\"records\"} 0\n";
        let mut status = Status::default();
        read(text, &mut status);
        assert_eq!(status.lag_seconds, [("agenda".to_owned(), 1.5)].into());
        assert_eq!(status.lag_commits, [("agenda".to_owned(), 4), ("evidence".to_owned(), 6)].into());
        assert_eq!(status.rebuild_lag_commits, [("agenda".to_owned(), 90)].into(), "nothing else is built");
        assert_eq!(status.due, [("jobs".to_owned(), 3.0), ("notices".to_owned(), 2.0)].into());
    }
}
