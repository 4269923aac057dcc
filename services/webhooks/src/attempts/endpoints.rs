//! How endpoints fare, as this replica knows it from the attempts of all of them; see [`Health`].
//!
//! A row for each endpoint that was tried of late, under its id, in the engine of the table. Rows are folded in the order of
//! the records and name the last one, so that a record that comes twice changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::Mutex,
    time::Duration,
};

use berth_proto::{EndpointId, Timestamp, attempt::DeliveryAttemptV1, delivery::EndpointStandingV1};
use fjall::Keyspace;
use tokio::sync::Notify;

use super::{TableError, lock};
use crate::{
    health::{Health, Open},
    schedule::{BreakerRule, plus},
};

/// How long an endpoint is remembered that did not fail.
const HEALTHY_KEPT: Duration = Duration::from_hours(1);
/// How long one is remembered that failed and was never tried again.
const FAILING_KEPT: Duration = berth_bus::relay::RELAY_AGE_MAX;
/// Rows that are looked at when old ones are dropped.
const PRUNED_AT_ONCE_MAX: usize = 5_000;

/// See the module.
pub(crate) struct Endpoints {
    rows: Keyspace,
    rule: BreakerRule,
    inner: Mutex<Inner>,
    /// Told when a breaker changed.
    news: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// Breakers that are open.
    open: HashMap<EndpointId, Open>,
    /// Breakers that changed since the dispatcher asked.
    changed: BTreeMap<EndpointId, Option<Open>>,
    /// Endpoints that fare otherwise than when the dispatcher asked.
    fared: BTreeSet<EndpointId>,
    /// Endpoints that fail or are disabled, as far as their owner is told of it.
    ailing: BTreeSet<EndpointId>,
    /// The last row that was looked at to be dropped.
    pruned: Option<Vec<u8>>,
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoints").field("inner", &self.inner).finish_non_exhaustive()
    }
}

// === impl Endpoints ===

impl Endpoints {
    /// Reads which breakers are open.
    pub(super) fn open(rows: Keyspace, rule: BreakerRule) -> Result<Self, TableError> {
        let mut inner = Inner::default();
        for row in rows.iter() {
            let (key, value) = row.into_inner()?;
            let (Some(endpoint), Some(health)) = (id_of(&key), Health::read(&value)) else { continue };
            inner.note(endpoint, &health);
            if let Some(open) = health.open {
                inner.open.insert(endpoint, open);
                inner.changed.insert(endpoint, Some(open));
            }
        }
        Ok(Self { rows, rule, inner: Mutex::new(inner), news: Notify::new() })
    }

    /// How an endpoint fares; none if nothing is known of it.
    pub(crate) fn of(&self, endpoint: EndpointId) -> Result<Option<Health>, TableError> {
        Ok(self.rows.get(endpoint.as_bytes())?.and_then(|row| Health::read(&row)))
    }

    /// Takes a record, in the order of records.
    pub(super) fn fold(&self, sequence: u64, attempt: &DeliveryAttemptV1) -> Result<(), TableError> {
        let endpoint = attempt.notice.endpoint;
        let mut inner = lock(&self.inner);
        let before = self.of(endpoint)?;
        let Some(health) = Health::after(before.as_ref(), sequence, attempt, &self.rule) else {
            return Ok(());
        };
        self.rows.insert(endpoint.as_bytes(), postcard::to_allocvec(&health)?)?;
        inner.note(endpoint, &health);
        if health.standing() != before.as_ref().and_then(Health::standing) {
            inner.fared.insert(endpoint);
            self.news.notify_one();
        }
        let known = match health.open {
            Some(open) => inner.open.insert(endpoint, open),
            None => inner.open.remove(&endpoint),
        };
        if known != health.open {
            inner.changed.insert(endpoint, health.open);
            self.news.notify_one();
        }
        Ok(())
    }

    /// Forgets everything: the records that follow are of another store.
    pub(super) fn clear(&self) -> Result<(), TableError> {
        let mut inner = lock(&self.inner);
        self.rows.clear()?;
        inner.ailing.clear();
        let open = mem::take(&mut inner.open);
        inner.changed.extend(open.into_keys().map(|endpoint| (endpoint, None)));
        self.news.notify_one();
        Ok(())
    }

    /// Drops what is known of endpoints that were not tried for long; a part of them at a time.
    pub(super) fn prune(&self, now: Timestamp) -> Result<(), TableError> {
        let from = lock(&self.inner).pruned.take();
        let mut last = None;
        let range =
            (from.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded), std::ops::Bound::Unbounded);
        for row in self.rows.range::<Vec<u8>, _>(range).take(PRUNED_AT_ONCE_MAX) {
            let (key, value) = row.into_inner()?;
            let is_old = Health::read(&value).is_none_or(|health| {
                let kept = if health.failures == 0 { HEALTHY_KEPT } else { FAILING_KEPT };
                plus(health.tried_at, kept) < now
            });
            if is_old {
                // Held, so that a record that is folded now is not dropped with it.
                let mut inner = lock(&self.inner);
                if self.rows.get(&key)?.as_deref() == Some(&value) {
                    self.rows.remove(&*key)?;
                    if let Some(endpoint) = id_of(&key) {
                        inner.ailing.remove(&endpoint);
                        if inner.open.remove(&endpoint).is_some() {
                            inner.changed.insert(endpoint, None);
                        }
                    }
                }
            }
            last = Some(key.to_vec());
        }
        lock(&self.inner).pruned = last;
        Ok(())
    }

    /// Breakers that changed since this was asked before, or are open when it is asked first.
    pub(crate) fn take_changed(&self) -> BTreeMap<EndpointId, Option<Open>> {
        mem::take(&mut lock(&self.inner).changed)
    }

    /// Endpoints that fare otherwise than when this was asked before.
    pub(crate) fn take_fared(&self) -> BTreeSet<EndpointId> {
        mem::take(&mut lock(&self.inner).fared)
    }

    /// Has all endpoints that fail or are disabled given out once more by [`Self::take_fared`]: somebody else may have been about
    /// to report on them.
    pub(crate) fn look_at_failing(&self) {
        let mut inner = lock(&self.inner);
        let Inner { fared, ailing, .. } = &mut *inner;
        fared.extend(ailing.iter());
    }

    /// Has one given out again.
    pub(crate) fn look_at(&self, endpoint: EndpointId) {
        lock(&self.inner).fared.insert(endpoint);
        self.news.notify_one();
    }

    /// Waits until a breaker changes, or an endpoint fares otherwise.
    pub(crate) async fn changed(&self) {
        self.news.notified().await;
    }
}

// === impl Inner ===

impl Inner {
    /// Notes how an endpoint fares now.
    fn note(&mut self, endpoint: EndpointId, health: &Health) {
        match health.standing() {
            Some(standing) if standing != EndpointStandingV1::Recovered => self.ailing.insert(endpoint),
            _ => self.ailing.remove(&endpoint),
        };
    }
}

fn id_of(key: &[u8]) -> Option<EndpointId> {
    key.try_into().ok().map(EndpointId::from_bytes)
}
