//! The directory entries of an account, its name and its token: reserved before a commit says that it has them,
//! released after the commit that gives them up.

use berth_domain::account::{self, Claim, State};
use berth_log::{Pages, decode_state};
use berth_proto::{
    AccountId, DirectoryId, StreamKey,
    directory::{FormerV1, HoldV1, PurposeV1},
    frame::{CommandRequestV2, RejectionCodeV1},
};
use berth_runtime::chain;
use tracing::{debug, error};

use super::Accounts;
use crate::{
    directory::{Cause, Holder, Refused},
    trouble::Trouble,
};

/// Entries as they are held.
pub(super) type Held = Vec<(DirectoryId, HoldV1)>;

impl Accounts {
    /// Reserves all of these keys, or none of them and says which cannot be had.
    pub(super) async fn reserve(
        &self,
        account: AccountId,
        claims: &[Claim],
        request: &CommandRequestV2,
    ) -> Result<Result<Held, RejectionCodeV1>, Trouble> {
        let cause = Cause::of(request);
        let mut reserved = Held::new();
        for Claim { entry, purpose, credential_version } in claims.iter().copied() {
            let hold = HoldV1 {
                purpose,
                account,
                instance: None,
                credential_version,
                command_id: request.command_id,
                digest: request.digest,
                at: self.clock.now(),
                blueprint: None,
            };
            let by = match self.directory.reserve(entry, hold, &cause).await? {
                Ok(hold) if hold.account == account => {
                    reserved.push((entry, hold));
                    continue;
                }
                // The id of an account follows from its command, so one command has no two accounts.
                Ok(other) => Box::new(other),
                Err(Refused { by }) => by,
            };
            let entries: Vec<_> = reserved.iter().map(|(entry, _)| *entry).collect();
            self.release(account, &entries, &cause).await?;
            return Ok(Err(match purpose {
                _ if by.command_id == request.command_id => RejectionCodeV1::KeyReused,
                PurposeV1::AccountName => RejectionCodeV1::NameTaken,
                _ => RejectionCodeV1::TokenTaken,
            }));
        }
        Ok(Ok(reserved))
    }

    /// Lets the directory follow a commit: what it gave up is released, what it uses is settled.
    pub(super) async fn follow(
        &self,
        account: AccountId,
        before: Option<&State>,
        after: &State,
        used: Held,
        cause: &Cause,
    ) {
        let given_up = before.map(|before| account::given_up(before, after)).unwrap_or_default();
        if let Err(trouble) = self.release(account, &given_up, cause).await {
            // Not settled, so that the process manager looks at it.
            return debug!(%account, reason = chain(&trouble), "a former name or token is released later");
        }
        for (entry, hold) in used {
            // Once more, for whoever was so slow that the process manager had released it.
            let settled = match self.directory.reserve(entry, hold, cause).await {
                Ok(Ok(_)) => self.directory.settle(entry, Holder { account, instance: None }).await,
                Ok(Err(_)) => {
                    error!(%account, "a name or token of an account was given to somebody else meanwhile");
                    continue;
                }
                Err(trouble) => Err(trouble),
            };
            if let Err(trouble) = settled {
                debug!(%account, reason = chain(&trouble), "an entry of an account is settled later");
            }
        }
    }

    /// Finishes what a crash left of an account's entry: it is settled if the account uses it, else released. A
    /// crash may also have left the names and tokens before it.
    pub(crate) async fn finish_entry(&self, account: AccountId, entry: DirectoryId) -> Result<(), Trouble> {
        let cause = Cause::own("account entry", entry.as_bytes());
        let Some(state) = self.open(account).await?.filter(|state| uses(state, entry)) else {
            return self.release(account, &[entry], &cause).await;
        };
        let mut former = self.entries_ever(account).await?;
        former.retain(|entry| !uses(&state, *entry));
        self.release(account, &former, &cause).await?;
        self.directory.settle(entry, Holder { account, instance: None }).await
    }

    /// Releases every token and name that a closed account ever had; those of before may have been left by a
    /// crash.
    pub(crate) async fn release_closed(&self, account: AccountId, cause: &Cause) -> Result<(), Trouble> {
        let entries = self.entries_ever(account).await?;
        self.release(account, &entries, cause).await
    }

    async fn release(
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

    /// The directory entries of every name and token that an account ever had, but for those of damaged commits. A commit carries
    /// the whole state: what only a damaged one had was given up by the next, and stays taken only if a crash kept it from being
    /// released. What a newer release wrote is waited for.
    async fn entries_ever(&self, account: AccountId) -> Result<Vec<DirectoryId>, Trouble> {
        let stream = StreamKey::account(account);
        let (mut entries, mut pages) = (Vec::new(), Pages::after(self.writer.log(), &stream, 0));
        while let Some(page) = pages.next().await? {
            for place in page {
                if let Some((_, state)) = place.decoded(decode_state::<State>)? {
                    entries.extend([state.token_entry, state.name_entry]);
                }
            }
        }
        entries.sort_unstable();
        entries.dedup();
        Ok(entries)
    }
}

fn uses(state: &State, entry: DirectoryId) -> bool {
    [state.token_entry, state.name_entry].contains(&entry)
}
