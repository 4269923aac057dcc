//! The adapters on three servers with three replicas, as they are deployed, while servers die.

use std::sync::Arc;

use async_nats::Client;
use berth_bus::{
    Bus, DeploymentStore, DeviceKeys, KeptKey, KeyStore, Lease, Leases, RequestError, Volatile,
    nats::{NatsBus, NatsDeployment, NatsDeviceKeys, NatsKeyStore, NatsLeases, NatsVolatile, connect},
};
use berth_proto::{InstanceId, Partition};
use berth_runtime::{Lifecycle, Role, SystemClock, WrappedKey};
use berth_test_support::NatsCluster;
use bytes::Bytes;
use futures::{StreamExt, future::join_all};

use crate::support::{DEADLINE, eventually, identity, in_time};

const REPLICAS: usize = NatsCluster::SERVERS;

async fn connected(cluster: &NatsCluster, name: &str) -> Client {
    connect(&cluster.url(), None, name).await.unwrap()
}

/// Opens something until the new cluster is ready to place it.
macro_rules! opened {
    ($open:expr) => {
        in_time(async {
            loop {
                match $open.await {
                    Ok(opened) => return opened,
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
                }
            }
        })
        .await
    };
}

#[tokio::test]
async fn keys_and_values_outlive_the_leader_of_their_stream() {
    let mut cluster = NatsCluster::start().await;
    let client = connected(&cluster, "here").await;
    let keys = opened!(NatsKeyStore::open(client.clone(), REPLICAS));
    let devices = opened!(NatsDeviceKeys::open(client.clone(), REPLICAS));
    let record = opened!(NatsDeployment::open(client.clone(), REPLICAS));
    let here = opened!(NatsVolatile::open(client.clone(), REPLICAS));
    let there = NatsVolatile::open(connected(&cluster, "there").await, REPLICAS).await.unwrap();
    let device = InstanceId::from_bytes([1; 16]);
    let ttl = std::time::Duration::from_mins(10);

    let key = |number: u8| WrappedKey(vec![number; 48]);
    assert_eq!(keys.put_if_absent(&[1; 16], key(1)).await.unwrap(), Some(key(1)));
    assert_eq!(keys.get(&[1; 16]).await.unwrap(), KeptKey::Present(key(1)), "read your writes");
    let racing = join_all((2..10).map(|number| keys.put_if_absent(&[2; 16], key(number)))).await;
    let KeptKey::Present(stored) = keys.get(&[2; 16]).await.unwrap() else { panic!("it has a key") };
    assert!(racing.into_iter().all(|put| put.unwrap().as_ref() == Some(&stored)));
    keys.destroy(&[2; 16]).await.unwrap();
    for number in 0..3 {
        let racing = join_all((0..4).map(|_| record.write(Bytes::from(format!("record {number}")), number)));
        let written = racing.await.into_iter().filter(|written| *written.as_ref().unwrap()).count();
        assert_eq!(written, 1, "one of those who build on the same record is first");
    }
    devices.put(device, 1, Bytes::from_static(b"first")).await.unwrap();
    devices.put(device, 1, Bytes::from_static(b"second")).await.unwrap();
    here.put("code", Bytes::from_static(b"code"), ttl).await.unwrap();
    assert_eq!(there.get("code").await.unwrap().unwrap().value, "code");
    let both = [&here, &there];
    let mut counts: Vec<u64> = join_all((0..64).map(|turn: usize| both[turn % 2].add("rate", 1, ttl)))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=64).collect::<Vec<u64>>());

    cluster.kill_leader_of("BERTH_KEYS").await;
    eventually("the keys are there", || async {
        keys.get(&[1; 16]).await.is_ok_and(|found| found == KeptKey::Present(key(1)))
    })
    .await;
    eventually("what was destroyed stays so", || async {
        keys.put_if_absent(&[2; 16], key(2)).await.is_ok_and(|put| put.is_none())
    })
    .await;
    eventually("the record is there", || async {
        record.read().await.is_ok_and(|found| found.is_some_and(|found| found.value == "record 2"))
    })
    .await;
    eventually("the material is there", || async {
        devices.get(device, 1).await.is_ok_and(|found| found.is_some_and(|found| found == "second"))
    })
    .await;
    eventually("the code is there", || async {
        there.get("code").await.is_ok_and(|found| found.is_some_and(|found| found.value == "code"))
    })
    .await;
    eventually("the counter goes on", || async {
        there.add("rate", 1, ttl).await.is_ok_and(|count| count >= 65)
    })
    .await;
}

#[tokio::test]
async fn every_partition_has_one_holder_when_the_leader_of_the_leases_dies() {
    let mut cluster = NatsCluster::start().await;
    let mut members = Vec::new();
    for name in ["a", "b", "c"] {
        let client = connected(&cluster, "connector").await;
        let (who, life) = (identity(&format!("connector.{name}")), Lifecycle::new());
        let clock = Arc::new(SystemClock);
        let leases = opened!(NatsLeases::open(client.clone(), REPLICAS, who.clone(), &life, clock.clone()));
        members.push((leases, life));
    }
    let lease = Lease { role: Role::Connector, partition: Partition::new(0).unwrap() };
    let hold = async |members: &[(NatsLeases, Lifecycle)]| {
        let holds = members.iter().map(|(leases, _)| leases.hold(lease));
        let (grant, holder, _) = in_time(futures::future::select_all(holds)).await;
        (grant.unwrap(), holder)
    };
    let (first, _) = hold(&members).await;
    cluster.kill_leader_of("KV_berth_leases").await;
    // Whether the outage is shorter than the lease is not ours to say; if it is longer, the holder knows.
    let mut epoch = first.epoch;
    let mut lost = first.lost.clone();
    let outage = std::time::Duration::from_secs(10);
    let _lost_or_not = tokio::time::timeout(outage, lost.wait_for(|lost| *lost)).await.is_ok();
    drop(first.guard);
    while !members.is_empty() {
        let (grant, holder) = hold(&members).await;
        assert!(grant.epoch > epoch);
        epoch = grant.epoch;
        drop(grant);
        let (_, life) = members.swap_remove(holder);
        assert!(life.shut_down().await);
    }
}

#[tokio::test]
async fn a_server_on_one_node_answers_an_asker_on_another() {
    let cluster = NatsCluster::start().await;
    let lifecycle = Lifecycle::new();
    let mut buses = Vec::new();
    for url in cluster.urls() {
        buses.push(NatsBus::new(connect(&url, None, "bus").await.unwrap(), &lifecycle));
    }
    let mut requests = buses[0].serve("cmd.>", "aggregate").await.unwrap();
    let serve = async {
        let request = in_time(requests.next()).await.unwrap();
        request.reply.send(request.payload);
    };
    // Interest spreads over the cluster after the subscription was confirmed by its own server.
    let ask = async {
        loop {
            match buses[2].request("cmd.1", Bytes::from_static(b"?"), DEADLINE).await {
                Err(RequestError::NoResponder { .. }) => tokio::task::yield_now().await,
                reply => return reply,
            }
        }
    };
    let (reply, ()) = futures::join!(ask, serve);
    assert_eq!(reply.unwrap(), "?");
}
