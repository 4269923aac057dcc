//! Deleting an instance: append, then release its entries and destroy its keys.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, DeviceKeys, KeyRing, RequestError};
use berth_domain::instance::{State, binding, is_lost, left_there, never_was};
use berth_log::{Loaded, TransactError};
use berth_proto::{
    InstanceId, Timestamp,
    frame::{CommandReplyV1, RejectionCodeV1},
    instance::{PhaseV1, UnlinkStatusV1},
    subject::last_words_subject,
};
use berth_runtime::{Clock, chain};
use bytes::Bytes;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::names_here::NamesHere;
use crate::{
    accounts::Accounts,
    cause::Cause,
    directory::Directory,
    entries::Entries,
    instances::{
        Instances, is_deleted, rejected, reply,
        round::{Answer, InstanceCommand},
    },
    names_there::NamesThere,
    trouble::Trouble,
};

/// Attempts, the last ones, whose device keys are deleted with an instance; older ones ended long before.
const DEVICE_KEYS_SWEPT_MAX: u32 = 256;
/// How long a deletion waits until the webhooks service has kept what the last notices need: less than a gateway waits for
/// the deletion. Thousands of instances that are deleted together wait for each other there.
const LAST_WORDS_MAX: Duration = Duration::from_secs(5);
/// How long after a deletion its instance's key waits for a webhooks service that does not come to it, or starts again: neither
/// thousands that are deleted together nor one that is deleted at that moment shall lose their last words, and nothing is kept for long.
pub(crate) const LAST_WORDS_PATIENCE_SECONDS: i64 = 120;
/// How long after it was asked the webhooks service is asked again when it has too much to do.
const LAST_WORDS_AGAIN: Duration = Duration::from_millis(100);
/// How long after it was found that something is kept of what an attempt left at an upstream it is looked at again.
const LEFT_THERE_AGAIN_SECONDS: i64 = 60;
/// What our own receipt in the last commit of a deleted instance is called.
pub(crate) const ERASURE: &str = "erasure";

/// Deletes instances.
#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) instances: Arc<Instances>,
    /// Knows which endpoints hear of an instance besides its own.
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) entries: Entries,
    /// Whose name there is held as long as something of it is left there.
    pub(crate) names_there: NamesThere,
    pub(crate) directory: Directory,
    /// Knows which entries an unfinished move left.
    pub(crate) names_here: NamesHere,
    pub(crate) keys: KeyRing,
    pub(crate) device_keys: Arc<dyn DeviceKeys>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
}

// === impl Delete ===

impl Delete {
    /// Deletes an instance and cleans up after it. The answer waits for the clean-up, so that the name is free
    /// then, but does not depend on it: the process manager finishes what fails here.
    pub(crate) async fn run(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
    ) -> Result<CommandReplyV1, Trouble> {
        let remembered = self.instances.remembered(instance);
        let one = std::slice::from_ref(asked);
        let (loaded, answers) = match self.instances.transact(instance, remembered, one).await {
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
        Ok(self.instances.concluded(loaded, Some(answer)))
    }

    /// The reply to a delete, after the clean-up.
    pub(super) async fn deleted(
        &self,
        instance: InstanceId,
        tombstone: Loaded<State>,
        answer: Answer,
    ) -> CommandReplyV1 {
        let answered = reply(&tombstone, answer);
        self.clean_up(instance, tombstone).await;
        answered
    }

    pub(super) async fn clean_up(&self, instance: InstanceId, tombstone: Loaded<State>) {
        if let Err(trouble) = self.erase(instance, tombstone).await {
            let reason = chain(&trouble);
            warn!(%instance, reason, "what a deleted instance leaves is cleaned up later");
        }
    }

    /// Releases the entries of a deleted instance, destroys its data key, deletes keys of devices that are not
    /// to be unlinked any more, and notes in the log that this is done. Gives the moment to come back at if something is still kept.
    pub(crate) async fn erase(
        &self,
        instance: InstanceId,
        deleted: Loaded<State>,
    ) -> Result<Option<Timestamp>, Trouble> {
        let Some(state) = deleted.state.as_ref().filter(|state| is_deleted(state)) else {
            return Ok(None);
        };
        if never_was(state) {
            return Ok(None);
        }
        let now = self.clock.now();
        let cause = Cause::own(ERASURE, instance.as_bytes());
        self.names_here.release_former_of_open(instance, state, &cause).await?;
        let command_ids = state.keyed.iter().map(|known| known.command_id).collect();
        self.entries.release(state.account, instance, &state.entries, command_ids, true, &cause).await?;
        // Where this was done before there is nothing left that could be told.
        let is_erased = matches!(self.keys.key(instance.as_bytes()).await, Ok(None));
        if !is_erased {
            // It has its own, unless it was made before names there were reserved and the process manager has not come to it.
            if let Err(trouble) =
                self.names_there.reserve(instance, state.account, &state.settings, &cause).await
            {
                debug!(%instance, reason = chain(&trouble), "a name at an upstream is not held for what is left there");
            }
            self.keep_last_words(instance, state).await?;
            self.keys.destroy(instance.as_bytes()).await?;
        }
        let pursued = |attempt: u32| {
            let mut unlinks = state.unlinks.iter();
            unlinks.any(|one| one.attempt == attempt && one.status == UnlinkStatusV1::Pending)
        };
        // What its last attempt began at an upstream may still have to be ended there, which needs the name that is in the keys: whoever
        // owns the link deletes them then. What ended longer ago was seen to, or is given up.
        let left = left_there(state).filter(|left| left.until > now).map(|left| left.attempt);
        // A device that was found at an upstream is kept under the next attempt before anybody is told of it.
        let found = u32::from(binding(state).is_some());
        let newest = if is_lost(state) { DEVICE_KEYS_SWEPT_MAX } else { state.attempt.saturating_add(found) };
        let oldest = newest.saturating_sub(DEVICE_KEYS_SWEPT_MAX);
        for attempt in (oldest + 1..=newest).filter(|attempt| !pursued(*attempt) && left != Some(*attempt)) {
            self.device_keys.delete(instance, attempt).await?;
        }
        if let Some(attempt) = left
            && self.device_keys.get(instance, attempt).await?.is_some()
        {
            return Ok(Some(now.plus_seconds(LEFT_THERE_AGAIN_SECONDS)));
        }
        self.instances.note(deleted, &cause).await.map(|()| None)
    }

    /// Lets the webhooks service keep what the last notices of the instance need, before its data key is gone. A
    /// deletion depends on nobody: where nobody serves or answers within minutes, these notices are lost. Until
    /// then the process manager comes back to it.
    async fn keep_last_words(&self, instance: InstanceId, state: &State) -> Result<(), Trouble> {
        if !self.is_anybody_told(state).await {
            return Ok(());
        }
        let subject = last_words_subject(instance);
        let deadline = Instant::now() + LAST_WORDS_MAX;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.bus.request(&subject, Bytes::new(), left).await {
                Ok(_) => return Ok(()),
                Err(RequestError::Overloaded { .. }) if left > LAST_WORDS_AGAIN => {
                    sleep(LAST_WORDS_AGAIN).await;
                }
                // Nobody serves while the only one starts again, and a connection that is lost comes back.
                Err(_) if self.is_just_deleted(state) => return Err(Trouble::LastWords),
                Err(error) => {
                    let reason = chain(&error);
                    warn!(%instance, reason, "the last webhook notices of a deleted instance may be lost");
                    return Ok(());
                }
            }
        }
    }

    /// Whether an endpoint may be told of the deletion: one of the instance, or one that stands with its account. Where the
    /// account cannot be read, whoever keeps the last words is to find out.
    async fn is_anybody_told(&self, state: &State) -> bool {
        if state.webhooks.iter().any(|webhook| webhook.enabled) {
            return true;
        }
        let Ok(account) = self.accounts.load(state.account).await else { return true };
        account.state.as_ref().is_some_and(|account| account.webhooks.iter().any(|webhook| webhook.enabled))
    }

    /// Whether the last words of an instance are still waited for. The clock of whoever deleted it may be ahead of this one, but not
    /// by minutes: a deletion that lies further ahead was long ago.
    pub(crate) fn is_just_deleted(&self, state: &State) -> bool {
        let PhaseV1::Deleted { at } = state.phase else { return false };
        let now = self.clock.now();
        at < now.plus_seconds(LAST_WORDS_PATIENCE_SECONDS)
            && now < at.plus_seconds(LAST_WORDS_PATIENCE_SECONDS)
    }
}
