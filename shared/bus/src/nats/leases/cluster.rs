//! What the bucket and the server tell of the deployment.

use std::collections::BTreeMap;

use async_nats::Client;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};

use super::{super::servers, JoinError, NatsLeases, bucket::Claim, look::see, port::NatsBucket};
use crate::{
    cluster::{Claimed, Cluster, Engine, ServerSyncs, StreamStands},
    lease::Lease,
    member::Roster,
    port::LeaseError,
};

/// Claims and streams that are asked for at once.
const ASKED_AT_ONCE: usize = 32;
/// What is known of when servers sync where nobody may ask them.
const SYNC: &str = "as the servers are configured, which they tell their system account only: see `sync_interval` in \
                    nats-server.conf";

/// A deployment on NATS, with the streams that it has.
#[derive(Debug, Clone)]
pub struct NatsCluster {
    leases: NatsLeases,
    streams: Vec<String>,
}

impl NatsCluster {
    /// The deployment of a member that has these streams.
    pub const fn new(leases: NatsLeases, streams: Vec<String>) -> Self {
        Self { leases, streams }
    }
}

#[async_trait]
impl Cluster for NatsCluster {
    async fn members(&self) -> Result<Roster, LeaseError> {
        Ok(see(self.leases.0.bucket(), &mut BTreeMap::new()).await?)
    }

    async fn claims(&self) -> Result<Vec<Claimed>, LeaseError> {
        let bucket = self.leases.0.bucket();
        let claims = stream::iter(Lease::ROLES.into_iter().flat_map(Lease::all_of))
            .map(|lease| async move {
                let last = bucket.last(&super::bucket::claim_subject(lease)).await?;
                let claim = last.and_then(|last| Claim::decode(&last.payload));
                let claimed = |claim: Claim| Claimed {
                    lease,
                    epoch: claim.epoch,
                    holder: claim.holder.map(|holder| holder.seat),
                };
                Ok::<_, LeaseError>(claim.map(claimed))
            })
            .buffered(ASKED_AT_ONCE);
        Ok(claims.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    async fn engine(&self) -> Result<Engine, LeaseError> {
        Ok(self.leases.0.bucket().engine(&self.streams).await)
    }
}

/// The members that are alive, for whoever is none.
pub async fn members(client: Client, replicas: usize) -> Result<Roster, JoinError> {
    let bucket = NatsBucket::open(client, replicas).await.map_err(JoinError::Open)?;
    see(&bucket, &mut BTreeMap::new()).await.map_err(|error| JoinError::Unavailable(error.into()))
}

/// What lies below on NATS: the streams of these names that are there.
pub async fn survey(client: &Client, streams: &[String]) -> Engine {
    let context = async_nats::jetstream::new(client.clone());
    let found = stream::iter(streams.to_vec())
        .map(|name| {
            let context = &context;
            async move { context.get_stream(&name).await.ok().map(|found| stands(found.cached_info())) }
        })
        .buffered(ASKED_AT_ONCE);
    let (streams, servers) = futures::join!(found.collect::<Vec<_>>(), servers::syncs(client));
    let version = Some(client.server_info().version);
    let sync = if servers.is_empty() { SYNC.to_owned() } else { in_words(&servers) };
    Engine { kind: "nats", version, sync, servers, streams: streams.into_iter().flatten().collect() }
}

/// When servers sync.
fn in_words(servers: &[ServerSyncs]) -> String {
    let said = servers.iter().map(|ServerSyncs { name, every }| match every {
        None => format!("always on {name}"),
        Some(every) => format!("every {} s on {name}", every.as_secs()),
    });
    said.collect::<Vec<_>>().join(", ")
}

fn stands(info: &async_nats::jetstream::stream::Info) -> StreamStands {
    let last = info.state.last_sequence;
    let first = if info.state.messages == 0 { last + 1 } else { info.state.first_sequence };
    let cluster = info.cluster.as_ref();
    let followers = cluster.map_or(0, |cluster| cluster.replicas.iter().filter(|one| one.current).count());
    StreamStands {
        name: info.config.name.clone(),
        leader: cluster.and_then(|cluster| cluster.leader.clone()).filter(|leader| !leader.is_empty()),
        replicas: info.config.num_replicas.max(1),
        current: followers + 1,
        is_on_disk: info.config.storage == async_nats::jetstream::stream::StorageType::File,
        messages: info.state.messages,
        bytes: info.state.bytes,
        first,
        last,
    }
}
