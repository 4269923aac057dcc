//! What a deployment needs of NATS, made before anything runs.

use berth_bus::{
    cluster::Engine,
    nats::{
        NatsCheckpoints, NatsDeviceKeys, NatsFeed, NatsKeyStore, NatsLeases, NatsPostbag, NatsRelay,
        NatsVolatile, connect_by, survey,
    },
};
use berth_log::jetstream::JetStreamOptions;
use berth_runtime::{Role, SystemEntropy, config::NatsSettings};

use super::nats::{Found, patiently, streams};
use crate::{failure::Failure, permissions::Guests};

/// Makes what is absent, and refuses what could lose commits as a start does. Gives how it stood before and stands now.
pub(crate) async fn provision(
    nats: &NatsSettings,
    shards: u8,
    guests: &Guests,
) -> Result<(Engine, Engine), Failure> {
    let name = format!("berth-{}", Role::SessionAggregate);
    let client = patiently(async || connect_by(nats, &name).await.map_err(Failure::Nats)).await?;
    let (replicas, streams) = (usize::from(nats.replicas), streams(shards));
    let before = survey(&client, &streams).await;
    let options = JetStreamOptions { shards, replicas };
    Found { client: &client, options, may_make: true }.open(&SystemEntropy).await?;
    patiently(async || {
        NatsKeyStore::open_for_deliveries(client.clone(), replicas).await?;
        NatsDeviceKeys::open(client.clone(), replicas).await?;
        NatsRelay::open(client.clone(), replicas).await?;
        NatsPostbag::open(client.clone(), replicas).await?;
        NatsCheckpoints::open(client.clone(), replicas).await?;
        NatsVolatile::open(client.clone(), replicas).await?;
        Ok(NatsLeases::make_bucket(client.clone(), replicas).await?)
    })
    .await?;
    let feed = patiently(async || Ok(NatsFeed::open(client.clone(), replicas).await?)).await?;
    for (account, number) in guests.readers() {
        feed.make_reader(account, number).await?;
    }
    Ok((before, survey(&client, &streams).await))
}
