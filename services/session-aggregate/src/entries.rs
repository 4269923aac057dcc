//! The directory entries of one instance: reserved before it exists, released after it is gone.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_proto::{
    AccountId, CommandId, DirectoryId, InstanceId, Sealed, Timestamp,
    command::CreateInstanceV1,
    directory::{BlueprintV1, FormerV1, HoldV1, PurposeV1},
    frame::{CommandRequestV2, RejectionCodeV1},
    instance::EntriesV1,
};
use berth_runtime::{Clock, Unique, UniqueInAccount, sealing::field};
use futures::future::join_all;

use crate::{
    directory::{Cause, Directory, Holder, Refused},
    trouble::Trouble,
};

/// The version that an instance's first token has.
const FIRST_CREDENTIAL_VERSION: u32 = 1;

/// The entry that is reserved first and carries the blueprint: that of the idempotency key if there is one.
pub(crate) fn first_entry(entries: &EntriesV1) -> (DirectoryId, PurposeV1) {
    entries.creation.map_or((entries.name, PurposeV1::Name), |entry| (entry, PurposeV1::Creation))
}

/// What is held for an instance by a command.
pub(crate) fn hold(
    request: &CommandRequestV2,
    account: AccountId,
    instance: InstanceId,
    purpose: PurposeV1,
    at: Timestamp,
) -> HoldV1 {
    HoldV1 {
        purpose,
        account,
        instance: Some(instance),
        credential_version: if purpose == PurposeV1::InstanceToken { FIRST_CREDENTIAL_VERSION } else { 0 },
        command_id: request.command_id,
        digest: request.digest,
        at,
        blueprint: None,
    }
}

/// What a create generated.
pub(crate) fn blueprint(create: &CreateInstanceV1) -> BlueprintV1 {
    BlueprintV1 {
        number: create.number,
        name: create.name.clone(),
        token: create.token.clone(),
        entries: create.entries.clone(),
    }
}

/// Why a key cannot be had.
pub(crate) fn refusal(refused: &Refused, request: &CommandRequestV2, wanted: PurposeV1) -> RejectionCodeV1 {
    if refused.by.command_id == request.command_id && refused.by.digest != request.digest {
        return RejectionCodeV1::KeyReused;
    }
    taken(wanted)
}

/// What is told of a key that another one has.
pub(crate) const fn taken(wanted: PurposeV1) -> RejectionCodeV1 {
    match wanted {
        PurposeV1::Name | PurposeV1::AccountName | PurposeV1::NameAtUpstream => RejectionCodeV1::NameTaken,
        PurposeV1::InstanceToken | PurposeV1::AccountToken => RejectionCodeV1::TokenTaken,
        PurposeV1::Number => RejectionCodeV1::NumberTaken,
        PurposeV1::Alias => RejectionCodeV1::AliasTaken,
        PurposeV1::Creation => RejectionCodeV1::KeyReused,
    }
}

/// The entries of an instance that is created, moved or deleted.
#[derive(Debug, Clone)]
pub(crate) struct Entries {
    pub(crate) directory: Directory,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Arc<dyn Clock>,
}

// === impl Entries ===

impl Entries {
    /// Reserves what a create needs beside its first entry, all at once; says what cannot be had.
    pub(crate) async fn reserve_rest(
        &self,
        request: &CommandRequestV2,
        instance: InstanceId,
        create: &CreateInstanceV1,
    ) -> Result<Option<RejectionCodeV1>, Trouble> {
        let entries = &create.entries;
        let first = first_entry(entries).0;
        let wanted = [
            (Some(entries.name), PurposeV1::Name),
            (Some(entries.token), PurposeV1::InstanceToken),
            (Some(entries.number), PurposeV1::Number),
            (entries.alias, PurposeV1::Alias),
        ];
        let wanted = wanted.into_iter().filter_map(|(entry, purpose)| Some((entry?, purpose)));
        let cause = Cause::of(request);
        let now = self.clock.now();
        // All of them end before any result counts: a dropped append would leave an unknown hold.
        let reserved = join_all(wanted.filter(|(entry, _)| *entry != first).map(|(entry, purpose)| {
            let (hold, cause) = (hold(request, create.account, instance, purpose, now), &cause);
            async move { (purpose, self.directory.reserve(entry, hold, cause).await) }
        }))
        .await;
        let mut taken = None;
        for (purpose, outcome) in reserved {
            match outcome? {
                Ok(hold) if hold.instance == Some(instance) => {}
                Ok(hold) => {
                    let refused = Refused { by: Box::new(hold) };
                    taken = taken.or(Some(refusal(&refused, request, purpose)));
                }
                Err(refused) => taken = taken.or(Some(refusal(&refused, request, purpose))),
            }
        }
        if taken.is_some() {
            return Ok(taken);
        }
        self.name_meets_number(instance, create.account, &create.name, create.number).await
    }

    /// The entry of an instance's name in an account; none if that account has no key.
    pub(crate) async fn name_entry(
        &self,
        instance: InstanceId,
        account: AccountId,
        name: &Sealed,
    ) -> Result<Option<DirectoryId>, Trouble> {
        let name = self.open_name(instance, name).await?;
        let key = self.keys.key(account.as_bytes()).await?;
        Ok(key.map(|key| key.entry(UniqueInAccount::Name, &name)))
    }

    async fn open_name(&self, instance: InstanceId, name: &Sealed) -> Result<String, Trouble> {
        let (owner, no_key) = (instance.as_bytes(), || Trouble::NoKey { owner: instance });
        let key = self.keys.key(owner).await?.ok_or_else(no_key)?;
        key.open_text(owner, field::NAME, name).map_err(|_| no_key())
    }

    /// A path may name an instance by its name or its number, so no name is another one's number. Both sides
    /// reserve first and look after, so that of two at once at least one sees the other.
    pub(crate) async fn name_meets_number(
        &self,
        instance: InstanceId,
        account: AccountId,
        name: &Sealed,
        number: u64,
    ) -> Result<Option<RejectionCodeV1>, Trouble> {
        let name = self.open_name(instance, name).await?;
        if is_number(&name) {
            let entry = self.keys.master().entry(Unique::Number, &name);
            if self
                .directory
                .holder(entry)
                .await?
                .is_some_and(|by| by.account == account && by.instance != Some(instance))
            {
                return Ok(Some(RejectionCodeV1::NameTaken));
            }
        }
        let key = self.keys.key(account.as_bytes()).await?;
        let key = key.ok_or(Trouble::NoKey { owner: InstanceId::from_bytes(*account.as_bytes()) })?;
        let entry = key.entry(UniqueInAccount::Name, &number.to_string());
        let taken = self.directory.holder(entry).await?.is_some_and(|by| by.instance != Some(instance));
        Ok(taken.then_some(RejectionCodeV1::NumberTaken))
    }

    /// Releases every entry that an instance holds of these; `keep_creation` leaves the idempotency key of its
    /// creation, which is the receipt of that command. The name is last: once it is free, all is.
    pub(crate) async fn release(
        &self,
        account: AccountId,
        instance: InstanceId,
        entries: &EntriesV1,
        command_ids: Vec<CommandId>,
        keep_creation: bool,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let holder = Holder { account, instance: Some(instance) };
        let former = FormerV1 { instance: Some(instance), command_ids };
        let creation = entries.creation.filter(|_| !keep_creation);
        let before = [Some(entries.token), Some(entries.number), entries.alias];
        let released = join_all(
            before.into_iter().flatten().map(|entry| self.directory.release(entry, holder, &former, cause)),
        )
        .await;
        released.into_iter().collect::<Result<(), _>>()?;
        self.directory.release(entries.name, holder, &former, cause).await?;
        // Last of all: it names the others, so that a crash before leaves a trace of them.
        match creation {
            Some(entry) => self.directory.release(entry, holder, &former, cause).await,
            None => Ok(()),
        }
    }
}

/// Whether a name is written like a number: ten digits, the first not zero.
fn is_number(name: &str) -> bool {
    name.len() == 10 && name.bytes().all(|byte| byte.is_ascii_digit()) && !name.starts_with('0')
}

/// Who had a key that nothing is to be found by any more.
pub(crate) fn former(instance: InstanceId) -> FormerV1 {
    FormerV1 { instance: Some(instance), command_ids: Vec::new() }
}
