//! Creating an account: reserve its name and its token, then append its first commit.

use berth_log::Plan;
use berth_proto::{
    AccountId, DirectoryId, Sealed, StreamKey,
    account::{AccountAttributesChangedV1, AccountCreatedV1, AccountEvent},
    commit::OutcomeCodeV1,
    directory::{HoldV1, PurposeV1},
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
};

use super::{
    Account,
    decide::{Answer, next, reply},
    receipt_among,
};
use crate::{
    aggregate::Aggregate,
    directory::{Cause, Refused},
    trouble::Trouble,
};

/// What an account shall be created with.
pub(super) struct NewAccount<'a> {
    pub(super) account: AccountId,
    pub(super) name: &'a Sealed,
    pub(super) name_entry: DirectoryId,
    pub(super) token: &'a Sealed,
    pub(super) token_entry: DirectoryId,
    pub(super) attributes: Option<&'a Sealed>,
}

impl Aggregate {
    pub(super) async fn create_account(
        &self,
        request: &CommandRequestV2,
        new: &NewAccount<'_>,
    ) -> Result<CommandReplyV1, Trouble> {
        let cause = &Cause::of(request);
        let decide = move |loaded: Account, now| async move {
            // Before anything is reserved: a retry may bring another made-up token, which nobody needs.
            if loaded.state.is_some() {
                let known = self.found_account(&loaded, request).await?;
                return Ok(Plan::Keep(loaded, (known, Vec::new())));
            }
            match self.reserve_account_entries(request, new, cause).await? {
                Ok(used) => Ok(next(loaded, &new.events(), cause, now)?.map(|answer| (answer, used))),
                Err(code) => Ok::<_, Trouble>(Plan::Keep(loaded, (Err(code), Vec::new()))),
            }
        };
        let done = self.writer.transact(StreamKey::account(new.account), None, decide).await?;
        let (answer, used) = done.answer;
        self.settle_account_entries(new.account, used, cause).await;
        Ok(reply(new.account, &done.loaded, answer))
    }

    /// Reserves name and token, or neither of them and says which cannot be had.
    async fn reserve_account_entries(
        &self,
        request: &CommandRequestV2,
        new: &NewAccount<'_>,
        cause: &Cause,
    ) -> Result<Result<Vec<(DirectoryId, HoldV1)>, RejectionCodeV1>, Trouble> {
        let holds = [(new.name_entry, PurposeV1::AccountName), (new.token_entry, PurposeV1::AccountToken)];
        let mut reserved = Vec::new();
        for (entry, purpose) in holds {
            let version = u32::from(purpose == PurposeV1::AccountToken);
            let hold = self.account_hold(request, new.account, purpose, version);
            let by = match self.directory.reserve(entry, hold, cause).await? {
                Ok(hold) if hold.account == new.account => {
                    reserved.push((entry, hold));
                    continue;
                }
                // The id of an account follows from its command, so one command has no two accounts.
                Ok(other) => Box::new(other),
                Err(Refused { by }) => by,
            };
            let entries: Vec<_> = reserved.iter().map(|(entry, _)| *entry).collect();
            self.release_account_entries(new.account, &entries, cause).await?;
            let reused = by.command_id == request.command_id;
            return Ok(Err(if reused { RejectionCodeV1::KeyReused } else { taken(purpose) }));
        }
        Ok(Ok(reserved))
    }

    /// The answer to a create of an account that exists: the first one again if it is the same command.
    async fn found_account(&self, found: &Account, request: &CommandRequestV2) -> Result<Answer, Trouble> {
        // However often its token was rotated since: the receipt of its creation is in its first commit.
        let first = self.writer.log().read(&found.stream, 0, 1).await?;
        Ok(match receipt_among(first, request)? {
            Some(known) if known.digest != request.digest => Err(RejectionCodeV1::KeyReused),
            // What the answer said of it is gone, or soon is.
            Some(_) if super::is_closed(found) => Err(RejectionCodeV1::Deleted),
            Some(_) => Ok((OutcomeCodeV1::Applied, true)),
            None => Err(RejectionCodeV1::Exists),
        })
    }
}

// === impl NewAccount ===

impl NewAccount<'_> {
    fn events(&self) -> Vec<AccountEvent> {
        let created = AccountCreatedV1 {
            name: self.name.clone(),
            token: self.token.clone(),
            token_entry: self.token_entry,
            name_entry: self.name_entry,
        };
        let described = self.attributes.map(|attributes| {
            AccountEvent::from(AccountAttributesChangedV1 { attributes: Some(attributes.clone()) })
        });
        std::iter::once(AccountEvent::from(created)).chain(described).collect()
    }
}

const fn taken(purpose: PurposeV1) -> RejectionCodeV1 {
    match purpose {
        PurposeV1::AccountName => RejectionCodeV1::NameTaken,
        _ => RejectionCodeV1::TokenTaken,
    }
}
