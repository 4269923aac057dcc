//! A volatile store that a story can take away from the gateways.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use berth_bus::{Volatile, VolatileEntry, VolatileError, local::LocalVolatile};
use bytes::Bytes;

/// The store of the deployment, as long as it is not away.
#[derive(Debug)]
pub(crate) struct Away {
    store: Arc<LocalVolatile>,
    away: AtomicBool,
}

impl Away {
    pub(crate) fn new(store: Arc<LocalVolatile>) -> Self {
        Self { store, away: AtomicBool::new(false) }
    }

    pub(crate) fn set(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn there(&self) -> Result<&LocalVolatile, VolatileError> {
        let is_away = self.away.load(Ordering::SeqCst);
        if is_away { Err(VolatileError("it is away".into())) } else { Ok(&self.store) }
    }
}

#[async_trait::async_trait]
impl Volatile for Away {
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), VolatileError> {
        self.there()?.put(key, value, ttl).await
    }

    async fn get(&self, key: &str) -> Result<Option<VolatileEntry>, VolatileError> {
        self.there()?.get(key).await
    }

    async fn remove(&self, key: &str) -> Result<(), VolatileError> {
        self.there()?.remove(key).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64, VolatileError> {
        self.there()?.add(key, amount, ttl).await
    }
}
