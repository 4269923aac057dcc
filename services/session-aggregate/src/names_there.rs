//! Names at upstreams: an instance there has one living instance here at most, whichever account that belongs to.
//!
//! Whoever has a name there has the session behind it: two instances of one name would read each other's messages, and end each
//! other's sessions. So the name is reserved in the directory, beside those that the instance has here, before the instance exists; a
//! create and an adoption that come at once are decided by that. A rename here changes nothing of it, and a move to another account
//! takes it along.
//!
//! Nothing releases it when its instance is deleted: what that left there is ended later, by whoever owns its link, and the name there
//! can be opened by nobody any more. It is taken over instead, by the next instance that is to have it, and only if nothing of the
//! former one is left there. A tombstone never lives again, so nobody can lose what was found out of it.

use std::sync::Arc;

use berth_bus::{DeviceKeys, KeyRing};
use berth_domain::instance::{State, UNLINK_SECONDS, binding_in, is_lost, left_there, never_was};
use berth_log::TransactError;
use berth_proto::{
    AccountId, DirectoryId, InstanceId, WriteVersion,
    commit::{OutcomeCodeV1, PrincipalV1, ReceiptV2},
    directory::{HoldV1, PurposeV1},
    frame::RejectionCodeV1,
    instance::{PhaseV1, SettingsBlockV1, UnlinkStatusV1},
};
use berth_runtime::{Clock, sealing::field};

use crate::{
    cause::Cause,
    directory::{Directory, Holder},
    entries::former,
    instances::{Instances, is_deleted},
    trouble::Trouble,
};

/// Times that a name is tried for which others reserve meanwhile.
const TRIES_MAX: usize = 3;
/// Seconds after what an attempt left there is given up in which a last try to end it may still run.
const LAST_TRY_SECONDS: i64 = 60;
/// What our own receipt is called that says in an instance's stream that its name there is reserved.
pub(crate) const RESERVED: &str = "name there";

/// The names that instances have at upstreams.
#[derive(Debug, Clone)]
pub(crate) struct NamesThere {
    pub(crate) instances: Arc<Instances>,
    pub(crate) directory: Directory,
    pub(crate) keys: KeyRing,
    pub(crate) device_keys: Arc<dyn DeviceKeys>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Before the write version that knows them nothing is reserved: a process of the release before could not read it, and
    /// its view of open work would stand still. Instances of that time are seen to by the process manager after the raise.
    pub(crate) write_version: WriteVersion,
}

/// How the holder of a name there stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// It lives, or may be about to.
    Here,
    /// It is deleted, and what it left there is still to be ended.
    Leaving,
    /// It is deleted, and what it left there was given up: its device may be linked there still.
    GivenUp,
    /// Nothing of it is left there.
    Gone,
}

// === impl NamesThere ===

impl NamesThere {
    /// Reserves the name there of an instance that has these settings, or is to have them. Says why it cannot be had; one that
    /// is on no upstream needs none.
    pub(crate) async fn reserve(
        &self,
        instance: InstanceId,
        account: AccountId,
        settings: &[SettingsBlockV1],
        cause: &Cause,
    ) -> Result<Option<RejectionCodeV1>, Trouble> {
        let Some(entry) = self.entry(instance, settings).await? else { return Ok(None) };
        let wanted = HoldV1 {
            purpose: PurposeV1::NameAtUpstream,
            account,
            instance: Some(instance),
            credential_version: 0,
            command_id: cause.command_id,
            digest: cause.digest,
            at: self.clock.now(),
            blueprint: None,
        };
        // Another process may write entries already, and this one reads them.
        let writes = self.write_version.names_at_upstreams();
        for _ in 0..TRIES_MAX {
            let held = if writes {
                let reserved = self.directory.reserve(entry, wanted.clone(), cause).await?;
                Some(reserved.unwrap_or_else(|refused| *refused.by))
            } else {
                self.directory.holder(entry).await?
            };
            // Another one's hold may be that of an earlier try of the command, which was given up.
            let Some(by) = held.filter(|hold| hold.instance != Some(instance)) else { return Ok(None) };
            let Some(holder) = by.instance else { return Ok(Some(RejectionCodeV1::NameTaken)) };
            let is_operator = cause.principal == PrincipalV1::Root;
            match self.stands(holder).await? {
                Stands::Here => return Ok(Some(RejectionCodeV1::NameTaken)),
                Stands::Leaving => return Ok(Some(RejectionCodeV1::StillLeaving)),
                // Only an operator gives away what may be another account's session.
                Stands::GivenUp if by.account != account && !is_operator => {
                    return Ok(Some(RejectionCodeV1::NameTaken));
                }
                Stands::GivenUp | Stands::Gone if !writes => return Ok(None),
                Stands::GivenUp | Stands::Gone => {
                    let holds = Holder { account: by.account, instance: by.instance };
                    self.directory.release(entry, holds, &former(holder), cause).await?;
                }
            }
        }
        Ok(Some(RejectionCodeV1::NameTaken))
    }

    /// The entry says which account its instance belongs to from now on.
    pub(crate) async fn rehold(&self, instance: InstanceId, state: &State) -> Result<(), Trouble> {
        let holder = Holder { account: state.account, instance: Some(instance) };
        match self.entry(instance, &state.settings).await? {
            Some(entry) => self.directory.rehold(entry, holder).await,
            None => Ok(()),
        }
    }

    /// Reserves the name there of an instance that was made before names there were reserved, and notes that in its stream. False if
    /// another one has it.
    pub(crate) async fn reserve_later(&self, instance: InstanceId) -> Result<bool, Trouble> {
        let loaded = self.instances.load(instance).await?;
        let Some(state) = loaded.state.as_ref().filter(|state| !is_deleted(state)) else { return Ok(true) };
        let cause = cause_of(instance);
        if self.reserve(instance, state.account, &state.settings, &cause).await?.is_some() {
            return Ok(false);
        }
        // It may have been moved or deleted meanwhile.
        let loaded = self.instances.load(instance).await?;
        let Some(state) = loaded.state.clone().filter(|state| !is_deleted(state)) else { return Ok(true) };
        self.instances.note(loaded, &cause).await?;
        self.rehold(instance, &state).await.map(|()| true)
    }

    /// What the first commit of an instance with these settings says besides: its name there was reserved before it. None if there
    /// is none.
    pub(crate) fn receipt(&self, instance: InstanceId, settings: &[SettingsBlockV1]) -> Option<ReceiptV2> {
        let is_on_upstream = binding_in(settings).is_some_and(|bound| bound.on_upstream().is_some());
        let is_reserved = self.write_version.names_at_upstreams() && is_on_upstream;
        is_reserved.then(|| cause_of(instance).receipt(OutcomeCodeV1::Unchanged, 0))
    }

    /// The entry of an instance's name there; none if it is on no upstream, or erased.
    async fn entry(
        &self,
        instance: InstanceId,
        settings: &[SettingsBlockV1],
    ) -> Result<Option<DirectoryId>, Trouble> {
        let Some(bound) = binding_in(settings) else { return Ok(None) };
        let Some(upstream) = bound.on_upstream() else { return Ok(None) };
        let owner = instance.as_bytes();
        let Some(key) = self.keys.key(owner).await? else { return Ok(None) };
        let name = key.open_text(owner, field::SETTINGS, bound.name);
        let name = name.map_err(|_| Trouble::NoKey { owner: instance })?;
        Ok(Some(self.keys.master().entry_at_upstream(upstream, &name)))
    }

    async fn stands(&self, holder: InstanceId) -> Result<Stands, Trouble> {
        let state = match self.instances.load(holder).await {
            // What cannot be read may be anything.
            Err(Trouble::Log(TransactError::Damaged { .. })) => None,
            loaded => loaded?.state,
        };
        // One that is not there yet is about to be made, or given up by the process manager.
        let Some(state) = state.filter(is_deleted) else { return Ok(Stands::Here) };
        if never_was(&state) {
            return Ok(Stands::Gone);
        }
        let now = self.clock.now();
        if is_lost(&state) {
            // Nobody knows what it left, nor can end it: no name and no keys are kept of it.
            let is_recent =
                matches!(state.phase, PhaseV1::Deleted { at } if at.plus_seconds(UNLINK_SECONDS) > now);
            return Ok(if is_recent { Stands::Leaving } else { Stands::GivenUp });
        }
        let has = |status| state.unlinks.iter().any(|unlink| unlink.status == status);
        let is_ended = match left_there(&state) {
            // Whoever ends it deletes then what was kept of the attempt.
            Some(left) if left.until > now => self.device_keys.get(holder, left.attempt).await?.is_none(),
            Some(left) => left.until.plus_seconds(LAST_TRY_SECONDS) <= now,
            None => true,
        };
        Ok(if has(UnlinkStatusV1::Pending) || !is_ended {
            Stands::Leaving
        } else if has(UnlinkStatusV1::Abandoned) {
            Stands::GivenUp
        } else {
            Stands::Gone
        })
    }
}

fn cause_of(instance: InstanceId) -> Cause {
    Cause::own(RESERVED, instance.as_bytes())
}
