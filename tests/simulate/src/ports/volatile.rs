//! Values in memory that all processes reach.

use std::time::Duration;

use async_trait::async_trait;
use berth_bus::{Volatile, VolatileEntry, VolatileError};
use bytes::Bytes;

use crate::world::{At, CutOff};

/// See the module.
#[derive(Debug)]
pub(crate) struct SharedVolatile(pub(crate) At);

fn away(cut: CutOff) -> VolatileError {
    VolatileError(cut.into_boxed())
}

impl CutOff {
    pub(crate) fn into_boxed(self) -> Box<dyn std::error::Error + Send + Sync> {
        Box::new(self)
    }
}

#[async_trait]
impl Volatile for SharedVolatile {
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), VolatileError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        let put = self.0.world.volatile.put(key, value, ttl).await;
        self.0.step(format_args!("puts {key}"));
        answered.back(&self.0, put).await.map_err(away)?
    }

    async fn get(&self, key: &str) -> Result<Option<VolatileEntry>, VolatileError> {
        self.0.reach().await.map_err(away)?;
        let got = self.0.world.volatile.get(key).await;
        self.0.way().await;
        got
    }

    async fn remove(&self, key: &str) -> Result<(), VolatileError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        let removed = self.0.world.volatile.remove(key).await;
        self.0.step(format_args!("removes {key}"));
        answered.back(&self.0, removed).await.map_err(away)?
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64, VolatileError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        let sum = self.0.world.volatile.add(key, amount, ttl).await;
        answered.back(&self.0, sum).await.map_err(away)?
    }
}
