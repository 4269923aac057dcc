//! Changing and closing an account.

use berth_proto::{AccountId, frame::TargetV1, query::InstanceQueryV1};
use berth_runtime::{Unique, sealing::field};
use serde_json::Value;

use super::{
    accounts::{Accounts, ChangedAccount, require_root, written},
    call::Call,
    failure::Failure,
    names::check_name,
    principal::Principal,
};

/// What shall be another of an account; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// Its name, unique in the deployment.
    pub name: Option<String>,
    /// What the operator keeps with it; JSON `null` is nothing any more.
    pub attributes: Option<Value>,
}

/// What a close came to.
#[derive(Debug, Clone)]
pub enum Closing {
    /// It is closed; its instances are being deleted.
    Closed(Box<ChangedAccount>),
    /// It has instances, and nobody said that they may be deleted.
    HasInstances,
}

impl Accounts {
    /// Gives an account another name or other attributes: the operator, or the account itself.
    pub async fn change(
        &self,
        call: &Call,
        account: AccountId,
        change: AccountChange,
    ) -> Result<ChangedAccount, Failure> {
        if !matches!(call.principal, Principal::Account { account: own, .. } if own == account) {
            require_root(call)?;
        }
        let name = change.name.map(|name| check_name(&name)).transpose();
        let name = name.map_err(|e| Failure::Invalid { field: "name", problem: e.0 })?;
        let attributes = change.attributes.as_ref().map(written).transpose()?;
        let owner = account.as_bytes();
        let key = self.key(account).await?;
        let entry = |name: &str| self.keys.master().entry(Unique::AccountName, name);
        let target = TargetV1::ChangeAccount {
            account,
            name: name.map(|name| (key.seal(owner, field::NAME, name.as_bytes()), entry(&name))),
            attributes: attributes.map(|attributes| key.seal(owner, field::ATTRIBUTES, &attributes)),
        };
        self.decide(call, target).await
    }

    /// Chooses where the instances of an account are made, unless a create says where: on an upstream that it was granted, or by
    /// the deployment's own driver. Root only, as granting is.
    pub async fn choose_upstream(
        &self,
        call: &Call,
        account: AccountId,
        upstream: Option<String>,
    ) -> Result<ChangedAccount, Failure> {
        require_root(call)?;
        // Processes of a release before could not read the account any more.
        self.require_account_wide()?;
        // One that is granted only later, or not any more, would refuse every create.
        if let Some(name) = &upstream {
            let granted = self.granted(account, name).await?;
            granted
                .ok_or(Failure::Invalid { field: "upstream", problem: "the account has no such upstream" })?;
        }
        self.decide(call, TargetV1::ChooseAccountUpstream { account, upstream }).await
    }

    /// Closes an account: its token and its name end at once, its instances are deleted, with their sessions, and
    /// then its data key is destroyed. Root only.
    ///
    /// Without `force` one that has instances stays open. That is what the record view says, which may lag: an
    /// instance that somebody creates at this moment is deleted with the account.
    pub async fn close(&self, call: &Call, account: AccountId, force: bool) -> Result<Closing, Failure> {
        require_root(call)?;
        if !force {
            let query = InstanceQueryV1 { limit: 1, ..InstanceQueryV1::default() };
            if !self.lists.page(account, query).await?.records.is_empty() {
                return Ok(Closing::HasInstances);
            }
        }
        let closed = self.decide(call, TargetV1::CloseAccount { account }).await?;
        Ok(Closing::Closed(Box::new(closed)))
    }
}
