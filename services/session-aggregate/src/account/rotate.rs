//! Changing the token of an account: reserve the new one, append, release the old one.

use berth_proto::{
    AccountId, DirectoryId, Sealed, StreamKey,
    account::{AccountEvent, AccountTokenRotatedV1},
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
    pub(super) async fn rotate_account_token(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
        token: &Sealed,
        token_entry: DirectoryId,
    ) -> Result<CommandReplyV1, Trouble> {
        let cause = Cause::of(request);
        for _ in 0..ATTEMPTS_MAX {
            let loaded: Account = stream::load(&*self.ports.log, &StreamKey::account(account)).await?;
            let state = match self.present(account, &loaded, request).await? {
                Ok(state) => state,
                Err(reply) => return Ok(reply),
            };
            if state.token_entry == token_entry {
                return Ok(accepted(account, &loaded, OutcomeCodeV1::Unchanged, false));
            }
            let credential_version = state.credential_version.saturating_add(1);
            let hold = self.account_hold(request, account, PurposeV1::AccountToken, credential_version);
            match self.directory.reserve(token_entry, hold.clone(), &cause).await? {
                Ok(hold) if hold.account == account => {}
                Ok(_) | Err(_) => return Ok(rejected(RejectionCodeV1::TokenTaken)),
            }
            let event = AccountEvent::from(AccountTokenRotatedV1 {
                credential_version,
                token: token.clone(),
                token_entry,
            });
            match self.append_account(account, &loaded, std::slice::from_ref(&event), &cause).await {
                Ok(next) => {
                    let former = self.release_account_entries(account, &[state.token_entry], &cause).await;
                    match former {
                        Ok(()) => {
                            self.settle_account_entries(account, vec![(token_entry, hold)], &cause).await;
                        }
                        // Not settled, so that the process manager looks at it.
                        Err(trouble) => {
                            debug!(%account, reason = chain(&trouble), "a former token is released later");
                        }
                    }
                    return Ok(accepted(account, &next, OutcomeCodeV1::Applied, false));
                }
                Err(NotAppended::Conflict) => metrics::conflict(),
                Err(NotAppended::Trouble(trouble)) => return Err(trouble),
            }
        }
        Err(Trouble::Contended { stream: StreamKey::account(account) })
    }
}
