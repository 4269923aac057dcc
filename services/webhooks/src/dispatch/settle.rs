//! Settlements: commits on the delivery stream of a partition, fenced by their expected version.

use std::sync::Arc;

use berth_log::{
    AppendError, DecodeError, EventLog, Expected, NewCommit, ReadError, Stored, Tail, decode_state,
};
use berth_proto::{
    CommitV2, EncodeError, Hash, Partition, RecordV1, StreamKey, Timestamp, WriteVersion,
    commit::CarriedV1,
    delivery::{DeliveryEvent, DeliveryStateV1, DispatcherChangedV1, NoticesSettledV1, SettledV1},
};
use berth_runtime::Clock;
use bytes::Bytes;
use thiserror::Error;

use super::attempt::Tools;

/// How often an append is tried against a stream that somebody else moves on.
const CONFLICTS_MAX: usize = 8;

/// Notices could not be settled.
#[derive(Debug, Error)]
pub(crate) enum SettleError {
    /// A dispatcher with a higher epoch has taken the partition over: stop everything.
    #[error("another dispatcher with epoch {epoch} has taken over partition {partition}")]
    Fenced {
        /// The partition.
        partition: Partition,
        /// Its epoch.
        epoch: u64,
    },
    /// The log cannot be read; a retry helps.
    #[error("the delivery stream cannot be read")]
    Read(#[from] ReadError),
    /// The log does not take the commit; a retry helps.
    #[error("the delivery stream cannot be appended to")]
    Append(#[source] AppendError),
    /// The last commit of the stream cannot be read; a retry does not help.
    #[error("the last commit of the delivery stream is damaged")]
    Damaged(#[from] DecodeError),
    /// The commit cannot be written; a retry does not help.
    #[error("the settlement cannot be written")]
    Encode(#[from] EncodeError),
    /// The deployment does not write such commits yet; a retry does not help.
    #[error("the settlement has no place in the formats that the deployment writes yet")]
    TooNew,
    /// The stream moved on again and again; a retry helps.
    #[error("the delivery stream is contended")]
    Contended,
}

/// The end of a delivery stream.
#[derive(Debug, Clone)]
struct Head {
    expected: Expected,
    previous: Hash,
    state: DeliveryStateV1,
    occurred_at: Timestamp,
}

/// Appends settlements as the dispatcher with one epoch.
#[derive(Debug, Clone)]
pub(crate) struct Settler {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    write_version: WriteVersion,
    /// None: a guest, who adds to the stream without being its dispatcher.
    epoch: Option<u64>,
}

// === impl Settler ===

impl Settler {
    pub(crate) fn new(tools: &Tools, epoch: u64) -> Self {
        Self { epoch: Some(epoch), ..Self::guest(tools) }
    }

    /// Somebody who has something to note and settles nothing.
    pub(crate) fn guest(tools: &Tools) -> Self {
        let (log, clock) = (tools.log.clone(), tools.clock.clone());
        Self { log, clock, write_version: tools.write_version, epoch: None }
    }

    /// Makes this dispatcher the partition's: from now on no older one can settle anything there.
    pub(crate) async fn take_over(&self, partition: Partition) -> Result<(), SettleError> {
        self.append(partition, &[], 0).await
    }

    /// Settles notices of a partition in one commit.
    pub(crate) async fn settle(
        &self,
        partition: Partition,
        notices: Vec<SettledV1>,
    ) -> Result<(), SettleError> {
        let count = notices.len() as u64;
        self.append(partition, &[NoticesSettledV1 { notices }.into()], count).await
    }

    /// Notes an event that settles nothing.
    pub(crate) async fn note(&self, partition: Partition, event: DeliveryEvent) -> Result<(), SettleError> {
        self.append(partition, &[event], 0).await
    }

    async fn append(
        &self,
        partition: Partition,
        events: &[DeliveryEvent],
        settled: u64,
    ) -> Result<(), SettleError> {
        let stream = StreamKey::delivery(partition);
        let mut mine: Option<Bytes> = None;
        for _ in 0..CONFLICTS_MAX {
            let tail = self.log.tail(&stream).await?;
            if tail.as_ref().is_some_and(|tail| Some(&tail.payload) == mine.as_ref()) {
                return Ok(());
            }
            let head = head(&stream, tail)?;
            if self.epoch.is_some_and(|epoch| head.state.epoch > epoch) {
                return Err(SettleError::Fenced { partition, epoch: head.state.epoch });
            }
            let Some(commit) = self.commit(stream, &head, events, settled)? else {
                return Ok(());
            };
            mine = Some(commit.payload.clone());
            match self.log.append(commit, head.expected).await {
                Ok(_) => return Ok(()),
                Err(AppendError::Conflict { .. } | AppendError::Unknown { .. }) => {}
                Err(error) => return Err(SettleError::Append(error)),
            }
        }
        Err(SettleError::Contended)
    }

    /// The next commit; none if there is nothing to say.
    fn commit(
        &self,
        stream: StreamKey,
        head: &Head,
        events: &[DeliveryEvent],
        settled: u64,
    ) -> Result<Option<NewCommit>, SettleError> {
        let epoch = self.epoch.unwrap_or(head.state.epoch);
        let changed = (head.state.epoch < epoch).then(|| DispatcherChangedV1 { epoch }.into());
        let events: Vec<&DeliveryEvent> = changed.iter().chain(events).collect();
        if events.is_empty() {
            return Ok(None);
        }
        let version = head.expected.next_version();
        let settled = head.state.settled.saturating_add(settled);
        let commit = CommitV2 {
            stream,
            version,
            previous: head.previous,
            occurred_at: self.clock.now().max(head.occurred_at),
            receipts: Vec::new(),
            events: events.iter().map(|event| event.to_record()).collect::<Result<_, _>>()?,
            state: CarriedV1::Full(RecordV1::of(&DeliveryStateV1 { epoch, settled })?),
            account_version: 0,
            traceparent: None,
            damage: None,
        };
        let payload = commit.encode_for(self.write_version).ok_or(SettleError::TooNew)??.into();
        Ok(Some(NewCommit { stream, version, command_id: None, traceparent: None, payload }))
    }
}

fn head(stream: &StreamKey, tail: Option<Stored>) -> Result<Head, DecodeError> {
    let Some(stored) = tail else {
        return Ok(Head {
            expected: Expected::Empty,
            previous: Hash::genesis(stream),
            state: DeliveryStateV1 { epoch: 0, settled: 0 },
            occurred_at: Timestamp::default(),
        });
    };
    let (commit, state) = decode_state(&stored)?;
    Ok(Head {
        expected: Expected::After(Tail { version: commit.version, revision: stored.tail.revision }),
        previous: Hash::of_commit(stream, commit.previous, &stored.payload),
        state,
        occurred_at: commit.occurred_at,
    })
}
