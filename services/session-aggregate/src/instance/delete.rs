//! What comes after a delete, and giving up a create: entries are released, keys destroyed.

use std::{future::ready, time::Duration};

use berth_log::{Loaded, Next, Plan, TransactError};
use berth_proto::{
    AccountId, CommitV2, DirectoryId, InstanceId,
    command::{AbandonCreateV1, Command},
    commit::{OutcomeCodeV1, OutcomeV1, PrincipalV1},
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1, TargetV1},
    instance::{PhaseV1, UnlinkStatusV1},
    subject::last_words_subject,
};
use berth_session::State;
use bytes::Bytes;
use tracing::warn;

use super::{Asked, rejected, round::Answer, transaction::render};
use crate::{
    aggregate::Aggregate,
    directory::{Cause, Holder},
    trouble::{Trouble, chain},
};

/// Seconds after which a create that nobody finished is given up.
pub(crate) const ABANDON_AFTER_SECONDS: i64 = 60;
/// Attempts, the last ones, whose device keys are deleted with an instance; older ones ended long before.
const DEVICE_KEYS_SWEPT_MAX: u32 = 256;
/// How long a deletion waits until the webhooks service has kept what the last notices need.
const LAST_WORDS_MAX: Duration = Duration::from_secs(2);
/// What our own receipt in the last commit of a deleted instance is called.
const ERASURE: &str = "erasure";

impl Aggregate {
    /// Deletes an instance and cleans up after it. The answer waits for the clean-up, so that the name is free
    /// then, but does not depend on it: the process manager finishes what fails here.
    pub(super) async fn delete(
        &self,
        instance: InstanceId,
        asked: &Asked,
    ) -> Result<CommandReplyV1, Trouble> {
        let (loaded, answers) = match self.transact(instance, std::slice::from_ref(asked)).await {
            Err(damaged @ Trouble::Log(TransactError::Damaged { .. })) => {
                return Box::pin(self.bury(instance, asked, damaged)).await;
            }
            done => done?,
        };
        let Some(answer) = answers.into_iter().next() else {
            return Ok(rejected(RejectionCodeV1::Changed));
        };
        if matches!(answer, Answer::Accepted { replayed: false, .. }) {
            return Ok(self.deleted(instance, loaded, answer).await);
        }
        let reply = render(instance, &loaded, answer);
        self.keep(instance, loaded);
        Ok(reply)
    }

    /// The reply to a delete, after the clean-up.
    pub(super) async fn deleted(
        &self,
        instance: InstanceId,
        tombstone: Loaded<State>,
        answer: Answer,
    ) -> CommandReplyV1 {
        let reply = render(instance, &tombstone, answer);
        self.clean_up(instance, tombstone).await;
        reply
    }

    pub(super) async fn clean_up(&self, instance: InstanceId, tombstone: Loaded<State>) {
        if let Err(trouble) = self.erase(instance, tombstone).await {
            let reason = chain(&trouble);
            warn!(%instance, reason, "what a deleted instance leaves is cleaned up later");
        }
    }

    /// Releases the entries of a deleted instance, destroys its data key, deletes keys of devices that are not
    /// to be unlinked any more, and notes in the log that this is done.
    pub(crate) async fn erase(&self, instance: InstanceId, deleted: Loaded<State>) -> Result<(), Trouble> {
        let Some(state) = deleted.state.as_ref().filter(|state| is_deleted(state)) else {
            return Ok(());
        };
        if berth_session::never_was(state) {
            return Ok(());
        }
        let cause = Cause::own(ERASURE, instance.as_bytes());
        self.release_former_places(instance, state, &cause).await?;
        let command_ids = state.keyed.iter().map(|known| known.command_id).collect();
        self.release_entries(state.account, instance, &state.entries, command_ids, true, &cause).await?;
        self.keep_last_words(instance, state).await;
        self.ports.keys.destroy(instance.as_bytes()).await?;
        let pursued = |attempt: u32| {
            let mut unlinks = state.unlinks.iter();
            unlinks.any(|one| one.attempt == attempt && one.status == UnlinkStatusV1::Pending)
        };
        let newest = if berth_session::is_lost(state) { DEVICE_KEYS_SWEPT_MAX } else { state.attempt };
        let oldest = newest.saturating_sub(DEVICE_KEYS_SWEPT_MAX);
        for attempt in (oldest + 1..=newest).filter(|attempt| !pursued(*attempt)) {
            self.ports.device_keys.delete(instance, attempt).await?;
        }
        self.note(instance, deleted, &cause).await
    }

    /// Lets the webhooks service keep what the last notices of the instance need, before its data key is gone. A
    /// deletion depends on nobody: without an answer in time these notices are lost.
    async fn keep_last_words(&self, instance: InstanceId, state: &State) {
        if !state.webhooks.iter().any(|webhook| webhook.enabled) {
            return;
        }
        let subject = last_words_subject(instance);
        if let Err(error) = self.ports.bus.request(&subject, Bytes::new(), LAST_WORDS_MAX).await {
            let reason = chain(&error);
            warn!(%instance, reason, "the last webhook notices of a deleted instance may be lost");
        }
    }

    /// Appends a commit that changes nothing and says that something of ours was done.
    pub(super) async fn note(
        &self,
        instance: InstanceId,
        loaded: Loaded<State>,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let decide = |loaded: Loaded<State>, _| {
            let receipts = vec![cause.receipt(OutcomeCodeV1::Unchanged, 0)];
            ready(Ok::<_, Trouble>(match loaded.state.clone() {
                Some(state) => Plan::Append(loaded, Next { receipts, events: Vec::new(), state }, ()),
                None => Plan::Keep(loaded, ()),
            }))
        };
        let done = self.writer.transact(loaded.stream, Some(loaded), decide).await?;
        self.keep(instance, done.loaded);
        Ok(())
    }

    /// Gives up a create that nobody finished. Only our own process manager asks for it.
    pub(super) async fn abandon(
        &self,
        instance: InstanceId,
        asked: &Asked,
        abandon: &AbandonCreateV1,
    ) -> Result<CommandReplyV1, Trouble> {
        if asked.request.principal != PrincipalV1::Service {
            return Ok(rejected(RejectionCodeV1::NotFound));
        }
        let held = self.directory.holder(abandon.entry).await?;
        let holder = Holder { account: abandon.account, instance: Some(instance) };
        let ours = held.filter(|hold| holder.holds(hold));
        let Some((at, blueprint)) = ours.and_then(|hold| Some((hold.at, hold.blueprint?))) else {
            return Ok(rejected(RejectionCodeV1::Changed));
        };
        let now = self.ports.clock.now();
        let too_far = now.plus_seconds(berth_session::AHEAD_SECONDS);
        // A hold that is dated ahead is of a clock that has come back since.
        if at.plus_seconds(ABANDON_AFTER_SECONDS) > now && at <= too_far {
            return Ok(rejected(RejectionCodeV1::OutOfPlace));
        }
        let cause = Cause::of(&asked.request);
        if self.tombstone(instance, abandon.account, abandon.entry).await? {
            let entries = &blueprint.entries;
            self.release_entries(abandon.account, instance, entries, Vec::new(), false, &cause).await?;
            self.ports.keys.destroy(instance.as_bytes()).await?;
        } else {
            self.settle(abandon.entry, abandon.account, instance).await?;
        }
        let loaded = self.load_instance(instance).await?;
        let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
        Ok(render(instance, &loaded, Answer::Accepted { outcome, replayed: false }))
    }

    /// Makes sure that a create which has not happened never will. False if the instance exists.
    pub(super) async fn tombstone(
        &self,
        instance: InstanceId,
        account: AccountId,
        entry: DirectoryId,
    ) -> Result<bool, Trouble> {
        let command = Command::from(AbandonCreateV1 { account, entry });
        let cause = Cause::own("abandon", instance.as_bytes());
        let target = TargetV1::Instance { instance, command: command.to_record()? };
        let request = CommandRequestV2 {
            command_id: cause.command_id,
            keyed: false,
            digest: cause.digest,
            principal: cause.principal,
            origin: cause.origin,
            causation: None,
            target,
            caller: None,
            traceparent: None,
        };
        let asked = Asked { request, command };
        let (loaded, _) = self.transact(instance, std::slice::from_ref(&asked)).await?;
        let given_up = loaded.state.as_ref().is_some_and(berth_session::never_was);
        self.keep(instance, loaded);
        Ok(given_up)
    }

    /// Remembers a state for the next command.
    pub(crate) fn keep(&self, instance: InstanceId, loaded: Loaded<State>) {
        if loaded.tail.is_some() {
            self.states.put(instance, loaded);
        }
    }
}

pub(super) fn is_deleted(state: &State) -> bool {
    matches!(state.phase, PhaseV1::Deleted { .. })
}

/// Whether a commit notes that what a deleted instance left is cleaned up.
pub(crate) fn erasure_recorded(instance: InstanceId, commit: &CommitV2) -> bool {
    let noted = Cause::own(ERASURE, instance.as_bytes()).command_id;
    commit.receipts.iter().any(|receipt| receipt.command_id == noted)
}
