//! Who is to be looked at sooner than by the next poll, since the upstream says that it has news of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_proto::InstanceId;
use tokio::sync::Notify;

/// The hints for the instances that run here.
#[derive(Debug, Default)]
pub(super) struct Hints(Mutex<HashMap<InstanceId, Arc<Notify>>>);

/// The hints for one instance, as long as this is held.
#[derive(Debug)]
pub(super) struct Hinted<'a> {
    hints: &'a Hints,
    instance: InstanceId,
    news: Arc<Notify>,
}

impl Hints {
    /// Hears hints for an instance from now on.
    pub(super) fn of(&self, instance: InstanceId) -> Hinted<'_> {
        let news = Arc::clone(self.all().entry(instance).or_default());
        Hinted { hints: self, instance, news }
    }

    /// There is news of an instance. Many hints in a row are one.
    pub(super) fn tell(&self, instance: InstanceId) {
        if let Some(news) = self.all().get(&instance) {
            news.notify_one();
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<InstanceId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hinted<'_> {
    /// Waits for a hint.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }
}

impl Drop for Hinted<'_> {
    fn drop(&mut self) {
        let mut all = self.hints.all();
        // The entry's and this one's: nobody else hears.
        if Arc::strong_count(&self.news) <= 2 {
            all.remove(&self.instance);
        }
    }
}
