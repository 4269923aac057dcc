//! Creating an account: reserve its name and its token, then append its first commit.

use berth_proto::{
    AccountId, DirectoryId, Sealed, StreamKey,
    account::{AccountAttributesChangedV1, AccountCreatedV1, AccountEvent},
    commit::OutcomeCodeV1,
    directory::PurposeV1,
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
};

use super::{Account, accepted, receipt_among, rejected};
use crate::{
    aggregate::Aggregate,
    directory::{Cause, Refused},
    stream::{self, NotAppended},
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
        let stream = StreamKey::account(new.account);
        let loaded: Account = stream::load(&*self.ports.log, &stream).await?;
        // Before anything is reserved: a retry may bring another made-up token, which nobody needs.
        if loaded.state.is_some() {
            return self.found_account(new.account, request).await;
        }
        let cause = Cause::of(request);
        let holds = [(new.name_entry, PurposeV1::AccountName), (new.token_entry, PurposeV1::AccountToken)];
        let mut reserved = Vec::new();
        for (entry, purpose) in holds {
            let version = u32::from(purpose == PurposeV1::AccountToken);
            let hold = self.account_hold(request, new.account, purpose, version);
            let by = match self.directory.reserve(entry, hold, &cause).await? {
                Ok(hold) if hold.account == new.account => {
                    reserved.push((entry, hold));
                    continue;
                }
                // The id of an account follows from its command, so one command has no two accounts.
                Ok(other) => Box::new(other),
                Err(Refused { by }) => by,
            };
            let entries: Vec<_> = reserved.iter().map(|(entry, _)| *entry).collect();
            self.release_account_entries(new.account, &entries, &cause).await?;
            let reused = by.command_id == request.command_id;
            return Ok(rejected(if reused { RejectionCodeV1::KeyReused } else { taken(purpose) }));
        }
        let created = AccountCreatedV1 {
            name: new.name.clone(),
            token: new.token.clone(),
            token_entry: new.token_entry,
            name_entry: new.name_entry,
        };
        let described = new.attributes.map(|attributes| {
            AccountEvent::from(AccountAttributesChangedV1 { attributes: Some(attributes.clone()) })
        });
        let events: Vec<_> = std::iter::once(AccountEvent::from(created)).chain(described).collect();
        match self.append_account(new.account, &loaded, &events, &cause).await {
            Ok(next) => {
                self.settle_account_entries(new.account, reserved, &cause).await;
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
        request: &CommandRequestV2,
    ) -> Result<CommandReplyV1, Trouble> {
        let stream = StreamKey::account(account);
        let loaded: Account = stream::load(&*self.ports.log, &stream).await?;
        // However often its token was rotated since: the receipt of its creation is in its first commit.
        let first = self.ports.log.read(&stream, 0, 1).await.map_err(Trouble::Read)?;
        Ok(match receipt_among(&stream, first, request)? {
            Some(known) if known.digest != request.digest => rejected(RejectionCodeV1::KeyReused),
            // What the answer said of it is gone, or soon is.
            Some(_) if super::is_closed(&loaded) => rejected(RejectionCodeV1::Deleted),
            Some(_) => accepted(account, &loaded, OutcomeCodeV1::Applied, true),
            None => rejected(RejectionCodeV1::Exists),
        })
    }
}

const fn taken(purpose: PurposeV1) -> RejectionCodeV1 {
    match purpose {
        PurposeV1::AccountName => RejectionCodeV1::NameTaken,
        _ => RejectionCodeV1::TokenTaken,
    }
}
