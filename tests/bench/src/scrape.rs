//! The metrics of a process of Berth, as `/metrics` tells them.

use crate::{
    Outcome,
    http::{Ask, Connection},
};

/// How far a view is behind the log.
const LAG_SECONDS: &str = "berth_view_lag_seconds";
/// Notices that wait.
const OWED: &str = "berth_webhook_owed";
/// Device links that a connector runs.
const LINKS: &str = "berth_connector_links";
/// Commits that a view has folded.
const FOLDED: &str = "berth_view_commits_total";
/// Appends, and the bytes of those that were stored.
const APPENDS: &str = "berth_log_appends_total";
const APPENDED_BYTES: &str = "berth_log_appended_bytes_total";

/// What one process says at one moment.
#[derive(Debug)]
pub(crate) struct Scrape(String);

/// Bytes and number of commits that a process has stored.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Appended {
    pub(crate) commits: f64,
    pub(crate) bytes: f64,
}

impl Scrape {
    pub(crate) async fn of(connection: &mut Connection) -> Outcome<Self> {
        let body = connection.ask(Ask::get("/metrics", "none")).await?.expect(200)?;
        Ok(Self(String::from_utf8(body)?))
    }

    /// The view that is furthest behind the log, and by how many seconds; none if the process has no view.
    pub(crate) fn lag(&self) -> Option<(String, f64)> {
        self.series(LAG_SECONDS)
            .filter_map(|(labels, value)| Some((label(labels, "view")?.to_owned(), value)))
            .max_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// Webhook notices that wait or are tried.
    pub(crate) fn owed(&self) -> f64 {
        self.series(OWED).map(|(_, value)| value).sum()
    }

    /// Device links that the process runs; none if it runs no connector.
    pub(crate) fn links(&self) -> Option<f64> {
        self.series(LINKS).map(|(_, value)| value).next()
    }

    /// What each view has folded since the process started.
    pub(crate) fn folded(&self) -> Vec<f64> {
        self.series(FOLDED).map(|(_, value)| value).collect()
    }

    /// What was stored since the process started.
    pub(crate) fn appended(&self) -> Appended {
        let stored = self.series(APPENDS).filter(|(labels, _)| label(labels, "outcome") == Some("stored"));
        Appended {
            commits: stored.map(|(_, value)| value).sum(),
            bytes: self.series(APPENDED_BYTES).map(|(_, value)| value).sum(),
        }
    }

    /// The labels and values of a metric.
    fn series<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.split_once('}')?,
                None => ("", rest.strip_prefix(' ')?),
            };
            Some((labels, value.trim().parse().ok()?))
        })
    }
}

fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    labels.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
}

impl Appended {
    /// The mean size of a commit since then.
    pub(crate) fn mean_bytes_since(self, then: Self) -> Option<f64> {
        let commits = self.commits - then.commits;
        (commits > 0.0).then(|| (self.bytes - then.bytes) / commits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_that_is_furthest_behind_and_the_size_of_a_commit_are_found() {
        let text = "# HELP berth_view_lag_seconds x\nberth_view_lag_seconds{view=\"records\"} 0.25\n\
                    berth_view_lag_seconds{view=\"outbox\"} 3\nberth_log_appends_total{outcome=\"stored\"} 4\n\
                    berth_log_appends_total{outcome=\"conflict\"} 9\nberth_log_appended_bytes_total 2000\n";
        let scrape = Scrape(text.to_owned());
        assert_eq!(scrape.lag(), Some(("outbox".to_owned(), 3.0)));
        let mean = scrape.appended().mean_bytes_since(Appended::default()).unwrap();
        assert!((mean - 500.0).abs() < 1e-9);
        assert!(scrape.folded().is_empty());
    }
}
