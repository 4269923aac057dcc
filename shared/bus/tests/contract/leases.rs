//! Leases: one holder, rising epochs, and a holder that knows when it lost.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_bus::{Grant, Lease, Leases, local::LocalLeases, nats::NatsLeases, port::LEASE_SECONDS};
use berth_runtime::{Lifecycle, SystemClock};
use berth_test_support::NatsServer;
use tempfile::TempDir;

use crate::support::{client, eventually, in_time};

/// Longer than a lease lasts without renewal.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(LEASE_SECONDS + 1);

/// A place where leases are kept.
#[async_trait]
trait Place {
    /// Opens the leases as two replicas do, after all earlier ones ended.
    async fn open(&mut self) -> [Arc<dyn Leases>; 2];
}

#[async_trait]
impl Place for TempDir {
    async fn open(&mut self) -> [Arc<dyn Leases>; 2] {
        let leases = LocalLeases::open(self.path()).await.unwrap();
        [Arc::new(leases.clone()), Arc::new(leases)]
    }
}

#[async_trait]
impl Place for NatsServer {
    async fn open(&mut self) -> [Arc<dyn Leases>; 2] {
        self.restart().await;
        [Arc::new(nats_leases(self).await), Arc::new(nats_leases(self).await)]
    }
}

async fn nats_leases(server: &NatsServer) -> NatsLeases {
    let client = client(server, "connector").await;
    NatsLeases::open(client, 1, &Lifecycle::new(), Arc::new(SystemClock)).await.unwrap()
}

#[tokio::test]
async fn files() {
    suite(&mut tempfile::tempdir().unwrap()).await;
}

#[tokio::test]
async fn nats() {
    suite(&mut NatsServer::start().await).await;
}

fn is_lost(grant: &Grant) -> bool {
    *grant.lost.borrow()
}

async fn suite(place: &mut impl Place) {
    let [here, there] = place.open().await;
    let first = in_time(here.hold(Lease::Deliveries)).await.unwrap();
    let other = in_time(there.hold(Lease::Links)).await.unwrap();

    // The holder keeps its lease for as long as it lives.
    let mut waiting = Box::pin(there.hold(Lease::Deliveries));
    assert!(tokio::time::timeout(LONGER_THAN_A_LEASE, &mut waiting).await.is_err());
    assert!(!is_lost(&first) && !is_lost(&other));

    // Given back, it goes to the one that waits.
    let mut lost = first.lost.clone();
    drop(first.guard);
    let second = in_time(waiting).await.unwrap();
    assert!(second.epoch > first.epoch);
    in_time(lost.wait_for(|lost| *lost)).await.unwrap();
    assert!(!is_lost(&second) && !is_lost(&other), "only the one that was given back");
    drop(second.guard);

    // Taken again and again, and by later processes, its epoch rises.
    let mut epoch = second.epoch;
    for _ in 0..3 {
        let grant = in_time(here.hold(Lease::Deliveries)).await.unwrap();
        assert!(grant.epoch > epoch);
        epoch = grant.epoch;
    }
    drop((other, here, there));
    for _ in 0..2 {
        let [_, there] = place.open().await;
        let grant = in_time(there.hold(Lease::Deliveries)).await.unwrap();
        assert!(grant.epoch > epoch);
        epoch = grant.epoch;
    }
}

#[tokio::test]
async fn of_many_contenders_one_holds_at_a_time() {
    let server = NatsServer::start().await;
    let mut contenders = Vec::new();
    for _ in 0..4 {
        contenders.push(nats_leases(&server).await);
    }
    let mut epochs = Vec::new();
    for _ in 0..4 {
        // Whoever is first; the others stop waiting.
        let holds = contenders.iter().map(|contender| contender.hold(Lease::ProcessManager));
        let (grant, _, _) = in_time(futures::future::select_all(holds)).await;
        epochs.push(grant.unwrap().epoch);
    }
    assert!(epochs.is_sorted_by(|before, after| before < after), "{epochs:?}");
}

#[tokio::test]
async fn a_holder_that_cannot_renew_knows_that_it_lost() {
    let mut server = NatsServer::start().await;
    let grant = nats_leases(&server).await.hold(Lease::Links).await.unwrap();
    server.kill();
    let mut lost = grant.lost.clone();
    in_time(lost.wait_for(|lost| *lost)).await.unwrap();
    // Another process takes over when the server is back, although the guard is still there.
    server.restart().await;
    let next = in_time(nats_leases(&server).await.hold(Lease::Links)).await.unwrap();
    assert!(next.epoch > grant.epoch);
    drop(grant);
    assert!(!is_lost(&next));
}

#[tokio::test]
async fn a_short_outage_is_survived() {
    let mut server = NatsServer::start().await;
    let leases = nats_leases(&server).await;
    let grant = leases.hold(Lease::Links).await.unwrap();
    server.restart().await;
    let mut lost = grant.lost.clone();
    let kept = tokio::time::timeout(LONGER_THAN_A_LEASE, lost.wait_for(|lost| *lost)).await;
    assert!(kept.is_err(), "renewed in time");
}

#[tokio::test]
async fn a_bucket_that_was_made_again_does_not_lower_the_epoch() {
    let server = NatsServer::start().await;
    let leases = nats_leases(&server).await;
    let mut epoch = 0;
    for _ in 0..3 {
        let grant = in_time(leases.hold(Lease::Links)).await.unwrap();
        assert!(grant.epoch > epoch);
        epoch = grant.epoch;
        let jetstream = async_nats::jetstream::new(client(&server, "operator").await);
        jetstream.delete_stream("KV_berth_leases").await.unwrap();
        let mut lost = grant.lost.clone();
        in_time(lost.wait_for(|lost| *lost)).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_lease_and_no_epoch_holds_up_nobody() {
    let server = NatsServer::start().await;
    let (here, there) = (nats_leases(&server).await, nats_leases(&server).await);
    let first = in_time(here.hold(Lease::Links)).await.unwrap();
    let operator = async_nats::jetstream::new(client(&server, "operator").await);
    for subject in ["$KV.berth_leases.lease.connector.all", "$KV.berth_leases.epoch.connector.all"] {
        let answer = r#"{"type":"io.nats.jetstream.api.v1.stream_info_response"}"#;
        operator.publish(subject, answer.into()).await.unwrap().await.unwrap();
    }
    let mut lost = first.lost.clone();
    in_time(lost.wait_for(|lost| *lost)).await.unwrap();
    let second = in_time(there.hold(Lease::Links)).await.unwrap();
    assert!(second.epoch > first.epoch, "whoever held it before is known by its epoch");
}

#[tokio::test]
async fn a_drain_gives_leases_back() {
    let server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let client = client(&server, "connector").await;
    let leases = NatsLeases::open(client, 1, &lifecycle, Arc::new(SystemClock)).await.unwrap();
    drop(leases.hold(Lease::Links).await.unwrap());
    assert!(lifecycle.shut_down().await);
    let bucket = async_nats::jetstream::new(crate::support::client(&server, "operator").await);
    let stream = bucket.get_stream("KV_berth_leases").await.unwrap();
    let last = stream.get_last_raw_message_by_subject("$KV.berth_leases.lease.connector.all").await;
    assert!(last.is_err() || last.is_ok_and(|message| message.payload.is_empty()), "free");
}

#[tokio::test]
async fn whoever_holds_nothing_sees_what_is_held() {
    let server = NatsServer::start().await;
    let (holder, watcher) = (nats_leases(&server).await, nats_leases(&server).await);
    assert_eq!(watcher.held().await.unwrap(), []);
    let links = in_time(holder.hold(Lease::Links)).await.unwrap();
    let deliveries = in_time(holder.hold(Lease::Deliveries)).await.unwrap();
    assert_eq!(watcher.held().await.unwrap(), [Lease::Deliveries, Lease::Links]);
    drop(deliveries);
    eventually("what was given back is seen", async || watcher.held().await.unwrap() == [Lease::Links]).await;
    drop(links);
    eventually("the other one too", async || watcher.held().await.unwrap().is_empty()).await;
}

#[test]
fn a_lease_is_named_after_its_role() {
    let names = Lease::ALL.map(|lease| lease.to_string());
    assert_eq!(names, ["session-aggregate.all", "projections.all", "webhooks.all", "connector.all"]);
}
