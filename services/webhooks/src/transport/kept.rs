//! Connections that an attempt left whole, for the next one of the same account at the same place: a burst of notices opens
//! few. They rest for a moment only, shorter than servers keep what rests, and are a few seconds old at most: a server may have
//! fewer workers than there are connections, and others wait for one.
//!
//! A connection is given out for an address that the guard allowed just now, and never to another account: what an endpoint
//! says on it can be taken for the answer to nobody else's notice.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_proto::AccountId;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use url::{Position, Url};

use super::line::Line;

/// Connections that rest at the same time; the one that rests for longest is closed for another.
const KEPT_MAX: usize = 256;
/// How long one rests at most: servers in common use close what rests for two seconds, or for five and more.
const REST_MAX: Duration = Duration::from_secs(1);
/// How old one is when it is used for the last time: well below what an attempt waits that has no worker yet.
const LIFE_MAX: Duration = Duration::from_secs(3);

/// For whose notices a connection may be used, and where to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Purpose {
    account: AccountId,
    /// `scheme://host:port`.
    origin: String,
}

/// The connections that rest. Cheap to clone.
#[derive(Clone)]
pub(super) struct Kept {
    shelf: Arc<Shelf>,
    rest_max: Duration,
}

#[derive(Default)]
struct Shelf {
    lines: Mutex<Lines>,
    /// Told when there is one where none was.
    news: Notify,
}

#[derive(Default)]
struct Lines {
    /// In the order in which they came.
    all: BTreeMap<u64, Resting>,
    by_purpose: BTreeMap<Purpose, BTreeSet<u64>>,
    next: u64,
}

struct Resting {
    purpose: Purpose,
    line: Line,
    since: Instant,
}

// === impl Purpose ===

impl Purpose {
    pub(super) fn new(account: AccountId, url: &Url) -> Self {
        Self { account, origin: url[..Position::BeforePath].to_owned() }
    }
}

// === impl Kept ===

impl Default for Kept {
    fn default() -> Self {
        Self { shelf: Arc::default(), rest_max: REST_MAX }
    }
}

impl Kept {
    /// The same where connections rest for so long.
    #[cfg(test)]
    pub(super) fn resting(rest_max: Duration) -> Self {
        Self { rest_max, ..Self::default() }
    }

    /// A connection for this purpose to one of these addresses, over which a request can be sent.
    pub(super) fn take(&self, purpose: &Purpose, addresses: &[IpAddr]) -> Option<Line> {
        loop {
            let Resting { mut line, since, .. } = self.lines().take(purpose)?;
            let now = Instant::now();
            let is_young = now < since + self.rest_max && now < line.opened_at + LIFE_MAX;
            if is_young && addresses.contains(&line.at.ip()) && line.rests() {
                return Some(line);
            }
        }
    }

    /// Keeps a connection that an attempt left, if another request can be sent over it.
    pub(super) fn put(&self, purpose: Purpose, mut line: Line) {
        if !line.rests() {
            return;
        }
        let mut lines = self.lines();
        let is_first = lines.all.is_empty();
        // Closed after the lock is given back.
        let _former = if lines.all.len() >= KEPT_MAX { lines.take_first() } else { None };
        lines.put(Resting { purpose, line, since: Instant::now() });
        drop(lines);
        if is_first {
            self.shelf.news.notify_one();
        }
    }

    /// Closes what has rested for long enough, for ever.
    pub(super) async fn sweep(&self) {
        loop {
            match self.close_until(Instant::now()) {
                Some(next) => sleep_until(next).await,
                None => self.shelf.news.notified().await,
            }
        }
    }

    /// Closes what has rested for long enough; says when the next one will have.
    fn close_until(&self, now: Instant) -> Option<Instant> {
        loop {
            let mut lines = self.lines();
            let (_, first) = lines.all.first_key_value()?;
            let until = first.since + self.rest_max;
            if now < until {
                return Some(until);
            }
            let former = lines.take_first();
            drop(lines);
            drop(former);
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.shelf.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lines ===

impl Lines {
    fn put(&mut self, resting: Resting) {
        let number = self.next;
        self.next += 1;
        self.by_purpose.entry(resting.purpose.clone()).or_default().insert(number);
        self.all.insert(number, resting);
    }

    /// The one of a purpose that came last.
    fn take(&mut self, purpose: &Purpose) -> Option<Resting> {
        let number = *self.by_purpose.get(purpose)?.last()?;
        self.remove(number)
    }

    fn take_first(&mut self) -> Option<Resting> {
        let (number, _) = self.all.first_key_value()?;
        self.remove(*number)
    }

    fn remove(&mut self, number: u64) -> Option<Resting> {
        let resting = self.all.remove(&number)?;
        if let Some(numbers) = self.by_purpose.get_mut(&resting.purpose) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_purpose.remove(&resting.purpose);
            }
        }
        Some(resting)
    }
}
