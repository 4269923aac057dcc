//! Accounts: a name, a token, and the data key that names and idempotency keys are hashed with.
//!
//! Accounts change seldom, so nothing of them is kept in memory, and a repeated command is found by reading
//! the last commits instead of a ring in the state.

mod change;
mod close;
mod create;
mod decide;
mod evolve;
mod rotate;
mod webhooks;

use berth_log::{Loaded, Stored, decode_commit, decode_state};
use berth_proto::{
    AccountId, DirectoryId, StreamKey,
    account::AccountStateV2,
    commit::{PrincipalV1, ReceiptV2},
    directory::{FormerV1, HoldV1, PurposeV1},
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1, RejectionV1, TargetV1},
    limits::KEYED_RECEIPTS_MAX,
};
use tracing::{debug, error};

use self::decide::Answer;
use crate::{
    aggregate::Aggregate,
    directory::{Cause, Holder},
    trouble::{Trouble, chain},
};

/// Commits that are read at once in search of former tokens.
const HISTORY_PAGE_COMMITS: usize = 256;

/// An account as it was last seen.
type Account = Loaded<AccountStateV2>;

impl Aggregate {
    /// Decides a command for an account.
    pub(crate) async fn account_command(&self, request: &CommandRequestV2) -> CommandReplyV1 {
        if !may(request.principal, &request.target) {
            return rejected(RejectionCodeV1::NotFound);
        }
        let done = match &request.target {
            TargetV1::CreateAccount { account, name, name_entry, token, token_entry } => {
                let new = create::NewAccount {
                    account: *account,
                    name,
                    name_entry: *name_entry,
                    token,
                    token_entry: *token_entry,
                    attributes: None,
                };
                self.create_account(request, &new).await
            }
            TargetV1::CreateDescribedAccount {
                account,
                name,
                name_entry,
                token,
                token_entry,
                attributes,
            } => {
                let new = create::NewAccount {
                    account: *account,
                    name,
                    name_entry: *name_entry,
                    token,
                    token_entry: *token_entry,
                    attributes: Some(attributes),
                };
                self.create_account(request, &new).await
            }
            TargetV1::RotateAccountToken { account, token, token_entry } => {
                self.rotate_account_token(request, *account, token, *token_entry).await
            }
            TargetV1::ChangeAccount { account, name, attributes } => {
                let name = name.as_ref().map(|(name, entry)| (name, *entry));
                self.change_account(request, *account, name, attributes.as_ref()).await
            }
            TargetV1::CloseAccount { account } => self.close_account(request, *account).await,
            TargetV1::ConfigureAccountWebhook { account, webhook } => {
                self.configure_account_webhook(request, *account, webhook).await
            }
            TargetV1::RemoveAccountWebhook { account, webhook } => {
                self.remove_account_webhook(request, *account, *webhook).await
            }
            TargetV1::Instance { .. } => Ok(rejected(RejectionCodeV1::NotFound)),
        };
        let done = match done {
            Ok(reply) => self.without_unused_account_key(request, reply).await,
            Err(trouble) => Err(trouble),
        };
        done.unwrap_or_else(|trouble| trouble.reply())
    }

    /// The same reply, after the key was destroyed that was made for an account which is refused. Whoever sends a
    /// keyed create again means the same account, and needs its key.
    async fn without_unused_account_key(
        &self,
        request: &CommandRequestV2,
        reply: CommandReplyV1,
    ) -> Result<CommandReplyV1, Trouble> {
        if let TargetV1::CreateAccount { account, .. } | TargetV1::CreateDescribedAccount { account, .. } =
            &request.target
            && matches!(reply, CommandReplyV1::Rejected(_))
            && !request.keyed
        {
            self.destroy_unused_key(account.as_bytes()).await?;
        }
        Ok(reply)
    }

    /// The account as a command meets it: its state, or the answer if there is nothing to decide. A closed one
    /// still answers the commands that it knows.
    async fn present<'a>(
        &self,
        loaded: &'a Account,
        request: &CommandRequestV2,
    ) -> Result<Result<&'a AccountStateV2, Answer>, Trouble> {
        let Some(state) = &loaded.state else {
            return Ok(Err(Err(RejectionCodeV1::NotFound)));
        };
        Ok(match self.account_receipt(loaded, request).await? {
            Some(known) if known.digest != request.digest => Err(Err(RejectionCodeV1::KeyReused)),
            Some(known) => Err(Ok((known.outcome.code, true))),
            None if state.closed_at.is_some() => Err(Err(RejectionCodeV1::NotFound)),
            None => Ok(state),
        })
    }

    /// An account that may have instances: it exists and is not closed.
    pub(crate) async fn open_account(&self, account: AccountId) -> Result<Option<AccountStateV2>, Trouble> {
        let loaded: Account = self.writer.load(&StreamKey::account(account)).await?;
        Ok(loaded.state.filter(|state| state.closed_at.is_none()))
    }

    /// The receipt of a command among the last commits of an account.
    async fn account_receipt(
        &self,
        loaded: &Account,
        request: &CommandRequestV2,
    ) -> Result<Option<ReceiptV2>, Trouble> {
        let after = loaded.version().saturating_sub(KEYED_RECEIPTS_MAX as u64);
        let page = self.writer.log().read(&loaded.stream, after, KEYED_RECEIPTS_MAX).await?;
        receipt_among(page, request)
    }

    fn account_hold(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
        purpose: PurposeV1,
        credential_version: u32,
    ) -> HoldV1 {
        HoldV1 {
            purpose,
            account,
            instance: None,
            credential_version,
            command_id: request.command_id,
            digest: request.digest,
            at: self.ports.clock.now(),
            blueprint: None,
        }
    }

    async fn release_account_entries(
        &self,
        account: AccountId,
        entries: &[DirectoryId],
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let former = FormerV1 { instance: None, command_ids: Vec::new() };
        for entry in entries {
            self.directory.release(*entry, Holder { account, instance: None }, &former, cause).await?;
        }
        Ok(())
    }

    /// Settles the entries that a commit of an account uses. They are reserved once more before: whoever was
    /// so slow that the process manager had released them gets them back.
    async fn settle_account_entries(
        &self,
        account: AccountId,
        used: Vec<(DirectoryId, HoldV1)>,
        cause: &Cause,
    ) {
        for (entry, hold) in used {
            let held = self.directory.reserve(entry, hold, cause).await;
            let settled = match held {
                Ok(Ok(_)) => self.directory.settle(entry, Holder { account, instance: None }).await,
                Ok(Err(_)) => {
                    error!(%account, "a name or token of an account was given to somebody else meanwhile");
                    continue;
                }
                Err(trouble) => Err(trouble),
            };
            if let Err(trouble) = settled {
                debug!(%account, reason = chain(&trouble), "an entry of an account is settled later");
            }
        }
    }

    /// Finishes what a crash left of an account's entry: it is settled if the account uses it, else released. A
    /// crash may also have left the names and tokens before it.
    pub(crate) async fn finish_account_entry(
        &self,
        account: AccountId,
        entry: DirectoryId,
    ) -> Result<(), Trouble> {
        let loaded: Account = self.writer.load(&StreamKey::account(account)).await?;
        let cause = Cause::own("account entry", entry.as_bytes());
        let used = |state: &&AccountStateV2| {
            state.closed_at.is_none() && (state.token_entry == entry || state.name_entry == entry)
        };
        if let Some(state) = loaded.state.as_ref().filter(used) {
            self.release_former_entries(account, state, &cause).await?;
            self.directory.settle(entry, Holder { account, instance: None }).await
        } else {
            self.release_account_entries(account, &[entry], &cause).await
        }
    }

    /// Releases every name and token that an account ever had, but for the present ones.
    async fn release_former_entries(
        &self,
        account: AccountId,
        present: &AccountStateV2,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let mut entries = self.entries_ever(account).await?;
        entries.retain(|entry| ![present.token_entry, present.name_entry].contains(entry));
        self.release_account_entries(account, &entries, cause).await
    }

    /// The directory entries of every name and token that an account ever had.
    async fn entries_ever(&self, account: AccountId) -> Result<Vec<DirectoryId>, Trouble> {
        let stream = StreamKey::account(account);
        let (mut entries, mut after) = (Vec::new(), 0);
        loop {
            let page = self.writer.log().read(&stream, after, HISTORY_PAGE_COMMITS).await;
            let page = page?;
            for stored in &page {
                after = after.max(stored.tail.version);
                let (_, state) = decode_state::<AccountStateV2>(stored)?;
                entries.extend([state.token_entry, state.name_entry]);
            }
            if page.len() < HISTORY_PAGE_COMMITS {
                break;
            }
        }
        entries.sort_unstable();
        entries.dedup();
        Ok(entries)
    }
}

/// Whether a principal may ask for this: the operator for anything, an account for what it is called and for its
/// own webhooks.
fn may(principal: PrincipalV1, target: &TargetV1) -> bool {
    match (principal, target) {
        (PrincipalV1::Root | PrincipalV1::Service, _) => true,
        (
            PrincipalV1::Account { account: own },
            TargetV1::ChangeAccount { account, .. }
            | TargetV1::ConfigureAccountWebhook { account, .. }
            | TargetV1::RemoveAccountWebhook { account, .. },
        ) => own == *account,
        _ => false,
    }
}

/// The receipt of a command in one of these commits.
fn receipt_among(commits: Vec<Stored>, request: &CommandRequestV2) -> Result<Option<ReceiptV2>, Trouble> {
    for stored in commits {
        let commit = decode_commit(&stored)?;
        let found = commit.receipts.into_iter().find(|one| one.command_id == request.command_id);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn is_closed(loaded: &Account) -> bool {
    loaded.state.as_ref().is_some_and(|state| state.closed_at.is_some())
}

fn rejected(code: RejectionCodeV1) -> CommandReplyV1 {
    CommandReplyV1::Rejected(RejectionV1 { code, state: None })
}
