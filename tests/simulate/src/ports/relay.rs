//! The sequence of records that the dispatchers tell each other.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use berth_bus::{Relay, RelayEnd, RelayError, Relayed, relay::Following};
use berth_proto::Partition;
use bytes::Bytes;
use futures::stream;
use tokio::sync::watch;

use crate::world::{At, CutOff};

/// What was told so far.
#[derive(Debug, Default)]
pub(crate) struct Told {
    records: Mutex<Vec<Bytes>>,
    last: watch::Sender<u64>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct SharedRelay(pub(crate) At);

fn away(cut: CutOff) -> RelayError {
    RelayError(cut.into_boxed())
}

impl Told {
    fn append(&self, record: Bytes) -> u64 {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.push(record);
        let last = records.len() as u64;
        self.last.send_replace(last);
        last
    }

    fn after(&self, place: u64) -> Option<Relayed> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let record = records.get(usize::try_from(place).ok()?)?.clone();
        Some(Relayed { sequence: place + 1, record })
    }
}

#[async_trait]
impl Relay for SharedRelay {
    async fn append(&self, _partition: Partition, record: Bytes) -> Result<u64, RelayError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        let place = self.0.world.told.append(record);
        self.0.step(format_args!("tells of an attempt"));
        answered.back(&self.0, place).await.map_err(away)
    }

    async fn end(&self) -> Result<RelayEnd, RelayError> {
        self.0.reach().await.map_err(away)?;
        let last = *self.0.world.told.last.borrow();
        self.0.way().await;
        Ok(RelayEnd { incarnation: 1, first: 1, last })
    }

    async fn follow(&self, _name: &str, after: u64) -> Result<Following, RelayError> {
        self.0.reach().await.map_err(away)?;
        let told = Arc::clone(&self.0.world.told);
        let state = (self.0.clone(), told.last.subscribe(), after, false);
        Ok(Box::pin(stream::unfold(state, |(at, mut last, place, cut)| async move {
            if cut {
                return None;
            }
            loop {
                at.alive().await;
                if at.life.is_cut() {
                    return Some((Err(away(CutOff)), (at, last, place, true)));
                }
                last.borrow_and_update();
                if let Some(next) = at.world.told.after(place) {
                    at.way().await;
                    return Some((Ok(next), (at, last, place + 1, false)));
                }
                if last.changed().await.is_err() {
                    return None;
                }
            }
        })))
    }
}
