//! What came of it: settlements, and the log of deliveries.

use std::time::Duration;

use berth_bus::Bus;
use berth_proto::{
    AccountId, CommitV2, Partition, RecordV1, StreamKey, codec,
    deliveries::{DeliveriesPageV1, DeliveriesReplyV1, DeliveriesRequestV1, DeliveryV1},
    delivery::{DeliveryEvent, SettledV1, SettlementV1},
    event::Event,
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
    subject::{deliveries_subject, redelivery_subject},
};

use super::{DEADLINE, World};

impl World {
    /// The version of the commit in which something of this name happened first.
    pub(crate) async fn version_of(&self, name: &str) -> u64 {
        let stored = self.log.read(&StreamKey::instance(self.instance), 0, 1_000).await.unwrap();
        let commits = stored.iter().map(|stored| codec::decode::<CommitV2>(&stored.payload).unwrap());
        let named = |record: &RecordV1| Event::from_record(record).unwrap().name() == name;
        commits.into_iter().find(|commit| commit.events.iter().any(named)).unwrap().version
    }

    /// Every settlement of the instance, in order.
    pub(crate) async fn settlements(&self) -> Vec<SettledV1> {
        let stream = StreamKey::delivery(Partition::of(self.instance.as_bytes()));
        let mut settled = Vec::new();
        for stored in self.log.read(&stream, 0, 1_000).await.unwrap() {
            let commit: CommitV2 = codec::decode(&stored.payload).unwrap();
            for record in &commit.events {
                if let DeliveryEvent::NoticesSettled(event) = DeliveryEvent::from_record(record).unwrap() {
                    // Others have the same partition, perhaps.
                    let own = event.notices.into_iter();
                    settled.extend(own.filter(|one| one.notice.instance == self.instance));
                }
            }
        }
        settled
    }

    /// Waits until this many notices are settled, and returns how.
    pub(crate) async fn settled(&self, count: usize) -> Vec<SettlementV1> {
        let mut outcomes = Vec::new();
        let waited = tokio::time::timeout(DEADLINE, async {
            loop {
                outcomes = self.settlements().await.iter().map(|settled| settled.outcome).collect();
                if outcomes.len() >= count {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "{count} settlements are awaited, there are {outcomes:?}");
        outcomes
    }

    // === sending again ===

    /// Asks whoever dispatches, again while nobody does.
    pub(crate) async fn redeliver(&self, asked: RedeliveryRequestV1) -> RedeliveryReplyV1 {
        let payload: bytes::Bytes = codec::encode(&asked).unwrap().into();
        let subject = redelivery_subject(self.instance);
        let asked = tokio::time::timeout(DEADLINE, async {
            loop {
                let reply = self.bus.request(&subject, payload.clone(), DEADLINE).await;
                match reply.map(|reply| codec::decode::<RedeliveryReplyV1>(&reply).unwrap()) {
                    Ok(RedeliveryReplyV1::Unavailable) | Err(_) => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Ok(reply) => return reply,
                }
            }
        });
        asked.await.unwrap()
    }

    // === the log of deliveries ===

    /// Asks what was sent, again while nobody answers.
    pub(crate) async fn deliveries(&self, asked: DeliveriesRequestV1) -> DeliveriesReplyV1 {
        let payload: bytes::Bytes = codec::encode(&asked).unwrap().into();
        let account = AccountId::from_bytes([1; 16]);
        let asked = tokio::time::timeout(DEADLINE, async {
            loop {
                let reply = self.bus.request(&deliveries_subject(account), payload.clone(), DEADLINE).await;
                match reply.map(|reply| codec::decode::<DeliveriesReplyV1>(&reply).unwrap()) {
                    Ok(DeliveriesReplyV1::Unavailable) | Err(_) => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Ok(reply) => return reply,
                }
            }
        });
        asked.await.unwrap()
    }

    /// Everything that an account's endpoints were sent.
    pub(crate) fn everything() -> DeliveriesPageV1 {
        DeliveriesPageV1 {
            account: AccountId::from_bytes([1; 16]),
            endpoint: None,
            instance: None,
            standings: Vec::new(),
            since: None,
            until: None,
            before: None,
            limit: 100,
        }
    }

    /// A page of deliveries, and where the next one begins.
    pub(crate) async fn page(&self, asked: DeliveriesPageV1) -> (Vec<DeliveryV1>, Option<Vec<u8>>) {
        match self.deliveries(DeliveriesRequestV1::Page(asked)).await {
            DeliveriesReplyV1::Page { deliveries, next } => (deliveries, next),
            other => panic!("{other:?}"),
        }
    }
}
