//! Webhook endpoints of an account: one for each format, which all its instances have.

use berth_proto::{AccountId, EndpointId, frame::TargetV1};

use super::{App, accounts::ChangedAccount, call::Call, failure::Failure, webhooks::NewWebhook};

impl App {
    /// Adds an endpoint to all instances of an account, those to come included, or replaces the one of its format:
    /// id and secret stay then.
    pub async fn configure_account_webhook(
        &self,
        call: &Call,
        account: AccountId,
        new: &NewWebhook,
    ) -> Result<ChangedAccount, Failure> {
        let key = self.account_key(account).await?;
        let (webhook, _) = self.seal_webhook(account.as_bytes(), &key, new)?;
        let identity = self.identity(call, account.as_bytes()).await?;
        let target = TargetV1::ConfigureAccountWebhook { account, webhook };
        let accepted = self.account_command(call, identity, target).await?;
        self.changed_account(&accepted).await
    }

    /// Removes an endpoint of an account from all its instances.
    pub async fn remove_account_webhook(
        &self,
        call: &Call,
        account: AccountId,
        webhook: EndpointId,
    ) -> Result<ChangedAccount, Failure> {
        let identity = self.identity(call, account.as_bytes()).await?;
        let target = TargetV1::RemoveAccountWebhook { account, webhook };
        let accepted = self.account_command(call, identity, target).await?;
        self.changed_account(&accepted).await
    }
}
