//! Bare publishes: into the streams that Berth makes, each naming the last message of its subject, as a commit does.

use async_nats::{Client, HeaderMap, Request, header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE};
use berth_log::jetstream::{JetStreamLog, JetStreamOptions};
use berth_proto::StreamKey;
use berth_runtime::{SystemClock, SystemEntropy, entropy::new_instance_id};
use bytes::Bytes;

use super::payload;
use crate::{Outcome, closed_loop::Operation};

/// Streams of the log, as Berth has them by default.
const SHARDS: u8 = 4;

/// Publishes on subjects of its own.
#[derive(Debug)]
pub(crate) struct Publisher {
    client: Client,
    payload: Bytes,
    /// Each subject with the sequence of its last message, 0 for none.
    subjects: Vec<(String, u64)>,
    next: usize,
}

impl Publisher {
    /// Clients that divide new instances between them, on servers that have no streams yet.
    pub(crate) async fn clients(
        client: &Client,
        replicas: usize,
        instances: usize,
        clients: usize,
        bytes: usize,
    ) -> Outcome<Vec<Self>> {
        JetStreamLog::open(client.clone(), JetStreamOptions { shards: SHARDS, replicas }).await?;
        let payload = payload(bytes);
        let subject = || StreamKey::instance(new_instance_id(&SystemClock, &SystemEntropy)).subject();
        let each = (instances / clients).max(1);
        Ok((0..clients)
            .map(|_| Self {
                client: client.clone(),
                payload: payload.clone(),
                subjects: (0..each).map(|_| (subject(), 0)).collect(),
                next: 0,
            })
            .collect())
    }
}

impl Operation for Publisher {
    async fn once(&mut self) -> Outcome<()> {
        let at = self.next % self.subjects.len();
        self.next = at + 1;
        let (subject, last) = self.subjects.get_mut(at).ok_or("there is no subject")?;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
        let request = Request::new().headers(headers).payload(self.payload.clone());
        let answer = self.client.send_request(subject.clone(), request).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload)?;
        *last = answer
            .get("seq")
            .and_then(serde_json::Value::as_u64)
            .ok_or_else(|| format!("a publish was refused: {answer}"))?;
        Ok(())
    }
}
