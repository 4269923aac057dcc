//! Commands that are decided by the account alone: load, decide, append, and again if another one was first.

use berth_proto::{
    AccountId, StreamKey, Timestamp,
    account::{AccountEvent, AccountStateV2},
    commit::OutcomeCodeV1,
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
};

use super::{ATTEMPTS_MAX, Account, accepted, rejected};
use crate::{
    aggregate::Aggregate,
    directory::Cause,
    metrics,
    stream::{self, NotAppended},
    trouble::Trouble,
};

/// What a command makes of an account: nothing, if it is so already.
pub(super) type Decided = Result<Option<AccountEvent>, RejectionCodeV1>;

impl Aggregate {
    /// Decides a command on an account as it is now, and appends what it makes of it.
    pub(super) async fn decide_account(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
        decide: impl Fn(&AccountStateV2, Timestamp) -> Decided,
    ) -> Result<CommandReplyV1, Trouble> {
        let cause = Cause::of(request);
        for _ in 0..ATTEMPTS_MAX {
            let loaded: Account = stream::load(&*self.ports.log, &StreamKey::account(account)).await?;
            let state = match self.present(account, &loaded, request).await? {
                Ok(state) => state,
                Err(reply) => return Ok(reply),
            };
            let event = match decide(state, loaded.moment(self.ports.clock.now())) {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(accepted(account, &loaded, OutcomeCodeV1::Unchanged, false)),
                Err(code) => return Ok(rejected(code)),
            };
            match self.append_account(account, &loaded, std::slice::from_ref(&event), &cause).await {
                Ok(next) => return Ok(accepted(account, &next, OutcomeCodeV1::Applied, false)),
                Err(NotAppended::Conflict) => metrics::conflict(),
                Err(NotAppended::Trouble(trouble)) => return Err(trouble),
            }
        }
        Err(Trouble::Contended { stream: StreamKey::account(account) })
    }
}
