//! Who is to be looked at sooner than by the next poll, since the upstream says that it has news of it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use berth_proto::InstanceId;
use tokio::sync::Notify;

/// The hints for the instances that run here.
#[derive(Debug, Default)]
pub(super) struct Hints {
    all: Mutex<All>,
    /// An instance begins to run.
    begun: Notify,
    /// Runs: an attempt may end when the next one of its instance has begun.
    runs: AtomicUsize,
}

#[derive(Debug, Default)]
struct All {
    /// By the instance.
    instances: HashMap<InstanceId, Entry>,
    /// By its name there.
    named: HashMap<String, InstanceId>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    news: Arc<Notify>,
    /// The socket on which it is told of tells of this instance.
    is_told_of: bool,
}

/// An instance that hints are for, as long as this is held.
#[derive(Debug)]
pub(super) struct Hinted<'a> {
    hints: &'a Hints,
    instance: InstanceId,
    news: Arc<Notify>,
}

impl Hints {
    /// Hears hints for an instance from now on: it runs.
    pub(super) fn hear(&self, instance: InstanceId, name: &str) -> Hinted<'_> {
        let news = Arc::new(Notify::new());
        let entry = Entry { name: name.to_owned(), news: Arc::clone(&news), is_told_of: false };
        let mut all = self.all();
        all.named.insert(name.to_owned(), instance);
        all.instances.insert(instance, entry);
        drop(all);
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.begun.notify_one();
        Hinted { hints: self, instance, news }
    }

    /// There is news of an instance. Many hints in a row are one.
    pub(super) fn tell(&self, instance: InstanceId) {
        if let Some(entry) = self.all().instances.get(&instance) {
            entry.news.notify_one();
        }
    }

    /// The same, by the instance's name there, on the socket.
    pub(super) fn tell_of(&self, name: &str) {
        let mut all = self.all();
        let All { instances, named } = &mut *all;
        if let Some(entry) = named.get(name).and_then(|instance| instances.get_mut(instance)) {
            entry.is_told_of = true;
            entry.news.notify_one();
        }
    }

    /// Nothing is told on the socket any more. Gives everybody who may have rested on it.
    pub(super) fn are_told_no_more(&self) -> Vec<InstanceId> {
        let mut all = self.all();
        let told = all.instances.iter_mut().filter(|(_, entry)| entry.is_told_of);
        told.map(|(instance, entry)| {
            entry.is_told_of = false;
            *instance
        })
        .collect()
    }

    /// Whether the socket tells of an instance.
    pub(super) fn is_told_of(&self, instance: InstanceId) -> bool {
        self.all().instances.get(&instance).is_some_and(|entry| entry.is_told_of)
    }

    /// The names there of the instances that run.
    pub(super) fn names(&self) -> Vec<String> {
        self.all().named.keys().cloned().collect()
    }

    /// How many attempts run.
    pub(super) fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    /// Waits until another instance runs.
    pub(super) async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Waits for a hint for an instance that runs.
    pub(super) async fn news(&self, instance: InstanceId) {
        let news = self.all().instances.get(&instance).map(|entry| Arc::clone(&entry.news));
        match news {
            Some(news) => news.notified().await,
            None => std::future::pending().await,
        }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hinted<'_> {
    fn drop(&mut self) {
        self.hints.runs.fetch_sub(1, Ordering::Relaxed);
        let mut all = self.hints.all();
        // The next attempt of the instance may run already.
        let is_own = |entry: &Entry| Arc::ptr_eq(&entry.news, &self.news);
        if !all.instances.get(&self.instance).is_some_and(is_own) {
            return;
        }
        let Some(entry) = all.instances.remove(&self.instance) else { return };
        // Another instance may have the name by now.
        if all.named.get(&entry.name) == Some(&self.instance) {
            all.named.remove(&entry.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_attempt_that_ends_late_leaves_the_next_one_its_hints() {
        let (hints, instance) = (Hints::default(), InstanceId::from_bytes([7; 16]));
        let former = hints.hear(instance, "shop");
        let next = hints.hear(instance, "shop");
        assert_eq!(hints.runs(), 2);
        drop(former);
        assert_eq!(hints.runs(), 1);
        hints.tell_of("shop");
        assert!(hints.is_told_of(instance));
        hints.news(instance).await;
        drop(next);
        assert!(hints.names().is_empty());
    }
}
