//! Changing an instance's token: reserve the new one, append, release the old one.

use std::sync::Arc;

use berth_domain::instance::State;
use berth_log::Loaded;
use berth_proto::{
    AccountId, DirectoryId, InstanceId,
    command::RotateTokenV1,
    directory::{HoldV1, PurposeV1},
    event::Event,
    frame::{CommandReplyV1, RejectionCodeV1},
};
use berth_runtime::chain;
use tracing::debug;

use crate::{
    directory::{Cause, Directory, Holder},
    entries::{self, former},
    instances::{Instances, is_deleted, rejected, round::InstanceCommand},
    trouble::Trouble,
};

/// Changes tokens of instances.
#[derive(Debug)]
pub(crate) struct Rotate {
    pub(crate) instances: Arc<Instances>,
    pub(crate) directory: Directory,
}

// === impl Rotate ===

impl Rotate {
    /// Rotates the token. The reservation says which version the token has, so it is made anew whenever another
    /// command was first: at the moment of the append it is true.
    pub(crate) async fn run(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        rotate: &RotateTokenV1,
    ) -> Result<CommandReplyV1, Trouble> {
        let Some(new) = &rotate.token else {
            return Ok(rejected(RejectionCodeV1::Changed));
        };
        let cause = &Cause::of(&asked.request);
        let one = std::slice::from_ref(asked);
        let decide = move |loaded: Loaded<State>, now| async move {
            let round = self.instances.decide(&loaded, one, now).await;
            let before = loaded.state.as_ref().map(|state| (state.account, state.entries.token));
            let next = round.state.as_ref().filter(|_| round.commits()).map(|state| state.credential_version);
            let (Some((account, old)), Some(credential_version)) = (before, next) else {
                // An earlier attempt may have reserved it.
                if let Some((account, _)) = before.filter(|(_, current)| *current != new.entry) {
                    let holder = Holder { account, instance: Some(instance) };
                    self.directory.withdraw(new.entry, holder, &former(instance), cause).await?;
                }
                return Ok(round.into_plan(loaded).map(|answers| (answers, None)));
            };
            let hold = HoldV1 {
                credential_version,
                ..entries::hold(&asked.request, account, instance, PurposeV1::InstanceToken, now)
            };
            match self.directory.reserve(new.entry, hold, cause).await? {
                Ok(hold) if hold.instance == Some(instance) => {}
                Ok(_) | Err(_) => {
                    let refused = round.refused(&loaded, RejectionCodeV1::TokenTaken);
                    return Ok(refused.into_plan(loaded).map(|answers| (answers, None)));
                }
            }
            Ok(round.into_plan(loaded).map(|answers| (answers, Some((account, old)))))
        };
        let (loaded, (mut answers, former)) = self.instances.transact_with(instance, None, decide).await?;
        if let Some((account, old)) = former
            && let Err(trouble) = self.rotated(instance, account, new.entry, old, cause).await
        {
            debug!(%instance, reason = chain(&trouble), "a former token is released later");
        }
        Ok(self.instances.concluded(loaded, answers.pop()))
    }

    async fn rotated(
        &self,
        instance: InstanceId,
        account: AccountId,
        new: DirectoryId,
        old: DirectoryId,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let holder = Holder { account, instance: Some(instance) };
        if old != new {
            self.directory.release(old, holder, &former(instance), cause).await?;
        }
        self.directory.settle(new, holder).await
    }

    /// Finishes a rotation that a crash interrupted: every token that the instance ever had is released, but for
    /// the present one, and so is `reserved` if it never became one.
    pub(crate) async fn finish(&self, instance: InstanceId, reserved: DirectoryId) -> Result<(), Trouble> {
        let cause = Cause::own("rotation", reserved.as_bytes());
        let loaded = self.instances.load(instance).await?;
        let Some(state) = &loaded.state else { return Ok(()) };
        // Whoever still works on that rotation loses its append and reserves again; to what was deleted he can append nothing.
        if state.entries.token != reserved && !is_deleted(state) {
            self.instances.note(loaded, &cause).await?;
        }
        let Some(state) = self.instances.load(instance).await?.state else { return Ok(()) };
        let holder = Holder { account: state.account, instance: Some(instance) };
        let mut tokens = self.former_tokens(instance).await?;
        tokens.push(reserved);
        tokens.sort_unstable();
        tokens.dedup();
        for entry in tokens.into_iter().filter(|entry| *entry != state.entries.token) {
            self.directory.release(entry, holder, &former(instance), &cause).await?;
        }
        self.directory.settle(state.entries.token, holder).await
    }

    async fn former_tokens(&self, instance: InstanceId) -> Result<Vec<DirectoryId>, Trouble> {
        self.instances
            .gather(instance, |event, _| match event {
                Event::InstanceCreated(created) => vec![created.entries.token],
                Event::TokenRotated(rotated) => rotated.token.map(|token| token.entry).into_iter().collect(),
                _ => Vec::new(),
            })
            .await
    }
}
