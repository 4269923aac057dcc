//! Which workers are connected, as every connector says for itself.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, Cluster};
use berth_proto::{
    subject::{WORKERS_ASKED, workers_told},
    worker::Stands,
};
use berth_runtime::{Entropy, Role, entropy::new_command_id};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::{failure::Failure, principal::Principal};

/// How long connectors are waited for: one that does not answer in this time is away, and its workers with it.
const TOLD_MAX: Duration = Duration::from_secs(1);
/// Workers that are shown.
const SHOWN_MAX: usize = 4_096;

/// Asks for the workers.
#[derive(Debug)]
pub struct Fleet {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) cluster: Arc<dyn Cluster>,
}

impl Fleet {
    /// The workers that are connected at this moment, by their names. Root only.
    pub async fn workers(&self, principal: &Principal) -> Result<Vec<Stands>, Failure> {
        if *principal != Principal::Root {
            return Err(Failure::Forbidden);
        }
        let unavailable = |error| Failure::unavailable("the connectors", error);
        let question = new_command_id(&*self.entropy);
        let mut told = self.bus.subscribe(&workers_told(question)).await.map_err(unavailable)?;
        let connectors = self.connectors().await;
        let asked = Bytes::from(question.to_string());
        self.bus.publish(WORKERS_ASKED, asked).await.map_err(unavailable)?;
        let deadline = Instant::now() + TOLD_MAX;
        let (mut all, mut answers): (Vec<Stands>, usize) = (Vec::new(), 0);
        while connectors.is_none_or(|connectors| answers < connectors)
            && let Ok(Some((_, told))) = timeout_at(deadline, told.next()).await
        {
            answers += 1;
            all.extend(serde_json::from_slice::<Vec<Stands>>(&told).unwrap_or_default());
        }
        all.sort_by(|one, other| one.worker.cmp(&other.worker));
        all.truncate(SHOWN_MAX);
        Ok(all)
    }

    /// How many connectors there are to be waited for; none if that is not known.
    async fn connectors(&self) -> Option<usize> {
        let roster = self.cluster.members().await.ok()?;
        Some(roster.members().filter(|(seat, _)| seat.role.runs(Role::Connector)).count())
    }
}
