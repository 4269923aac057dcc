//! Fetching notices that have nowhere to be sent to.

use std::time::Duration;

use berth_bus::Bus;
use berth_proto::{
    codec,
    pull::{PullReplyV1, PullRequestV1},
    subject::pull_subject,
};
use berth_runtime::sealing::field;

use super::{DEADLINE, World};

impl World {
    /// Asks the queue, again while nobody serves it.
    pub(crate) async fn ask(&self, request: PullRequestV1) -> PullReplyV1 {
        let payload: bytes::Bytes = codec::encode(&request).unwrap().into();
        let asked = tokio::time::timeout(DEADLINE, async {
            loop {
                let reply = self.bus.request(&pull_subject(self.instance), payload.clone(), DEADLINE).await;
                match reply.map(|reply| codec::decode::<PullReplyV1>(&reply).unwrap()) {
                    Ok(PullReplyV1::Unavailable) | Err(_) => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Ok(reply) => return reply,
                }
            }
        });
        asked.await.unwrap()
    }

    /// The oldest notice of the queue; none if nothing came within the wait.
    pub(crate) async fn receive(&self, wait: Duration) -> Option<(u64, serde_json::Value)> {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap();
        match self.ask(PullRequestV1::Receive { wait_ms }).await {
            PullReplyV1::Notice { receipt, body } => {
                let text = self.data_key.open_text(self.instance.as_bytes(), field::NOTICE, &body).unwrap();
                Some((receipt, serde_json::from_str(&text).unwrap()))
            }
            PullReplyV1::Nothing => None,
            other => panic!("{other:?}"),
        }
    }

    /// Deletes a notice of the queue.
    pub(crate) async fn delete_notice(&self, receipt: u64) -> bool {
        match self.ask(PullRequestV1::Delete { receipt }).await {
            PullReplyV1::Deleted { existed } => existed,
            other => panic!("{other:?}"),
        }
    }
}
