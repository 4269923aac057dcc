//! Leases: one holder of a partition, rising epochs, and a holder that knows when it lost.

use std::{pin::pin, sync::Arc, time::Duration};

use berth_bus::{
    Cluster, Grant, Identity, Lease, Leases,
    cluster::Claimed,
    local::LocalLeases,
    member::Status,
    nats::{JoinError, NatsCluster, NatsLeases},
    port::LEASE_SECONDS,
};
use berth_proto::Partition;
use berth_runtime::{Lifecycle, Role, SystemClock};
use berth_test_support::NatsServer;
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, future::join_all, stream::FuturesUnordered};

use crate::support::{client, eventually, identity, in_time};

/// Longer than a lease lasts without renewal.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(LEASE_SECONDS + 1);
const BUCKET: &str = "KV_berth_leases";
const LINKS: Lease = Lease { role: Role::Connector, partition: Partition::new(0).unwrap() };

/// A process that is a member.
struct Process {
    leases: NatsLeases,
    life: Lifecycle,
}

impl Process {
    async fn start(server: &NatsServer, name: &str) -> Self {
        Self::with(server, identity(&format!("connector.{name}"))).await.unwrap()
    }

    async fn with(server: &NatsServer, who: Identity) -> Result<Self, JoinError> {
        let (client, life) = (client(server, "connector").await, Lifecycle::new());
        let leases = NatsLeases::open(client, 1, who, &life, Arc::new(SystemClock)).await?;
        Ok(Self { leases, life })
    }

    /// Asks for every partition and gives those that it has once the members are so many.
    async fn shares(&self, members: usize) -> Vec<(Partition, Grant)> {
        let holds = Lease::all_of(Role::Connector).map(|lease| async move {
            // Only what is to be ours comes; the others are not waited for.
            let hold = tokio::time::timeout(Duration::from_secs(3), self.leases.hold(lease));
            Some((lease.partition, hold.await.ok()?.unwrap()))
        });
        let mut shares: Vec<_> = join_all(holds).await.into_iter().flatten().collect();
        eventually("all members are seen", async || self.leases.roster().members().count() == members).await;
        shares.retain(|(_, grant)| !is_lost(grant));
        shares
    }

    /// As `kill -9` ends it: nothing is given back.
    async fn kill(self) {
        self.life.abort().cancel();
        self.life.shut_down().await;
    }
}

/// The deployment as a process sees it, with one stream that is there and one that is not.
fn cluster(process: &Process) -> NatsCluster {
    NatsCluster::new(process.leases.clone(), vec![BUCKET.to_owned(), "ABSENT".to_owned()])
}

fn is_lost(grant: &Grant) -> bool {
    *grant.lost.borrow()
}

/// Waits until a partition is lost, stops its work, and only then gives it back; says which, and under which epoch it was held.
async fn give_back_when_lost((partition, mut grant): (Partition, Grant)) -> (Partition, u64) {
    grant.lost.wait_for(|lost| *lost).await.unwrap();
    (partition, grant.epoch)
}

/// Takes a lease, gives it back and takes it again: the epoch rises each time.
async fn hold_again_and_again(leases: &dyn Leases, mut epoch: u64) -> u64 {
    for _ in 0..3 {
        let grant = in_time(leases.hold(LINKS)).await.unwrap();
        assert!(grant.epoch > epoch);
        epoch = grant.epoch;
    }
    epoch
}

#[tokio::test]
async fn one_process_owns_all_under_rising_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let mut epoch = 0;
    for _ in 0..3 {
        let leases = LocalLeases::open(folder.path()).await.unwrap();
        let holds = Lease::all_of(Role::Webhooks).map(|lease| leases.hold(lease));
        let grants = in_time(join_all(holds)).await;
        assert!(grants.iter().all(|grant| grant.as_ref().unwrap().epoch > epoch));
        let first = in_time(leases.hold(LINKS)).await.unwrap();
        // Nobody else has it while it is held.
        let give_back = async { drop(first.guard) };
        let (second, ()) = in_time(futures::future::join(leases.hold(LINKS), give_back)).await;
        let second = second.unwrap();
        assert!(second.epoch > first.epoch);
        drop(second);
        epoch = hold_again_and_again(&leases, first.epoch).await;
        drop((grants, leases));
    }
}

#[tokio::test]
async fn a_member_that_is_alone_holds_what_it_asks_for_for_as_long_as_it_lives() {
    let mut server = NatsServer::start().await;
    let process = Process::start(&server, "a").await;
    let grant = in_time(process.leases.hold(LINKS)).await.unwrap();
    let mut lost = grant.lost.clone();
    // A short outage is survived.
    server.restart().await;
    assert!(tokio::time::timeout(LONGER_THAN_A_LEASE, lost.wait_for(|lost| *lost)).await.is_err());
    drop(grant.guard);
    let epoch = hold_again_and_again(&process.leases, grant.epoch).await;
    process.kill().await;
    let next = Process::start(&server, "b").await;
    assert!(in_time(next.leases.hold(LINKS)).await.unwrap().epoch > epoch);
}

#[tokio::test]
async fn partitions_move_to_a_member_that_comes_and_back_from_one_that_stops() {
    let server = NatsServer::start().await;
    let first = Process::start(&server, "a").await;
    let had = first.shares(1).await;
    assert_eq!(had.len(), 64);

    let second = Process::start(&server, "b").await;
    // Each is told by itself: whoever gives back goes on for as long as the other asks.
    let mut giving: FuturesUnordered<_> = had.into_iter().map(give_back_when_lost).collect();
    let mut moved = Vec::new();
    let mut asking = pin!(second.shares(2));
    let got = in_time(async {
        loop {
            tokio::select! {
                got = &mut asking => break got,
                Some(given) = giving.next() => moved.push(given),
            }
        }
    })
    .await;
    assert_eq!(got.len(), moved.len(), "what one loses the other gets");
    for (partition, grant) in &got {
        let before = moved.iter().find(|(moved, _)| moved == partition).unwrap().1;
        assert!(grant.epoch > before);
    }
    assert!(giving.next().now_or_never().is_none(), "and nothing else moves");

    // A stop hands over at once: long before the lease would end.
    let again = first.leases.hold(Lease { role: Role::Connector, partition: got[0].0 });
    let stopping = async {
        second.life.stop().cancel();
        drop(got);
        assert!(second.life.shut_down().await, "it waits until everything is given back");
    };
    let took = tokio::time::Instant::now();
    let (grant, ()) = in_time(futures::future::join(again, stopping)).await;
    grant.unwrap();
    tracing::info!(took = ?took.elapsed(), "handed over");
    let seat = "connector.b".parse().unwrap();
    eventually("it is no member any more", async || first.leases.roster().get(&seat).is_none()).await;
}

#[tokio::test]
async fn what_a_killed_member_held_is_taken_when_its_lease_has_ended() {
    let server = NatsServer::start().await;
    let (first, second) = (Process::start(&server, "a").await, Process::start(&server, "b").await);
    // Who is alone for a moment begins with more than its share, and loses some of it later: so both ask again as members.
    drop(futures::join!(first.shares(2), second.shares(2)));
    let (had, kept) = futures::join!(first.shares(2), second.shares(2));
    assert_eq!(had.len() + kept.len(), 64);
    let (partition, before) = (had[0].0, had[0].1.epoch);
    first.kill().await;
    let grant = in_time(second.leases.hold(Lease { role: Role::Connector, partition })).await.unwrap();
    assert!(grant.epoch > before);
    assert!(kept.iter().all(|(_, grant)| !is_lost(grant)));
}

#[tokio::test]
async fn a_holder_that_cannot_renew_knows_that_it_lost() {
    let mut server = NatsServer::start().await;
    let first = Process::start(&server, "a").await;
    let grant = in_time(first.leases.hold(LINKS)).await.unwrap();
    server.kill();
    let mut lost = grant.lost.clone();
    in_time(lost.wait_for(|lost| *lost)).await.unwrap();
    first.kill().await;
    // Another process takes over when the server is back, although the guard is still there.
    server.restart().await;
    let second = Process::start(&server, "b").await;
    let next = in_time(second.leases.hold(LINKS)).await.unwrap();
    assert!(next.epoch > grant.epoch);
    drop(grant);
    assert!(!is_lost(&next));
}

#[tokio::test]
async fn a_bucket_that_was_deleted_is_made_again_and_does_not_lower_the_epoch() {
    let server = NatsServer::start().await;
    let process = Process::start(&server, "a").await;
    let mut epoch = 0;
    for _ in 0..3 {
        let grant = in_time(process.leases.hold(LINKS)).await.unwrap();
        assert!(grant.epoch > epoch);
        epoch = grant.epoch;
        let jetstream = async_nats::jetstream::new(client(&server, "operator").await);
        jetstream.delete_stream("KV_berth_leases").await.unwrap();
        let mut lost = grant.lost.clone();
        in_time(lost.wait_for(|lost| *lost)).await.unwrap();
    }
}

#[tokio::test]
async fn a_name_belongs_to_one_process_at_a_time() {
    let server = NatsServer::start().await;
    let who = identity("connector.a");
    who.introduction.set("127.0.0.1:8480".to_owned(), Arc::new(Status::default));
    let first = Process::with(&server, who.clone()).await.unwrap();
    in_time(first.leases.hold(LINKS)).await.unwrap();
    let refused = in_time(Process::with(&server, identity("connector.a"))).await.err().unwrap();
    let said = refused.to_string();
    assert!(said.contains("BERTH_MEMBER") && said.contains("127.0.0.1:8480"), "{said}");
    // Another role may have a member of the same name.
    Process::with(&server, identity("webhooks.a")).await.unwrap();
    // Killed, it is back at once if its folder remembers that it was this one.
    first.kill().await;
    let next = Identity { former: Some(who.start), ..identity("connector.a") };
    let next = Process::with(&server, next).await.unwrap();
    in_time(next.leases.hold(LINKS)).await.unwrap();
    next.kill().await;
    // Anybody else waits until the lease has ended.
    in_time(Process::with(&server, identity("connector.a"))).await.unwrap();
}

#[tokio::test]
async fn what_is_no_member_and_no_claim_holds_up_nobody() {
    let server = NatsServer::start().await;
    let process = Process::start(&server, "a").await;
    let first = in_time(process.leases.hold(LINKS)).await.unwrap();
    let operator = async_nats::jetstream::new(client(&server, "operator").await);
    let answer = Bytes::from_static(br#"{"type":"io.nats.jetstream.api.v1.stream_info_response"}"#);
    for name in ["epoch.connector.0", "member.connector.phantom", "member.connector.a"] {
        let subject = format!("$KV.berth_leases.{name}");
        operator.publish(subject, answer.clone()).await.unwrap().await.unwrap();
    }
    // Its own name was written over, so its life as a member ended: it begins another one.
    let mut lost = first.lost.clone();
    in_time(lost.wait_for(|lost| *lost)).await.unwrap();
    drop(first.guard);
    let second = in_time(process.leases.hold(LINKS)).await.unwrap();
    assert!(second.epoch > first.epoch, "whoever held it before is known by its epoch");
    let members = cluster(&process).members().await.unwrap();
    let seats: Vec<_> = members.members().map(|(seat, _)| seat.to_string()).collect();
    assert_eq!(seats, ["connector.a"], "a phantom owns nothing");
}

#[tokio::test]
async fn members_say_who_they_are() {
    let server = NatsServer::start().await;
    let (who, busy) = (identity("connector.a"), || Status { cores: 0.5, ..Status::default() });
    who.introduction.set("127.0.0.1:1".to_owned(), Arc::new(busy));
    let process = Process::with(&server, who).await.unwrap();
    let watcher = Process::with(&server, identity("gateway.b")).await.unwrap();
    eventually("a gateway is a member at once", async || watcher.leases.roster().has(Role::Gateway)).await;
    assert!(!watcher.leases.roster().has(Role::Connector), "who has asked for nothing is not able yet");
    let held = in_time(process.leases.hold(LINKS)).await.unwrap();
    eventually("it is seen", async || watcher.leases.roster().has(Role::Connector)).await;
    let roster = cluster(&watcher).members().await.unwrap();
    let present = roster.get(&"connector.a".parse().unwrap()).unwrap();
    assert_eq!((present.member.address.as_str(), present.member.status.cores), ("127.0.0.1:1", 0.5));
    assert_eq!(roster.owner(LINKS).unwrap().to_string(), "connector.a");
    let claims = cluster(&watcher).claims().await.unwrap();
    let held = Claimed { lease: LINKS, epoch: held.epoch, holder: Some("connector.a".parse().unwrap()) };
    assert_eq!(claims, [held]);
    let engine = cluster(&watcher).engine().await.unwrap();
    let bucket = &engine.streams[0];
    assert_eq!((engine.streams.len(), bucket.name.as_str(), bucket.current), (1, BUCKET, 1), "{engine:?}");
}

#[test]
fn a_lease_is_named_after_its_role() {
    let names = Lease::ROLES.map(|role| Lease { role, ..LINKS }.to_string());
    assert_eq!(names, ["session-aggregate.0", "projections.0", "webhooks.0", "connector.0"]);
}
