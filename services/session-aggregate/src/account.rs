//! Accounts: a name, a token, and the data key that names and idempotency keys are hashed with.
//!
//! Accounts change seldom, so nothing of them is kept in memory, and a repeated command is found by reading
//! the last commits instead of a ring in the state.

use berth_proto::{
    AccountId, DirectoryId, InstanceId, RecordV1, Sealed, StreamKey, Timestamp,
    account::{AccountCreatedV1, AccountEvent, AccountStateV1, AccountTokenRotatedV1},
    codec::decode,
    commit::{CommitV1, OutcomeCodeV1, OutcomeV1, PrincipalV1, ReceiptV1},
    directory::{FormerV1, HoldV1, PurposeV1},
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV1, RejectionCodeV1, RejectionV1, TargetV1},
    limits::KEYED_RECEIPTS_MAX,
};
use tracing::debug;

use crate::{
    aggregate::Aggregate,
    directory::{Cause, Holder, Refused},
    metrics,
    stream::{self, Loaded, NotAppended, Step},
    trouble::{Trouble, chain},
};

/// Appends to one account that are tried before it counts as contended.
const ATTEMPTS_MAX: usize = 8;

type Account = Loaded<AccountStateV1>;

/// What an account shall be created with.
struct NewAccount<'a> {
    account: AccountId,
    name: &'a Sealed,
    name_entry: DirectoryId,
    token: &'a Sealed,
    token_entry: DirectoryId,
}

impl Aggregate {
    /// Decides a command for an account.
    pub(crate) async fn account_command(&self, request: &CommandRequestV1) -> CommandReplyV1 {
        if !matches!(request.principal, PrincipalV1::Root | PrincipalV1::Service) {
            return rejected(RejectionCodeV1::NotFound);
        }
        let done = match &request.target {
            TargetV1::CreateAccount { account, name, name_entry, token, token_entry } => {
                let new = NewAccount {
                    account: *account,
                    name,
                    name_entry: *name_entry,
                    token,
                    token_entry: *token_entry,
                };
                self.create_account(request, &new).await
            }
            TargetV1::RotateAccountToken { account, token, token_entry } => {
                self.rotate_account_token(request, *account, token, *token_entry).await
            }
            TargetV1::Instance { .. } => Ok(rejected(RejectionCodeV1::NotFound)),
        };
        done.unwrap_or_else(|trouble| trouble.reply())
    }

    async fn create_account(
        &self,
        request: &CommandRequestV1,
        new: &NewAccount<'_>,
    ) -> Result<CommandReplyV1, Trouble> {
        let cause = Cause::of(request);
        let holds = [(new.name_entry, PurposeV1::AccountName), (new.token_entry, PurposeV1::AccountToken)];
        let mut reserved = Vec::new();
        for (entry, purpose) in holds {
            let version = u32::from(purpose == PurposeV1::AccountToken);
            let hold = self.account_hold(request, new.account, purpose, version);
            match self.directory.reserve(entry, hold, &cause).await? {
                Ok(hold) if hold.account == new.account => reserved.push(entry),
                // An earlier try of this command made another id.
                Ok(hold) => return self.found_account(hold.account, request).await,
                Err(Refused { by }) => {
                    self.release_account_entries(new.account, &reserved, &cause).await?;
                    let reused = by.command_id == request.command_id;
                    return Ok(rejected(if reused { RejectionCodeV1::KeyReused } else { taken(purpose) }));
                }
            }
        }
        let stream = StreamKey::account(new.account);
        let loaded: Account = stream::load(&*self.ports.log, &stream).await?;
        if loaded.state.is_some() {
            return self.found_account(new.account, request).await;
        }
        let event = AccountEvent::from(AccountCreatedV1 {
            name: new.name.clone(),
            token: new.token.clone(),
            token_entry: new.token_entry,
            name_entry: new.name_entry,
        });
        match self.append_account(new.account, &loaded, &event, &cause).await {
            Ok(next) => {
                self.settle_account_entries(new.account, &reserved).await;
                Ok(accepted(new.account, &next, OutcomeCodeV1::Applied, false))
            }
            Err(NotAppended::Conflict) => self.found_account(new.account, request).await,
            Err(NotAppended::Trouble(trouble)) => Err(trouble),
        }
    }

    /// The answer to a create of an account that exists: the first one again if it is the same command.
    async fn found_account(
        &self,
        account: AccountId,
        request: &CommandRequestV1,
    ) -> Result<CommandReplyV1, Trouble> {
        let loaded: Account = stream::load(&*self.ports.log, &StreamKey::account(account)).await?;
        if loaded.state.is_none() {
            // The earlier try did not get that far; its reservations are released by the process manager.
            return Ok(rejected(RejectionCodeV1::Changed));
        }
        Ok(match self.account_receipt(account, &loaded, request).await? {
            Some(known) if known.digest != request.digest => rejected(RejectionCodeV1::KeyReused),
            Some(_) => accepted(account, &loaded, OutcomeCodeV1::Applied, true),
            None => rejected(RejectionCodeV1::Exists),
        })
    }

    async fn rotate_account_token(
        &self,
        request: &CommandRequestV1,
        account: AccountId,
        token: &Sealed,
        token_entry: DirectoryId,
    ) -> Result<CommandReplyV1, Trouble> {
        let cause = Cause::of(request);
        for _ in 0..ATTEMPTS_MAX {
            let loaded: Account = stream::load(&*self.ports.log, &StreamKey::account(account)).await?;
            let Some(state) = &loaded.state else {
                return Ok(rejected(RejectionCodeV1::NotFound));
            };
            if let Some(known) = self.account_receipt(account, &loaded, request).await? {
                let same = known.digest == request.digest;
                return Ok(if same {
                    accepted(account, &loaded, known.outcome.code, true)
                } else {
                    rejected(RejectionCodeV1::KeyReused)
                });
            }
            if state.token_entry == token_entry {
                return Ok(accepted(account, &loaded, OutcomeCodeV1::Unchanged, false));
            }
            let credential_version = state.credential_version.saturating_add(1);
            let hold = self.account_hold(request, account, PurposeV1::AccountToken, credential_version);
            match self.directory.reserve(token_entry, hold, &cause).await? {
                Ok(hold) if hold.account == account => {}
                Ok(_) | Err(_) => return Ok(rejected(RejectionCodeV1::TokenTaken)),
            }
            let event = AccountEvent::from(AccountTokenRotatedV1 {
                credential_version,
                token: token.clone(),
                token_entry,
            });
            match self.append_account(account, &loaded, &event, &cause).await {
                Ok(next) => {
                    self.settle_account_entries(account, &[token_entry]).await;
                    let released = self.release_account_entries(account, &[state.token_entry], &cause).await;
                    released.unwrap_or_else(|trouble| {
                        debug!(%account, reason = chain(&trouble), "a former token was not released");
                    });
                    return Ok(accepted(account, &next, OutcomeCodeV1::Applied, false));
                }
                Err(NotAppended::Conflict) => metrics::conflict(),
                Err(NotAppended::Trouble(trouble)) => return Err(trouble),
            }
        }
        Err(Trouble::Contended { stream: StreamKey::account(account) })
    }

    async fn append_account(
        &self,
        account: AccountId,
        loaded: &Account,
        event: &AccountEvent,
        cause: &Cause,
    ) -> Result<Account, NotAppended> {
        let trouble = |trouble| NotAppended::Trouble(trouble);
        let at = loaded.moment(self.ports.clock.now());
        let state = evolve(loaded.state.clone(), event, at)
            .ok_or_else(|| trouble(Trouble::Contended { stream: StreamKey::account(account) }))?;
        let events = vec![event.to_record().map_err(|error| trouble(Trouble::Encode(error)))?];
        let receipts = vec![cause.receipt(OutcomeCodeV1::Applied, 1)];
        let step = Step { receipts, events, state, at };
        stream::append(&*self.ports.log, &StreamKey::account(account), loaded, step).await
    }

    /// The receipt of a command among the last commits of an account.
    async fn account_receipt(
        &self,
        account: AccountId,
        loaded: &Account,
        request: &CommandRequestV1,
    ) -> Result<Option<ReceiptV1>, Trouble> {
        let stream = StreamKey::account(account);
        let after = loaded.version().saturating_sub(KEYED_RECEIPTS_MAX as u64);
        let page = self.ports.log.read(&stream, after, KEYED_RECEIPTS_MAX).await.map_err(Trouble::Read)?;
        for stored in page {
            let commit: CommitV1 =
                decode(&stored.payload).map_err(|error| stream::damaged(&stream, error))?;
            let found = commit.receipts.into_iter().find(|one| one.command_id == request.command_id);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn account_hold(
        &self,
        request: &CommandRequestV1,
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

    async fn settle_account_entries(&self, account: AccountId, entries: &[DirectoryId]) {
        for entry in entries {
            let settled = self.directory.settle(*entry, Holder { account, instance: None }).await;
            if let Err(trouble) = settled {
                debug!(%account, reason = chain(&trouble), "an entry of an account is settled later");
            }
        }
    }

    /// Finishes what a crash left of an account's entry: it is settled if the account uses it, else released.
    pub(crate) async fn finish_account_entry(
        &self,
        account: AccountId,
        entry: DirectoryId,
    ) -> Result<(), Trouble> {
        let loaded: Account = stream::load(&*self.ports.log, &StreamKey::account(account)).await?;
        let cause = Cause::own("account entry", entry.as_bytes());
        let used = |state: &AccountStateV1| state.token_entry == entry || state.name_entry == entry;
        if loaded.state.as_ref().is_some_and(used) {
            self.directory.settle(entry, Holder { account, instance: None }).await
        } else {
            self.release_account_entries(account, &[entry], &cause).await
        }
    }
}

fn evolve(state: Option<AccountStateV1>, event: &AccountEvent, at: Timestamp) -> Option<AccountStateV1> {
    match (state, event) {
        (None, AccountEvent::AccountCreated(created)) => Some(AccountStateV1 {
            created_at: at,
            updated_at: at,
            name: created.name.clone(),
            token: created.token.clone(),
            token_entry: created.token_entry,
            name_entry: created.name_entry,
            credential_version: 1,
        }),
        (Some(state), AccountEvent::AccountTokenRotated(rotated)) => Some(AccountStateV1 {
            updated_at: at,
            token: rotated.token.clone(),
            token_entry: rotated.token_entry,
            credential_version: rotated.credential_version,
            ..state
        }),
        (state, _) => state,
    }
}

const fn taken(purpose: PurposeV1) -> RejectionCodeV1 {
    match purpose {
        PurposeV1::AccountName => RejectionCodeV1::NameTaken,
        _ => RejectionCodeV1::TokenTaken,
    }
}

fn accepted(account: AccountId, loaded: &Account, code: OutcomeCodeV1, replayed: bool) -> CommandReplyV1 {
    match loaded.state.as_ref().map(RecordV1::of) {
        Some(Ok(state)) => CommandReplyV1::Accepted(AcceptedV1 {
            stream_id: InstanceId::from_bytes(*account.as_bytes()),
            outcome: OutcomeV1 { code, attempt: 0, endpoint: None },
            replayed,
            version: loaded.version(),
            state,
        }),
        Some(Err(error)) => Trouble::Encode(error).reply(),
        None => rejected(RejectionCodeV1::NotFound),
    }
}

fn rejected(code: RejectionCodeV1) -> CommandReplyV1 {
    CommandReplyV1::Rejected(RejectionV1 { code, state: None })
}
