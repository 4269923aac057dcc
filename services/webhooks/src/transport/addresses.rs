//! How many connections lead to one address at once.
//!
//! The dispatcher bounds what runs at a host by its name, which is all that it knows. Where names lead is known here
//! only, and a thousand of them may lead to one machine. So connections are counted by address and port too: an
//! address that has not answered lately gets [`SILENT_MAX`], whatever it is called.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// Connections at once to an address that does not answer, or that was never heard of: as many as to a name.
const SILENT_MAX: usize = 16;
/// Connections at once to an address that answers: as many as to a name.
const ANSWERING_MAX: usize = 192;
/// An address answers if it did so within this time. Names of many owners may share one, so that a single answer that
/// is late says nothing of it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// Addresses that nobody is connected to and that are remembered since they answered.
const REMEMBERED_MAX: usize = 65_536;
/// How long an attempt waits for room. While an address that is full was silent for as long, nobody waits: it would
/// hold a turn that others could use.
const PATIENCE: Duration = Duration::from_secs(2);
/// An attempt that has waited for its answer for longer may wait for a worker that another connection holds.
const WAITS_FROM: Duration = Duration::from_millis(200);

/// The connections that are open, by address. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(Arc<Mutex<HashMap<SocketAddr, Load>>>);

#[derive(Debug)]
struct Load {
    open: usize,
    answered_at: Option<Instant>,
    /// Since when it owes an answer: its last one, or the first connection of those that are open.
    silent_since: Instant,
    /// Attempts that wait for their answer, by when each began.
    unanswered: BTreeSet<(Instant, u64)>,
    /// The number of the next attempt.
    next: u64,
    /// Told when there may be room.
    room: watch::Sender<()>,
}

/// A connection to an address that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Visit {
    addresses: Addresses,
    at: SocketAddr,
    began: (Instant, u64),
}

// === impl Addresses ===

impl Addresses {
    /// Counts one more connection; none if the address is full and stays so.
    pub(super) async fn enter(&self, at: SocketAddr) -> Option<Visit> {
        let (at, until) = (bucket(at), Instant::now() + PATIENCE);
        loop {
            let mut room = match self.try_enter(at, Instant::now()) {
                Ok(visit) => return Some(visit),
                Err(room) => room?,
            };
            // Also if the address was forgotten: then there is room.
            let _told = timeout_at(until, room.changed()).await.ok()?;
        }
    }

    /// Counts one more connection if there is room for it at once.
    pub(super) fn enter_now(&self, at: SocketAddr) -> Option<Visit> {
        self.try_enter(bucket(at), Instant::now()).ok()
    }

    /// Counts one more connection, or says what to wait for, if that is worth it.
    fn try_enter(&self, at: SocketAddr, now: Instant) -> Result<Visit, Option<watch::Receiver<()>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX && !known.contains_key(&at) {
            known.retain(|_, load| load.open > 0);
        }
        let load = known.entry(at).or_insert_with(|| Load {
            open: 0,
            answered_at: None,
            silent_since: now,
            unanswered: BTreeSet::new(),
            next: 0,
            room: watch::Sender::new(()),
        });
        if load.open < if load.answers(now) { ANSWERING_MAX } else { SILENT_MAX } {
            if load.open == 0 {
                load.silent_since = now;
            }
            load.open += 1;
            load.next += 1;
            let began = (now, load.next);
            load.unanswered.insert(began);
            return Ok(Visit { addresses: self.clone(), at, began });
        }
        Err((now - load.silent_since < PATIENCE).then(|| load.room.subscribe()))
    }

    #[cfg(test)]
    fn known(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

// === impl Load ===

impl Load {
    fn answers(&self, now: Instant) -> bool {
        self.answered_at.is_some_and(|last| now - last < ANSWERED_WITHIN)
    }
}

// === impl Visit ===

impl Visit {
    /// An answer came.
    pub(super) fn answered(&self) {
        let now = Instant::now();
        let mut known = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(load) = known.get_mut(&self.at) {
            (load.answered_at, load.silent_since) = (Some(now), now);
            load.unanswered.remove(&self.began);
            load.room.send_replace(());
        }
    }
}

impl Visit {
    /// Whether somebody has waited for an answer of this address for so long that connections to it are better given back.
    pub(super) fn holds_others_up(&self) -> bool {
        let known = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = known.get(&self.at).and_then(|load| load.unanswered.first());
        first.is_some_and(|(began, _)| began.elapsed() > WAITS_FROM)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut known = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(load) = known.get_mut(&self.at) {
            load.open -= 1;
            load.unanswered.remove(&self.began);
            load.room.send_replace(());
            // Who did not answer lately begins anew: sixteen, and more with the first answer.
            if load.open == 0 && !load.answers(Instant::now()) {
                known.remove(&self.at);
            }
        }
    }
}

/// What counts as one address: whoever has an IPv6 address has a whole `/64` of them.
fn bucket(at: SocketAddr) -> SocketAddr {
    let address = match at.ip().to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    };
    SocketAddr::new(address, at.port())
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_has_sixteen_and_nobody_waits_long_for_the_next() {
        let addresses = Addresses::default();
        let mut open = Vec::new();
        for host in 1..=SILENT_MAX {
            open.push(addresses.enter(at(&format!("[2001:db8::{host}]:443"))).await.unwrap());
        }
        let begun = Instant::now();
        assert!(addresses.enter(at("[2001:db8::ffff]:443")).await.is_none(), "the /64 has sixteen");
        assert_eq!(begun.elapsed(), PATIENCE);
        assert!(addresses.enter(at("[2001:db8::ffff]:443")).await.is_none());
        assert_eq!(begun.elapsed(), PATIENCE, "it is known to be silent");
        let _elsewhere = addresses.enter(at("[2001:db8::1]:8443")).await.unwrap();
        open.pop();
        open.push(addresses.enter(at("[2001:db8::ffff]:443")).await.unwrap());
        open.clear();
        assert_eq!(addresses.known(), 1, "who does not answer is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_answers_has_room_for_a_burst_until_it_is_silent_again() {
        let addresses = Addresses::default();
        let served = join_all((0..1_000).map(async |_| {
            let visit = addresses.enter(at("192.0.2.1:443")).await?;
            sleep(Duration::from_millis(20)).await;
            visit.answered();
            Some(())
        }));
        assert!(served.await.into_iter().all(|served| served.is_some()));
        // Nobody is there at this moment, and yet it is known to answer.
        let many: Vec<_> =
            (0..=SILENT_MAX).filter_map(|_| addresses.enter_now(at("192.0.2.1:443"))).collect();
        assert_eq!(many.len(), SILENT_MAX + 1);
        drop(many);
        let first = addresses.enter(at("192.0.2.1:443")).await.unwrap();
        first.answered();
        advance(ANSWERED_WITHIN).await;
        let mut open = vec![first];
        while let Some(one) = addresses.enter(at("192.0.2.1:443")).await {
            open.push(one);
        }
        assert_eq!(open.len(), SILENT_MAX);
    }
}
