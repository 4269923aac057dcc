//! The desk: who waits for a notice to fetch, so that nobody has to look again and again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use berth_proto::InstanceId;
use tokio::sync::Notify;

/// Who waits for notices of which instance.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<HashMap<InstanceId, Arc<Notify>>>);

/// Somebody who waits.
pub(super) struct Waiting<'a> {
    desk: &'a Desk,
    instance: InstanceId,
    pub(super) news: Arc<Notify>,
}

impl Desk {
    /// Something changed for an instance.
    pub(super) fn wake(&self, instance: InstanceId) {
        if let Some(news) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&instance) {
            news.notify_waiters();
        }
    }

    /// Somebody who waits from now on.
    pub(super) fn wait_for(&self, instance: InstanceId) -> Waiting<'_> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Waiting { desk: self, instance, news: all.entry(instance).or_default().clone() }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut all = self.desk.0.lock().unwrap_or_else(PoisonError::into_inner);
        // This one and the entry's: nobody else waits.
        if Arc::strong_count(&self.news) <= 2 {
            all.remove(&self.instance);
        }
    }
}
