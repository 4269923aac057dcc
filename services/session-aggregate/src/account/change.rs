//! Changing what an account is called and what is kept with it: reserve the new name, append, release the old one.

use berth_proto::{
    AccountId, DirectoryId, Sealed,
    account::{AccountAttributesChangedV1, AccountRenamedV1, AccountStateV2},
    directory::{HoldV1, PurposeV1},
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
};
use tracing::debug;

use crate::{
    aggregate::Aggregate,
    directory::Cause,
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
        let cause = &Cause::of(request);
        let decide = move |state: AccountStateV2, _| async move {
            let mut events = Vec::new();
            let mut renamed = None;
            if let Some((name, name_entry)) = name.filter(|(_, entry)| *entry != state.name_entry) {
                let hold = self.account_hold(request, account, PurposeV1::AccountName, 0);
                match self.directory.reserve(name_entry, hold, cause).await? {
                    Ok(hold) if hold.account == account => {
                        renamed = Some((state.name_entry, (name_entry, hold)));
                    }
                    Ok(_) | Err(_) => return Ok(Err(RejectionCodeV1::NameTaken)),
                }
                events.push(AccountRenamedV1 { name: name.clone(), name_entry }.into());
            }
            // Sealed values of one field are equal if their texts are.
            if let Some(attributes) = attributes.filter(|new| state.attributes.as_ref() != Some(new)) {
                events.push(AccountAttributesChangedV1 { attributes: Some(attributes.clone()) }.into());
            }
            Ok(Ok((events, renamed)))
        };
        let (reply, renamed) = self.decide_account(request, account, decide).await?;
        if let Some((former, used)) = renamed.flatten() {
            self.replaced(account, former, used, cause).await;
        }
        Ok(reply)
    }

    /// Releases the entry that an account had before, and settles the one that it has now.
    pub(super) async fn replaced(
        &self,
        account: AccountId,
        former: DirectoryId,
        used: (DirectoryId, HoldV1),
        cause: &Cause,
    ) {
        match self.release_account_entries(account, &[former], cause).await {
            Ok(()) => self.settle_account_entries(account, vec![used], cause).await,
            // Not settled, so that the process manager looks at it.
            Err(trouble) => {
                debug!(%account, reason = chain(&trouble), "a former name or token is released later");
            }
        }
    }
}
