//! Closing an account: append, release its token and its name. The duty of the process manager does the rest:
//! it deletes the account's instances and destroys its data key.

use std::future::ready;

use berth_log::Plan;
use berth_proto::{
    AccountId,
    account::{AccountClosedV1, AccountSettledV1},
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
};
use tracing::warn;

use super::{Account, decide::next};
use crate::{
    aggregate::Aggregate,
    directory::Cause,
    trouble::{Trouble, chain},
};

impl Aggregate {
    pub(super) async fn close_account(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
    ) -> Result<CommandReplyV1, Trouble> {
        let close = |_, _| ready(Ok(Ok((vec![AccountClosedV1 {}.into()], ()))));
        let (reply, closed) = self.decide_account(request, account, close).await?;
        if closed.is_some()
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

    /// Notes that the instances of an account follow it as it was in this state. After a change meanwhile
    /// nothing is noted, and the duty looks again.
    pub(crate) async fn settle_account(&self, account: AccountId, loaded: Account) -> Result<(), Trouble> {
        let (stream, version) = (loaded.stream, loaded.version());
        let cause = Cause::about("account settled", &version.to_be_bytes(), account.as_bytes());
        let decide = |now: Account, at| {
            ready(if now.version() == version {
                next(now, &[AccountSettledV1 { version }.into()], &cause, at)
            } else {
                Ok(Plan::Keep(now, Err(RejectionCodeV1::Changed)))
            })
        };
        self.writer.transact::<_, _, Trouble, _>(stream, Some(loaded), decide).await.map(drop)
    }
}
