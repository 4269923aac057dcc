//! Webhook endpoints of an account: one for each format, which all its instances have.

use berth_proto::{AccountId, EndpointId, frame::TargetV1};

use super::{
    accounts::{AccountRecord, Accounts, ChangedAccount},
    call::Call,
    failure::Failure,
    webhooks::NewWebhook,
};

impl Accounts {
    /// Adds an endpoint to all instances of an account, those to come included, or replaces the one of its format:
    /// id and secret stay then.
    pub async fn configure_webhook(
        &self,
        call: &Call,
        account: AccountId,
        new: &NewWebhook,
    ) -> Result<ChangedAccount, Failure> {
        let key = self.key(account).await?;
        let (webhook, _) = self.webhooks.seal(account.as_bytes(), &key, new)?;
        let target = TargetV1::ConfigureAccountWebhook { account, webhook };
        self.decide(call, target).await
    }

    /// Replaces the endpoint that a change was made from, which stands in the account as it was read.
    /// [`berth_proto::frame::RejectionCodeV1::Changed`] if it is another one by now.
    pub async fn replace_webhook(
        &self,
        call: &Call,
        read: &AccountRecord,
        seen: EndpointId,
        new: &NewWebhook,
    ) -> Result<ChangedAccount, Failure> {
        let account = read.id;
        let seen = read.state.webhooks.iter().find(|one| one.id == seen).ok_or(Failure::NotFound)?;
        let key = self.key(account).await?;
        let (webhook, _) = self.webhooks.seal(account.as_bytes(), &key, new)?;
        let target = TargetV1::ReplaceAccountWebhook { account, seen: Box::new(seen.clone()), webhook };
        self.decide(call, target).await
    }

    /// Removes an endpoint of an account from all its instances.
    pub async fn remove_webhook(
        &self,
        call: &Call,
        account: AccountId,
        webhook: EndpointId,
    ) -> Result<ChangedAccount, Failure> {
        let target = TargetV1::RemoveAccountWebhook { account, webhook };
        self.decide(call, target).await
    }
}
