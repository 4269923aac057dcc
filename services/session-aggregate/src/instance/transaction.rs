//! The transaction loop: load, decide, append; on a conflict load and decide again.

use std::time::Duration;

use berth_proto::{
    InstanceId, RecordV1, StreamKey,
    frame::{AcceptedV1, CommandReplyV1, RejectionV1},
    subject::tail_subject,
};
use berth_session::State;
use bytes::Bytes;
use tracing::{debug, error};

use super::round::{Answer, Asked, Round};
use crate::{
    aggregate::Aggregate,
    metrics,
    stream::{self, Loaded, NotAppended},
    trouble::Trouble,
};

/// Appends to one instance that are tried before it counts as contended.
pub(super) const ATTEMPTS_MAX: usize = 32;
/// Attempts after which a loser waits a little before the next one, so that replicas do not keep colliding.
const EAGER_ATTEMPTS: usize = 4;

impl Aggregate {
    /// Decides commands that wait for one instance and appends what they come to as one commit. Answers the
    /// first of them, at least one; the others did not fit.
    ///
    /// An answer rests either on an append, which the log refuses if the state was behind, or on a state that
    /// was read here: never on memory alone, since another replica may have appended.
    pub(super) async fn transact(
        &self,
        instance: InstanceId,
        asked: &[Asked],
    ) -> Result<(Loaded<State>, Vec<Answer>), Trouble> {
        let (mut loaded, mut fresh) = match self.states.take(instance) {
            Some(remembered) => (remembered, false),
            None => (self.load_instance(instance).await?, true),
        };
        for attempt in 0..ATTEMPTS_MAX {
            self.stand_back(attempt).await;
            let now = self.ports.clock.now();
            let round = Round::decide(instance, &loaded, asked, now, &*self.ports.device_keys).await;
            if round.commits() {
                match self.append_round(instance, &loaded, round).await {
                    Ok(done) => return Ok(done),
                    Err(NotAppended::Conflict) => metrics::conflict(),
                    Err(NotAppended::Trouble(trouble)) => return Err(trouble),
                }
            } else if fresh {
                return Ok((loaded, round.answers));
            }
            loaded = self.load_instance(instance).await?;
            fresh = true;
        }
        Err(Trouble::Contended { stream: StreamKey::instance(instance) })
    }

    /// Waits for a random while, up to a millisecond for each attempt that was lost.
    async fn stand_back(&self, attempt: usize) {
        if attempt > EAGER_ATTEMPTS {
            let micros = self.ports.entropy.below(1_000 * attempt as u64);
            tokio::time::sleep(Duration::from_micros(micros)).await;
        }
    }

    /// Reads the last commit of an instance.
    pub(crate) async fn load_instance(&self, instance: InstanceId) -> Result<Loaded<State>, Trouble> {
        let loaded = stream::load(&*self.ports.log, &StreamKey::instance(instance)).await;
        if let Err(trouble @ Trouble::Damaged { .. }) = &loaded {
            let reason = crate::trouble::chain(trouble);
            error!(%instance, reason, "the last commit of an instance is damaged: it refuses commands");
        }
        loaded
    }

    /// Appends a round and tells whoever listens to the instance.
    pub(super) async fn append_round(
        &self,
        instance: InstanceId,
        loaded: &Loaded<State>,
        round: Round,
    ) -> Result<(Loaded<State>, Vec<Answer>), NotAppended> {
        let stream = StreamKey::instance(instance);
        let count = round.receipts();
        let Some((step, answers)) = round.into_step() else {
            return Err(NotAppended::Trouble(Trouble::Contended { stream }));
        };
        let next = stream::append(&*self.ports.log, self.write_version, &stream, loaded, step).await?;
        metrics::batch(count);
        let version = next.version();
        debug!(%instance, version, commands = count, "appended");
        let hint = Bytes::copy_from_slice(&version.to_be_bytes());
        if let Err(error) = self.ports.bus.publish(&tail_subject(instance), hint).await {
            debug!(%instance, version, %error, "nobody was told of a commit: readers find it by themselves");
        }
        Ok((next, answers))
    }
}

/// The reply to one command on the stream as it is after it.
pub(super) fn render(instance: InstanceId, loaded: &Loaded<State>, answer: Answer) -> CommandReplyV1 {
    match answer {
        Answer::Accepted { outcome, replayed } => match loaded.state.as_ref().map(RecordV1::of) {
            Some(Ok(state)) => CommandReplyV1::Accepted(AcceptedV1 {
                stream_id: instance,
                outcome,
                replayed,
                version: loaded.version(),
                state,
            }),
            Some(Err(error)) => Trouble::Encode(error).reply(),
            None => CommandReplyV1::Unavailable { reason: "an accepted command left no state".to_owned() },
        },
        Answer::Rejected { code, state } => CommandReplyV1::Rejected(RejectionV1 { code, state }),
        Answer::Unavailable { reason } => CommandReplyV1::Unavailable { reason },
    }
}
