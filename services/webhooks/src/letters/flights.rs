//! Letters that are being sent: the end of a session is told after them, so that nothing older arrives behind it (R3).
//!
//! A flight begins before the log is read for its permission. So whoever looks after the commit of a logout sees every flight
//! that was permitted before it, and one that begins later is not permitted.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use berth_proto::{EndpointId, InstanceId};
use tokio::sync::Notify;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    /// Those of an instance, by their numbers, and where each leads, once that is known.
    under_way: Mutex<HashMap<InstanceId, HashMap<u64, Option<EndpointId>>>>,
    numbers: AtomicU64,
    landed: Notify,
}

/// A letter that is being sent, until this is dropped.
#[derive(Debug)]
pub(crate) struct Flight {
    flights: Arc<Flights>,
    instance: InstanceId,
    number: u64,
}

impl Flights {
    /// A flight begins.
    pub(crate) fn begin(self: &Arc<Self>, instance: InstanceId) -> Flight {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.under_way().entry(instance).or_default().insert(number, None);
        Flight { flights: Arc::clone(self), instance, number }
    }

    /// Waits until none is under way from an instance to an endpoint.
    pub(crate) async fn landed(&self, instance: InstanceId, endpoint: EndpointId) {
        loop {
            let mut landed = std::pin::pin!(self.landed.notified());
            // Heard from now on, so that one that ends while it is looked is not missed.
            landed.as_mut().enable();
            if !self.leads(instance, endpoint) {
                return;
            }
            landed.await;
        }
    }

    fn leads(&self, instance: InstanceId, endpoint: EndpointId) -> bool {
        let under_way = self.under_way();
        let mut to = under_way.get(&instance).into_iter().flat_map(HashMap::values);
        to.any(|to| to.is_none_or(|to| to == endpoint))
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<InstanceId, HashMap<u64, Option<EndpointId>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// It leads there: nobody else need wait for it.
    pub(super) fn leads_to(&self, endpoint: EndpointId) {
        if let Some(of_instance) = self.flights.under_way().get_mut(&self.instance) {
            of_instance.insert(self.number, Some(endpoint));
        }
        self.flights.landed.notify_waiters();
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        {
            let mut under_way = self.flights.under_way();
            if let Some(of_instance) = under_way.get_mut(&self.instance) {
                of_instance.remove(&self.number);
                if of_instance.is_empty() {
                    under_way.remove(&self.instance);
                }
            }
        }
        self.flights.landed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_waits_waits_for_all_flights_that_may_lead_there_and_for_no_others() {
        let (shop, bar) = (InstanceId::from_bytes([1; 16]), InstanceId::from_bytes([2; 16]));
        let (hook, other) = (EndpointId::from_bytes([3; 16]), EndpointId::from_bytes([4; 16]));
        let flights = Arc::new(Flights::default());
        flights.landed(shop, hook).await;
        let (one, two) = (flights.begin(shop), flights.begin(shop));
        flights.landed(bar, hook).await;
        let mut waiting = Box::pin(flights.landed(shop, hook));
        let mut elsewhere = Box::pin(flights.landed(shop, other));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        drop(one);
        assert_eq!(elsewhere.as_mut().now_or_never(), None, "nobody knows yet where it leads");
        two.leads_to(hook);
        elsewhere.await;
        assert_eq!(waiting.as_mut().now_or_never(), None);
        drop(two);
        waiting.await;
    }
}
