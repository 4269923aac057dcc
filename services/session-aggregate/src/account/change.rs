//! Changing what an account is called and what is kept with it: reserve the new name, append, release the old one.

use berth_proto::{
    AccountId, DirectoryId, Sealed, StreamKey,
    account::{AccountAttributesChangedV1, AccountEvent, AccountRenamedV1},
    commit::OutcomeCodeV1,
    directory::PurposeV1,
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
};
use tracing::debug;

use super::{ATTEMPTS_MAX, Account, accepted, rejected};
use crate::{
    aggregate::Aggregate,
    directory::Cause,
    metrics,
    stream::{self, NotAppended},
    trouble::{Trouble, chain},
};

impl Aggregate {
    pub(super) async fn change_account(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
        name: Option<(&Sealed, DirectoryId)>,
        attributes: Option<&Sealed>,
    ) -> Result<CommandReplyV1, Trouble> {
        let cause = Cause::of(request);
        for _ in 0..ATTEMPTS_MAX {
            let loaded: Account = stream::load(&*self.ports.log, &StreamKey::account(account)).await?;
            let state = match self.present(account, &loaded, request).await? {
                Ok(state) => state,
                Err(reply) => return Ok(reply),
            };
            let name = name.filter(|(_, entry)| *entry != state.name_entry);
            // Sealed values of one field are equal if their texts are.
            let attributes = attributes.filter(|attributes| state.attributes.as_ref() != Some(attributes));
            let mut events = Vec::new();
            let mut reserved = None;
            if let Some((name, name_entry)) = name {
                let hold = self.account_hold(request, account, PurposeV1::AccountName, 0);
                match self.directory.reserve(name_entry, hold, &cause).await? {
                    Ok(hold) if hold.account == account => reserved = Some((name_entry, hold)),
                    Ok(_) | Err(_) => return Ok(rejected(RejectionCodeV1::NameTaken)),
                }
                events.push(AccountEvent::from(AccountRenamedV1 { name: name.clone(), name_entry }));
            }
            if let Some(attributes) = attributes {
                events.push(AccountAttributesChangedV1 { attributes: Some(attributes.clone()) }.into());
            }
            if events.is_empty() {
                return Ok(accepted(account, &loaded, OutcomeCodeV1::Unchanged, false));
            }
            match self.append_account(account, &loaded, &events, &cause).await {
                Ok(next) => {
                    if let Some(used) = reserved {
                        self.renamed(account, state.name_entry, used, &cause).await;
                    }
                    return Ok(accepted(account, &next, OutcomeCodeV1::Applied, false));
                }
                Err(NotAppended::Conflict) => metrics::conflict(),
                Err(NotAppended::Trouble(trouble)) => return Err(trouble),
            }
        }
        Err(Trouble::Contended { stream: StreamKey::account(account) })
    }

    async fn renamed(
        &self,
        account: AccountId,
        former: DirectoryId,
        used: (DirectoryId, berth_proto::directory::HoldV1),
        cause: &Cause,
    ) {
        match self.release_account_entries(account, &[former], cause).await {
            Ok(()) => self.settle_account_entries(account, vec![used], cause).await,
            // Not settled, so that the process manager looks at it.
            Err(trouble) => debug!(%account, reason = chain(&trouble), "a former name is released later"),
        }
    }
}
