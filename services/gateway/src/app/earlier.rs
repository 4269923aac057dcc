//! What earlier creates made: the answer to a repeat that would be refused by now, and names that are in use at an upstream.

use berth_proto::{AccountId, frame::RejectionCodeV1};
use berth_runtime::UniqueInAccount;

use super::{
    call::Call,
    create::{Created, Creator, account_of},
    failure::Failure,
    grants::LinkChoice,
};

impl Creator {
    /// What an earlier try of the same keyed create made; none if there was none. For a create that would be refused by what
    /// changed since. [`RejectionCodeV1::KeyReused`] if the key was another request's, [`RejectionCodeV1::Deleted`] if what was made
    /// is gone.
    pub(super) async fn made_before(&self, call: &Call) -> Result<Option<Created>, Failure> {
        let Some(keyed) = &call.idempotency else { return Ok(None) };
        let account = account_of(call)?;
        self.counters.count_call(call).await?;
        let key = self.keys.key(account.as_bytes()).await?.ok_or(Failure::Unauthorized)?;
        let receipt = self.directory.fresh(key.entry(UniqueInAccount::Creation, &keyed.key)).await?;
        let Some(receipt) = receipt else { return Ok(None) };
        if receipt.digest != self.commands.identity(call, account.as_bytes()).await?.digest {
            return Err(Failure::Rejected(RejectionCodeV1::KeyReused));
        }
        let Some(instance) = receipt.instance else { return Ok(None) };
        match self.standings.of(instance).await? {
            // It is under way, or was given up: nothing was answered.
            None => Ok(None),
            Some(standing) if standing.is_deleted() => Err(Failure::Rejected(RejectionCodeV1::Deleted)),
            Some(_) => self.created_before(instance).await.map(Some),
        }
    }

    /// Whether an instance of the account has the name there that a new one of this name would have: one that had it here before,
    /// since a rename here is none there. The directory decides that of instances whose names there are reserved, which they are
    /// only once newer formats are written: this is for those that are not yet.
    pub(super) async fn is_named_there(
        &self,
        account: AccountId,
        link: &LinkChoice,
        name: &str,
    ) -> Result<bool, Failure> {
        let key = self.keys.key(account.as_bytes()).await?.ok_or(Failure::Unauthorized)?;
        let Some(entry) = self.directory.state(key.entry(UniqueInAccount::Name, name)).await? else {
            return Ok(false);
        };
        let wanted = link.name_there(name);
        let had_it: Vec<_> = entry.former.iter().filter_map(|former| former.instance).collect();
        for instance in had_it {
            let Some(standing) = self.standings.of(instance).await? else { continue };
            if !standing.is_deleted()
                && standing.upstream.as_deref() == Some(link.at.as_str())
                && standing.name_at_upstream(&self.keys).await?.as_deref() == Some(wanted.as_str())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
