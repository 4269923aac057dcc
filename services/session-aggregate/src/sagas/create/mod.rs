//! Creating an instance: reserve its keys, then append its first commit.
//!
//! The first entry that is reserved carries the blueprint (the id, what was generated, every entry), so that
//! any retry of the command continues where an earlier one stopped ([`begin`]), and the process manager can give up what
//! nobody continues ([`give_up`]). Whether the instance exists is decided by one append only ([`first_commit`]): the first commit
//! of its stream is either its creation or a tombstone.

mod begin;
mod draft;
mod first_commit;
mod give_up;

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_proto::{
    AccountId, InstanceId, WriteVersion,
    command::CreateInstanceV1,
    commit::PrincipalV1,
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
    instance::WebhookV1,
};
use berth_runtime::Clock;

pub(crate) use self::give_up::ABANDON_AFTER_SECONDS;
use self::{begin::Begun, draft::Draft};
use crate::{
    accounts::Accounts,
    asker::Asker,
    directory::{Cause, Directory, Holder},
    entries::{Entries, first_entry},
    instances::{Instances, rejected, round::InstanceCommand},
    names_there::NamesThere,
    trouble::Trouble,
};

/// Times that a create starts over because an earlier try of it was given up meanwhile.
const TRIES_MAX: usize = 3;

/// Creates instances.
#[derive(Debug)]
pub(crate) struct Create {
    pub(crate) instances: Arc<Instances>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) directory: Directory,
    pub(crate) entries: Entries,
    pub(crate) names_there: NamesThere,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether instances have copies of their account's endpoints follows from it.
    pub(crate) write_version: WriteVersion,
}

/// How far a try got.
enum Tried {
    /// To the end.
    Done(CommandReplyV1),
    /// An earlier try had been given up; its entries are free now.
    StartOver,
}

// === impl Create ===

impl Create {
    /// Creates an instance, or finds the one that an earlier try of the same command created.
    pub(crate) async fn run(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        create: &CreateInstanceV1,
        to: Asker,
    ) {
        let reply = Box::pin(self.create(instance, &asked.request, create)).await;
        let reply = self.without_unused_key(instance, reply).await.unwrap_or_else(|trouble| trouble.reply());
        to.answer(&reply);
        // After the answer: if it fails, the process manager does it.
        if let CommandReplyV1::Accepted(accepted) = &reply
            && !accepted.replayed
        {
            let holder = Holder { account: create.account, instance: Some(accepted.stream_id.instance()) };
            let settled = self.directory.settle(first_entry(&create.entries).0, holder).await;
            settled
                .unwrap_or_else(|trouble| tracing::debug!(%instance, %trouble, "a create is settled later"));
        }
    }

    async fn create(
        &self,
        instance: InstanceId,
        request: &CommandRequestV2,
        create: &CreateInstanceV1,
    ) -> Result<CommandReplyV1, Trouble> {
        if !may_create(request.principal, create.account) {
            return Ok(rejected(RejectionCodeV1::NotFound));
        }
        for _ in 0..TRIES_MAX {
            match Box::pin(self.attempt(instance, request, create)).await? {
                Tried::Done(reply) => return Ok(reply),
                Tried::StartOver => {}
            }
        }
        Ok(rejected(RejectionCodeV1::Changed))
    }

    /// One try: reserve, append, and give up what cannot be had.
    async fn attempt(
        &self,
        instance: InstanceId,
        request: &CommandRequestV2,
        create: &CreateInstanceV1,
    ) -> Result<Tried, Trouble> {
        match self.begin(instance, request, create).await? {
            Begun::Refused(code) => Ok(Tried::Done(rejected(code))),
            Begun::Appended(draft) => self.first_commit(request, &draft, &[]).await,
            Begun::Unreadable(draft) => self.give_up(request, &draft, RejectionCodeV1::Changed).await,
            Begun::Open(draft) => match self.reserve(request, &draft).await? {
                Ok(webhooks) => self.first_commit(request, &draft, &webhooks).await,
                Err(code) => self.give_up(request, &draft, code).await,
            },
        }
    }

    /// Reserves what a create needs beside its first entry, and gives the endpoints of its account; or says what cannot be
    /// had.
    async fn reserve(
        &self,
        request: &CommandRequestV2,
        draft: &Draft,
    ) -> Result<Result<Vec<WebhookV1>, RejectionCodeV1>, Trouble> {
        let Draft { instance, create, .. } = draft;
        // Read after the first entry was reserved: whoever closes the account waits until that is settled or given up.
        // Whatever else changes of it after this look, the process manager brings to the instance.
        let (account, taken) = tokio::join!(
            self.accounts.open(create.account),
            self.entries.reserve_rest(request, *instance, create)
        );
        let Some(account) = account? else { return Ok(Err(RejectionCodeV1::NotFound)) };
        if let Some(code) = taken? {
            return Ok(Err(code));
        }
        // Last, since a create that is given up leaves it to the next one that wants it.
        let cause = Cause::of(request);
        let taken = self.names_there.reserve(*instance, create.account, &create.settings, &cause).await?;
        Ok(taken.map_or(Ok(account.webhooks), Err))
    }

    /// The same reply, after the key was destroyed that was made for this id if the reply says that the id comes to
    /// nothing.
    async fn without_unused_key(
        &self,
        instance: InstanceId,
        reply: Result<CommandReplyV1, Trouble>,
    ) -> Result<CommandReplyV1, Trouble> {
        let reply = reply?;
        let unused = match &reply {
            CommandReplyV1::Accepted(accepted) => accepted.stream_id != instance.into(),
            CommandReplyV1::Rejected(_) => true,
            CommandReplyV1::Unavailable { .. } | CommandReplyV1::NoRoom { .. } => false,
        };
        if unused {
            self.accounts.destroy_unused_key(instance.as_bytes()).await?;
        }
        Ok(reply)
    }
}

fn may_create(principal: PrincipalV1, account: AccountId) -> bool {
    match principal {
        PrincipalV1::Root | PrincipalV1::Service => true,
        PrincipalV1::Account { account: own } => own == account,
        PrincipalV1::Instance { .. } => false,
    }
}
