//! Transactions on one instance: the loop is that of [`berth_log::Writer`].

use berth_log::{Loaded, Plan, TransactError, Transacted};
use berth_proto::{
    InstanceId, RecordV1, StreamKey, Timestamp,
    frame::{AcceptedV1, CommandReplyV1, RejectionV1},
    subject::tail_subject,
};
use berth_session::State;
use bytes::Bytes;
use tracing::{debug, error};

use super::round::{Answer, Asked, Round};
use crate::{aggregate::Aggregate, metrics, trouble::Trouble};

impl Aggregate {
    /// Decides commands that wait for one instance and appends what they come to as one commit. Answers the
    /// first of them, at least one; the others did not fit.
    pub(super) async fn transact(
        &self,
        instance: InstanceId,
        asked: &[Asked],
    ) -> Result<(Loaded<State>, Vec<Answer>), Trouble> {
        let remembered = self.states.take(instance);
        let device_keys = &*self.ports.device_keys;
        self.change_instance_state(instance, remembered, move |loaded, now| async move {
            Ok(Round::decide(instance, &loaded, asked, now, device_keys).await.into_plan(loaded))
        })
        .await
    }

    /// Decides on an instance, appends what was decided, and tells whoever listens to the instance.
    pub(super) async fn change_instance_state<T, F>(
        &self,
        instance: InstanceId,
        remembered: Option<Loaded<State>>,
        decide: impl Fn(Loaded<State>, Timestamp) -> F,
    ) -> Result<(Loaded<State>, T), Trouble>
    where
        F: Future<Output = Result<Plan<State, T>, Trouble>>,
    {
        let done = self.writer.transact(StreamKey::instance(instance), remembered, decide).await;
        let Transacted { loaded, answer, appended } = done.inspect_err(|trouble| shout(instance, trouble))?;
        if let Some(commands) = appended {
            self.tell(instance, loaded.version(), commands).await;
        }
        Ok((loaded, answer))
    }

    /// Tells whoever listens to an instance of its last commit.
    pub(super) async fn tell(&self, instance: InstanceId, version: u64, commands: usize) {
        metrics::batch(commands);
        debug!(%instance, version, commands, "appended");
        let hint = Bytes::copy_from_slice(&version.to_be_bytes());
        if let Err(error) = self.ports.bus.publish(&tail_subject(instance), hint).await {
            debug!(%instance, version, %error, "nobody was told of a commit: readers find it by themselves");
        }
    }

    /// Reads the last commit of an instance.
    pub(crate) async fn load_instance(&self, instance: InstanceId) -> Result<Loaded<State>, Trouble> {
        let loaded = self.writer.load(&StreamKey::instance(instance)).await.map_err(Trouble::from);
        loaded.inspect_err(|trouble| shout(instance, trouble))
    }
}

fn shout(instance: InstanceId, trouble: &Trouble) {
    if let Trouble::Log(TransactError::Damaged { .. }) = trouble {
        let reason = crate::trouble::chain(trouble);
        error!(%instance, reason, "the last commit of an instance is damaged: it refuses commands");
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
            Some(Err(error)) => Trouble::from(error).reply(),
            None => CommandReplyV1::Unavailable { reason: "an accepted command left no state".to_owned() },
        },
        Answer::Rejected { code, state } => CommandReplyV1::Rejected(RejectionV1 { code, state }),
        Answer::Unavailable { reason } => CommandReplyV1::Unavailable { reason },
    }
}
