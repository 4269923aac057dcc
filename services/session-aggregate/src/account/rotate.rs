//! Changing the token of an account: reserve the new one, append, release the old one.

use berth_proto::{
    AccountId, DirectoryId, Sealed,
    account::{AccountStateV2, AccountTokenRotatedV1},
    directory::PurposeV1,
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
};

use crate::{aggregate::Aggregate, directory::Cause, trouble::Trouble};

impl Aggregate {
    pub(super) async fn rotate_account_token(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
        token: &Sealed,
        token_entry: DirectoryId,
    ) -> Result<CommandReplyV1, Trouble> {
        let cause = &Cause::of(request);
        let decide = move |state: AccountStateV2, _| async move {
            if state.token_entry == token_entry {
                return Ok(Ok((Vec::new(), None)));
            }
            let credential_version = state.credential_version.saturating_add(1);
            let hold = self.account_hold(request, account, PurposeV1::AccountToken, credential_version);
            match self.directory.reserve(token_entry, hold, cause).await? {
                Ok(hold) if hold.account == account => {
                    let token = token.clone();
                    let event = AccountTokenRotatedV1 { credential_version, token, token_entry };
                    Ok(Ok((vec![event.into()], Some((state.token_entry, hold)))))
                }
                Ok(_) | Err(_) => Ok(Err(RejectionCodeV1::TokenTaken)),
            }
        };
        let (reply, replaced) = self.decide_account(request, account, decide).await?;
        if let Some((former, hold)) = replaced.flatten() {
            self.replaced(account, former, (token_entry, hold), cause).await;
        }
        Ok(reply)
    }
}
