//! Instances in the log: the latest states in memory, and transactions on them.
//!
//! What waits together for one instance is decided together ([`round`]) and stored as one commit.

mod devices;
mod rights;
pub(crate) mod round;

use std::{cell::LazyCell, collections::VecDeque, future::ready, sync::Arc};

use berth_bus::{Bus, DeviceKeys};
use berth_domain::instance::{State, forgetful, never_was};
use berth_log::{
    DecodeError, Loaded, Next, Pages, Plan, Stored, TransactError, Transacted, Writer, Written, decode_commit,
};
use berth_proto::{
    AccountId, CommandId, DirectoryId, InstanceId, RecordV1, StreamId, StreamKey, Timestamp,
    command::{AbandonCreateV1, Command},
    commit::OutcomeCodeV1,
    event::Event,
    frame::{AcceptedV1, CommandReplyV1, RejectionCodeV1, RejectionV1},
    instance::PhaseV1,
    subject::tail_subject,
};
use berth_runtime::chain;
use bytes::Bytes;
use tracing::{debug, error};

use self::round::{Answer, InstanceCommand};
use crate::{
    account_versions::AccountVersions, asker::Asker, cache::StateCache, directory::Cause, metrics,
    trouble::Trouble,
};

/// The instances in the log.
#[derive(Debug)]
pub(crate) struct Instances {
    writer: Writer,
    states: StateCache,
    versions: Arc<AccountVersions>,
    bus: Arc<dyn Bus>,
    device_keys: Arc<dyn DeviceKeys>,
}

// === impl Instances ===

impl Instances {
    pub(crate) const fn new(
        writer: Writer,
        states: StateCache,
        versions: Arc<AccountVersions>,
        bus: Arc<dyn Bus>,
        device_keys: Arc<dyn DeviceKeys>,
    ) -> Self {
        Self { writer, states, versions, bus, device_keys }
    }

    /// Decides commands that need nothing but their instance, as few commits as they fit into.
    pub(crate) async fn command(&self, instance: InstanceId, batch: Vec<(InstanceCommand, Asker)>) {
        let (asked, mut repliers): (Vec<_>, VecDeque<_>) = batch.into_iter().unzip();
        let mut rest = asked.as_slice();
        while !rest.is_empty() {
            match Box::pin(self.transact(instance, self.remembered(instance), rest)).await {
                Ok((loaded, answers)) => {
                    rest = rest.get(answers.len()..).unwrap_or_default();
                    let shown = LazyCell::new(|| shown(&loaded));
                    for (one, to) in answers.into_iter().zip(std::iter::from_fn(|| repliers.pop_front())) {
                        to.answer(&reply_with(&loaded, &shown, one));
                    }
                    self.remember(loaded);
                }
                Err(trouble) => {
                    let reply = trouble.reply();
                    for to in repliers {
                        to.answer(&reply);
                    }
                    return;
                }
            }
        }
    }

    /// Decides commands that wait for one instance and appends what they come to as one commit. Answers the
    /// first of them, at least one; the others did not fit. `remembered` is the instance as somebody saw it earlier.
    pub(crate) async fn transact(
        &self,
        instance: InstanceId,
        remembered: Option<Loaded<State>>,
        asked: &[InstanceCommand],
    ) -> Result<(Loaded<State>, Vec<Answer>), Trouble> {
        self.transact_with(instance, remembered, move |loaded, now| async move {
            Ok(self.decide(&loaded, asked, now).await.into_plan(loaded))
        })
        .await
    }

    /// Decides on an instance, appends what was decided, and tells whoever listens to it. `remembered` is the instance as
    /// somebody saw it earlier; without it the log is read, and what is remembered here is forgotten.
    pub(crate) async fn transact_with<T, F>(
        &self,
        instance: InstanceId,
        remembered: Option<Loaded<State>>,
        decide: impl Fn(Loaded<State>, Timestamp) -> F,
    ) -> Result<(Loaded<State>, T), Trouble>
    where
        F: Future<Output = Result<Plan<State, T>, Trouble>>,
    {
        if remembered.is_none() {
            self.states.forget(instance);
        }
        let done = self.writer.transact(StreamKey::instance(instance), remembered, decide).await;
        let done = done.inspect_err(|trouble| shout(instance, trouble))?;
        self.tell(instance, &done).await;
        Ok((done.loaded, done.answer))
    }

    /// Decides on an instance whose last commit is damaged, as far as it can be read, and appends behind the damage.
    /// [`TransactError::Sound`] if the last commit is not damaged.
    pub(crate) async fn transact_behind<T, F>(
        &self,
        instance: InstanceId,
        decide: impl Fn(Loaded<State>, Timestamp) -> F,
    ) -> Result<Transacted<State, T>, Trouble>
    where
        F: Future<Output = Result<Plan<State, T>, Trouble>>,
    {
        self.states.forget(instance);
        let writer = self.writer.behind_damage()?;
        let done = writer.transact(StreamKey::instance(instance), None, decide).await?;
        self.tell(instance, &done).await;
        Ok(done)
    }

    /// Tells whoever listens to an instance of the commit that was appended, if any was.
    async fn tell<T>(&self, instance: InstanceId, done: &Transacted<State, T>) {
        let Some(Written { commands, events }) = done.written else { return };
        metrics::batch(commands);
        let version = done.loaded.version();
        debug!(%instance, version, commands, events, "appended");
        if events == 0 {
            // Whoever listens is told of events, and there are none.
            return;
        }
        let hint = Bytes::copy_from_slice(&version.to_be_bytes());
        if let Err(error) = self.bus.publish(&tail_subject(instance), hint).await {
            debug!(%instance, version, %error, "nobody was told of a commit: readers find it by themselves");
        }
    }

    /// Appends a commit that changes nothing and says that something of ours was done. On a tombstone only the end of its clean-up is noted:
    /// an instance that was deleted since it was loaded gets no note.
    pub(crate) async fn note(&self, loaded: Loaded<State>, cause: &Cause) -> Result<(), Trouble> {
        let is_tombstone = |loaded: &Loaded<State>| loaded.state.as_ref().is_some_and(is_deleted);
        let was_tombstone = is_tombstone(&loaded);
        let decide = |loaded: Loaded<State>, _| {
            let receipts = vec![cause.receipt(OutcomeCodeV1::Unchanged, 0)];
            let is_same = is_tombstone(&loaded) == was_tombstone;
            ready(Ok::<_, Trouble>(match loaded.state.clone().filter(|_| is_same) {
                Some(state) => {
                    Plan::Append(loaded, Next { receipts, events: Vec::new(), state, account_version: 0 }, ())
                }
                None => Plan::Keep(loaded, ()),
            }))
        };
        let done = self.writer.transact(loaded.stream, Some(loaded), decide).await?;
        self.remember(done.loaded);
        Ok(())
    }

    /// Makes sure that a create which has not happened never will. False if the instance exists. `creating` is the
    /// command that reserved its entries.
    pub(crate) async fn rule_out(
        &self,
        instance: InstanceId,
        account: AccountId,
        entry: DirectoryId,
        creating: CommandId,
    ) -> Result<bool, Trouble> {
        let command = Command::from(AbandonCreateV1 { account, entry });
        let cause = Cause::own("abandon", instance.as_bytes()).caused_by(Some(creating));
        let request = cause.request(instance, &command)?;
        let asked = InstanceCommand { request, command };
        let one = std::slice::from_ref(&asked);
        let (loaded, _) = self.transact(instance, self.remembered(instance), one).await?;
        let given_up = loaded.state.as_ref().is_some_and(never_was);
        self.remember(loaded);
        Ok(given_up)
    }

    /// Reads the last commit of an instance.
    pub(crate) async fn load(&self, instance: InstanceId) -> Result<Loaded<State>, Trouble> {
        let loaded = self.writer.load(&StreamKey::instance(instance)).await.map_err(Trouble::from);
        loaded.inspect_err(|trouble| shout(instance, trouble))
    }

    /// Whether an instance was created.
    pub(crate) async fn exists(&self, instance: InstanceId) -> Result<bool, Trouble> {
        Ok(self.load(instance).await?.state.is_some_and(|state| !never_was(&state)))
    }

    /// The instance as it was remembered, which it is not any more: a transaction on it remembers the next one.
    pub(crate) fn remembered(&self, instance: InstanceId) -> Option<Loaded<State>> {
        self.states.take(instance)
    }

    /// Remembers a state for the next command.
    pub(crate) fn remember(&self, loaded: Loaded<State>) {
        if let Some(instance) = loaded.stream.as_instance().filter(|_| loaded.tail.is_some()) {
            self.states.put(instance, loaded);
        }
    }

    /// The reply to one command on the stream as it is after it, which is remembered for the next one.
    pub(crate) fn concluded(&self, loaded: Loaded<State>, answer: Option<Answer>) -> CommandReplyV1 {
        let replied = answer.map(|answer| reply(&loaded, answer));
        self.remember(loaded);
        replied.unwrap_or_else(|| rejected(RejectionCodeV1::Changed))
    }

    /// Gathers something from every event that an instance ever had, and the moment of each, but for those of damaged commits.
    /// What a newer release wrote is an error.
    pub(crate) async fn gather<T>(
        &self,
        instance: InstanceId,
        gather: impl Fn(Event, Timestamp) -> Vec<T> + Send,
    ) -> Result<Vec<T>, Trouble> {
        let stream = StreamKey::instance(instance);
        let (mut found, mut pages) = (Vec::new(), Pages::after(self.writer.log(), &stream, 0));
        while let Some(page) = pages.next().await? {
            for place in page {
                if let Some((events, at)) = place.decoded(events_of)? {
                    found.extend(events.into_iter().flat_map(|event| gather(event, at)));
                }
            }
        }
        Ok(found)
    }
}

/// The events of a stored commit, and its moment.
fn events_of(stored: &Stored) -> Result<(Vec<Event>, Timestamp), DecodeError> {
    let (stream, revision) = (stored.stream, stored.tail.revision);
    let commit = decode_commit(stored)?;
    let mut events = Vec::with_capacity(commit.events.len());
    for record in &commit.events {
        match Event::from_record(record).map_err(|source| DecodeError::Bytes { stream, revision, source }) {
            Ok(event) => events.push(event),
            Err(error) if error.is_newer() => return Err(error),
            Err(_) => {}
        }
    }
    Ok((events, commit.occurred_at))
}

fn shout(instance: InstanceId, trouble: &Trouble) {
    if let Trouble::Log(TransactError::Damaged { .. }) = trouble {
        let reason = chain(trouble);
        error!(%instance, reason, "the last commit of an instance is damaged: it refuses commands");
    }
}

/// The reply to one command on the stream as it is after it.
pub(crate) fn reply(loaded: &Loaded<State>, answer: Answer) -> CommandReplyV1 {
    reply_with(loaded, &LazyCell::new(|| shown(loaded)), answer)
}

/// The state as it is told to whoever asked, without the commands that it remembers, which are half of it and concern only
/// those who decide.
fn shown(loaded: &Loaded<State>) -> Result<RecordV1, CommandReplyV1> {
    let Some(state) = &loaded.state else {
        return Err(CommandReplyV1::Unavailable { reason: "an accepted command left no state".to_owned() });
    };
    RecordV1::of(&forgetful(state)).map_err(|error| Trouble::from(error).reply())
}

/// The same reply with a state that is encoded once for all who are answered, and not at all for a rejection.
fn reply_with<F: FnOnce() -> Result<RecordV1, CommandReplyV1>>(
    loaded: &Loaded<State>,
    shown: &LazyCell<Result<RecordV1, CommandReplyV1>, F>,
    answer: Answer,
) -> CommandReplyV1 {
    match answer {
        Answer::Accepted { outcome, replayed } => match &**shown {
            Ok(state) => CommandReplyV1::Accepted(AcceptedV1 {
                stream_id: StreamId::from_bytes(*loaded.stream.id()),
                outcome,
                replayed,
                version: loaded.version(),
                state: state.clone(),
            }),
            Err(reply) => reply.clone(),
        },
        Answer::Rejected { code, state } => CommandReplyV1::Rejected(RejectionV1 { code, state }),
        Answer::Unavailable { reason } => CommandReplyV1::Unavailable { reason },
    }
}

pub(crate) fn rejected(code: RejectionCodeV1) -> CommandReplyV1 {
    CommandReplyV1::Rejected(RejectionV1 { code, state: None })
}

pub(crate) fn is_deleted(state: &State) -> bool {
    matches!(state.phase, PhaseV1::Deleted { .. })
}
