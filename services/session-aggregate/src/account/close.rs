//! Closing an account: append, release its token and its name. The duty of the process manager does the rest:
//! it deletes the account's instances and destroys its data key.

use berth_proto::{
    AccountId,
    account::{AccountClosedV1, AccountEvent, AccountSettledV1},
    frame::{CommandReplyV1, CommandRequestV2},
};
use tracing::warn;

use super::Account;
use crate::{
    aggregate::Aggregate,
    directory::Cause,
    metrics,
    stream::NotAppended,
    trouble::{Trouble, chain},
};

impl Aggregate {
    pub(super) async fn close_account(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
    ) -> Result<CommandReplyV1, Trouble> {
        let reply = self.decide_account(request, account, |_, _| Ok(Some(AccountClosedV1 {}.into()))).await?;
        if let CommandReplyV1::Accepted(done) = &reply
            && !done.replayed
            && let Err(trouble) = self.release_closed(account, &Cause::of(request)).await
        {
            warn!(%account, reason = chain(&trouble), "a closed account's token ends later");
        }
        Ok(reply)
    }

    /// Releases every token and name that a closed account ever had; those of before may have been left by a
    /// crash.
    pub(crate) async fn release_closed(&self, account: AccountId, cause: &Cause) -> Result<(), Trouble> {
        let entries = self.entries_ever(account).await?;
        self.release_account_entries(account, &entries, cause).await
    }

    /// Notes that the instances of an account follow it as it was in this state. A change meanwhile makes it a
    /// conflict, and the duty looks again.
    pub(crate) async fn settle_account(&self, account: AccountId, loaded: &Account) -> Result<(), Trouble> {
        let event = AccountEvent::from(AccountSettledV1 { version: loaded.version() });
        let cause = Cause::about("account settled", &loaded.version().to_be_bytes(), account.as_bytes());
        match self.append_account(account, loaded, std::slice::from_ref(&event), &cause).await {
            Ok(_) => Ok(()),
            Err(NotAppended::Conflict) => {
                metrics::conflict();
                Ok(())
            }
            Err(NotAppended::Trouble(trouble)) => Err(trouble),
        }
    }
}
