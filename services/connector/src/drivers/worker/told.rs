//! Telling which workers are connected here, whoever asks.

use std::{sync::Arc, time::Duration};

use berth_bus::Bus;
use berth_proto::{
    CommandId,
    subject::{WORKERS_ASKED, workers_told},
};
use berth_runtime::Lifecycle;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::sleep;
use tracing::warn;

use super::Workers;

/// Pause before questions are heard again after the bus gave them up.
const HEAR_RETRY: Duration = Duration::from_secs(1);

impl Workers {
    /// Tells until the process stops.
    pub fn tell(self: &Arc<Self>, bus: Arc<dyn Bus>, lifecycle: &Lifecycle) {
        let (workers, stop) = (Arc::clone(self), lifecycle.stop().clone());
        lifecycle.spawn(async move { stop.run_until_cancelled(workers.tell_on(&*bus)).await });
    }

    async fn tell_on(&self, bus: &dyn Bus) {
        loop {
            match bus.subscribe(WORKERS_ASKED).await {
                Ok(mut questions) => {
                    while let Some((_, question)) = questions.next().await {
                        self.answer(bus, &question).await;
                    }
                }
                Err(error) => warn!(%error, "nobody can be told which workers are connected"),
            }
            sleep(HEAR_RETRY).await;
        }
    }

    async fn answer(&self, bus: &dyn Bus, question: &[u8]) {
        let id = std::str::from_utf8(question).ok().and_then(|id| id.parse::<CommandId>().ok());
        let (Some(id), Ok(told)) = (id, serde_json::to_vec(&self.pool.stand(self.clock.now()))) else {
            return;
        };
        // Whoever asked asks again.
        let _told = bus.publish(&workers_told(id), Bytes::from(told)).await;
    }
}
