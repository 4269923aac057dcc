//! How a try begins: with its first entry, or where an earlier try of the command stopped.

use berth_proto::{
    InstanceId,
    command::CreateInstanceV1,
    directory::HoldV1,
    frame::{CommandRequestV2, RejectionCodeV1},
};

use super::{
    Create,
    draft::{Draft, with_blueprint},
};
use crate::{
    directory::{Cause, Claimed},
    entries::{blueprint, first_entry, hold, refusal},
    reseal,
    trouble::Trouble,
};

/// How a try begins.
pub(super) enum Begun {
    /// Not at all.
    Refused(RejectionCodeV1),
    /// An earlier try appended, and the stream says what became of it: nothing is to be reserved any more.
    Appended(Draft),
    /// An earlier try can never be finished, since the key of what it sealed is gone.
    Unreadable(Draft),
    /// With its first entry reserved; the rest is to be.
    Open(Draft),
}

// === impl Create ===

impl Create {
    /// Reserves the first entry, or finds what an earlier try reserved and what became of that.
    pub(super) async fn begin(
        &self,
        instance: InstanceId,
        request: &CommandRequestV2,
        create: &CreateInstanceV1,
    ) -> Result<Begun, Trouble> {
        if self.keys.key(instance.as_bytes()).await?.is_none() {
            return self.begin_without_key(instance, request, create).await;
        }
        let Claimed { hold: held, made } = match self.claim(instance, request, create).await? {
            Ok(claimed) => claimed,
            Err(code) => return Ok(Begun::Refused(code)),
        };
        let draft = Draft::recorded(instance, create, &held, made);
        if !made {
            if self.instances.load(draft.instance).await?.state.is_some() {
                return Ok(Begun::Appended(draft));
            }
            if held.blueprint.is_none() {
                return Ok(Begun::Refused(RejectionCodeV1::Changed));
            }
        }
        self.resealed(instance, create, &held, draft).await
    }

    /// The key of the id was destroyed when the id came to nothing: what was sealed with it cannot be read any more. If it
    /// did because an earlier try had made the instance, the answer to that was lost, and is the answer now.
    async fn begin_without_key(
        &self,
        instance: InstanceId,
        request: &CommandRequestV2,
        create: &CreateInstanceV1,
    ) -> Result<Begun, Trouble> {
        let held = self.directory.holder(first_entry(&create.entries).0).await?;
        let is_ours = |hold: &HoldV1| (hold.command_id, hold.digest) == (request.command_id, request.digest);
        if let Some(held) = held.filter(is_ours) {
            let draft = Draft::recorded(instance, create, &held, false);
            if self.instances.exists(draft.instance).await? {
                return Ok(Begun::Appended(draft));
            }
        }
        Ok(Begun::Refused(RejectionCodeV1::Changed))
    }

    /// Reserves the first entry, or finds what an earlier try reserved.
    async fn claim(
        &self,
        instance: InstanceId,
        request: &CommandRequestV2,
        create: &CreateInstanceV1,
    ) -> Result<Result<Claimed, RejectionCodeV1>, Trouble> {
        let (entry, purpose) = first_entry(&create.entries);
        if entry != create.entries.name && self.directory.holder(entry).await?.is_none() {
            // Looked at before anything is written: a name that is taken is the most common refusal.
            let named = self.directory.holder(create.entries.name).await?;
            if named.is_some_and(|hold| hold.command_id != request.command_id) {
                return Ok(Err(RejectionCodeV1::NameTaken));
            }
        }
        let wanted = HoldV1 {
            blueprint: Some(blueprint(create)),
            ..hold(request, create.account, instance, purpose, self.clock.now())
        };
        let claimed = self.directory.claim(entry, wanted, &Cause::of(request)).await?;
        Ok(claimed.map_err(|refused| refusal(&refused, request, purpose)))
    }

    /// The draft with what this try brings sealed for the id of an earlier one, if that is another.
    async fn resealed(
        &self,
        instance: InstanceId,
        create: &CreateInstanceV1,
        held: &HoldV1,
        draft: Draft,
    ) -> Result<Begun, Trouble> {
        let Some(blueprint) = held.blueprint.as_ref().filter(|_| draft.instance != instance) else {
            return Ok(Begun::Open(draft));
        };
        Ok(match reseal::create(&self.keys, instance, draft.instance, create).await? {
            Some(create) => Begun::Open(Draft { create: with_blueprint(create, blueprint), ..draft }),
            None => Begun::Unreadable(draft),
        })
    }
}
