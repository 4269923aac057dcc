//! Webhook endpoints of an account, which hear all its instances: as many as fit, and one for each format of a dialect that has such
//! a thing.

use std::sync::Arc;

use berth_proto::{
    AccountId, EndpointId, Sealed, StreamKey, Timestamp,
    frame::{RejectionCodeV1, TargetV1},
    instance::WebhookV1,
};
use berth_runtime::{Clock, DataKey, sealing::field};

use super::{
    accounts::{AccountRecord, Accounts, ChangedAccount},
    call::Call,
    commands::Commands,
    failure::Failure,
    webhooks::{NewWebhook, Webhook, WebhookSecrets, Webhooks, keep_until},
};

/// What a command made of an endpoint of an account.
#[derive(Debug, Clone)]
pub struct ChangedWebhook {
    /// The endpoint as it is now.
    pub webhook: Webhook,
    /// Whether an earlier try of the same keyed command had done it.
    pub replayed: bool,
}

/// Endpoints of accounts.
#[derive(Debug)]
pub struct AccountWebhooks {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) commands: Arc<Commands>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) webhooks: Arc<Webhooks>,
}

impl AccountWebhooks {
    /// Adds an endpoint that hears all instances of an account, those to come included; gives its secrets too. The id of a
    /// keyed command's endpoint follows from the key, so that every try means the same one.
    /// [`RejectionCodeV1::UnknownWebhook`] if an earlier try added one that was removed since.
    pub async fn add(
        &self,
        call: &Call,
        account: AccountId,
        new: &NewWebhook,
    ) -> Result<(ChangedWebhook, WebhookSecrets), Failure> {
        // Dispatchers of a release before would tell it nothing.
        self.accounts.require_account_wide()?;
        let place = self.commands.place(call, StreamKey::account(account)).await?;
        let identity = self.commands.identity(call, account.as_bytes()).await?;
        let key = self.accounts.key(account).await?;
        let id = identity.keyed.then(|| EndpointId::from_bytes(*identity.command_id.as_bytes()));
        let new = NewWebhook { id: new.id.or(id), ..new.clone() };
        let (webhook, _) = self.webhooks.seal(account.as_bytes(), &key, &new)?;
        let id = webhook.id;
        let target = TargetV1::ConfigureAccountWebhook { account, webhook };
        let changed = self.accounts.decide_as(&place, call, identity, target).await?;
        let secrets = self.secrets_with(&key, &changed.account, id)?;
        Ok((of_webhook(&changed, id)?, secrets))
    }

    /// Adds an endpoint of a dialect's format that hears all instances of an account, those to come included, or replaces the one
    /// of its format: id and secret stay then.
    pub async fn configure(
        &self,
        call: &Call,
        account: AccountId,
        new: &NewWebhook,
    ) -> Result<ChangedAccount, Failure> {
        let key = self.accounts.key(account).await?;
        let (webhook, _) = self.webhooks.seal(account.as_bytes(), &key, new)?;
        let target = TargetV1::ConfigureAccountWebhook { account, webhook };
        self.accounts.decide(call, target).await
    }

    /// Replaces the endpoint that a change was made from, which stands in the account as it was read.
    /// [`RejectionCodeV1::Changed`] if it is another one by now.
    pub async fn replace(
        &self,
        call: &Call,
        read: &AccountRecord,
        seen: EndpointId,
        new: &NewWebhook,
    ) -> Result<ChangedAccount, Failure> {
        let account = read.id;
        let seen = read.state.webhooks.iter().find(|one| one.id == seen).ok_or(Failure::NotFound)?;
        let key = self.accounts.key(account).await?;
        let (webhook, _) = self.webhooks.seal(account.as_bytes(), &key, new)?;
        let target = TargetV1::ReplaceAccountWebhook { account, seen: Box::new(seen.clone()), webhook };
        self.accounts.decide(call, target).await
    }

    /// Whether an earlier try of the same keyed change of an endpoint was decided: [`RejectionCodeV1::KeyReused`] if that was another
    /// request. For a change that cannot be made again, since its endpoint is gone. What an account was asked before only whoever
    /// decides knows; so it is asked again, for the change of an endpoint that is nothing, which is decided against.
    pub async fn was_decided(
        &self,
        call: &Call,
        account: AccountId,
        webhook: EndpointId,
    ) -> Result<bool, Failure> {
        if call.idempotency.is_none() {
            return Ok(false);
        }
        let nothing = nothing(webhook);
        let target =
            TargetV1::ReplaceAccountWebhook { account, seen: Box::new(nothing.clone()), webhook: nothing };
        match self.accounts.decide(call, target).await {
            Ok(changed) => Ok(changed.replayed),
            Err(Failure::Rejected(RejectionCodeV1::UnknownWebhook | RejectionCodeV1::Changed)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Removes an endpoint of an account.
    pub async fn remove(
        &self,
        call: &Call,
        account: AccountId,
        webhook: EndpointId,
    ) -> Result<ChangedAccount, Failure> {
        let target = TargetV1::RemoveAccountWebhook { account, webhook };
        self.accounts.decide(call, target).await
    }

    /// The secrets of an endpoint, opened; [`Failure::NotFound`] if the account has no such endpoint.
    pub async fn secrets(&self, account: &AccountRecord, id: EndpointId) -> Result<WebhookSecrets, Failure> {
        let key = self.accounts.key(account.id).await?;
        self.secrets_with(&key, account, id).map_err(|_| Failure::NotFound)
    }

    /// Changes the secret of an endpoint to this one or one that is made up; the former one signs beside it for so many
    /// hours.
    pub async fn rotate_secret(
        &self,
        call: &Call,
        account: AccountId,
        id: EndpointId,
        secret: Option<&str>,
        overlap_hours: u32,
    ) -> Result<(WebhookSecrets, bool), Failure> {
        let key = self.accounts.key(account).await?;
        let secret = self.webhooks.secret(secret)?;
        let secret = key.seal(account.as_bytes(), field::WEBHOOK_SECRET, secret.as_bytes());
        let keep_until = keep_until(self.clock.now(), overlap_hours);
        let target = TargetV1::RotateAccountWebhookSecret { account, webhook: id, secret, keep_until };
        let changed = self.accounts.decide(call, target).await?;
        Ok((self.secrets_with(&key, &changed.account, id)?, changed.replayed))
    }

    fn secrets_with(
        &self,
        key: &DataKey,
        account: &AccountRecord,
        id: EndpointId,
    ) -> Result<WebhookSecrets, Failure> {
        let webhook = account.state.webhooks.iter().find(|webhook| webhook.id == id);
        let webhook = webhook.ok_or(Failure::Rejected(RejectionCodeV1::UnknownWebhook))?;
        let open = |sealed: &Sealed| key.open_text(account.id.as_bytes(), field::WEBHOOK_SECRET, sealed).ok();
        Ok(WebhookSecrets::of(webhook, self.clock.now(), open))
    }
}

impl AccountRecord {
    /// An endpoint of the account, opened.
    pub fn webhook(&self, id: EndpointId) -> Option<&Webhook> {
        self.webhooks.iter().find(|webhook| webhook.id == id)
    }
}

/// An endpoint with this id that no account has.
fn nothing(id: EndpointId) -> WebhookV1 {
    WebhookV1 {
        id,
        format: String::new(),
        label: String::new(),
        enabled: false,
        url: Sealed(Vec::new()),
        headers: None,
        authorization: None,
        secret: Sealed(Vec::new()),
        old_secrets: Vec::new(),
        events: Vec::new(),
        after_logout_all: false,
        options: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

/// An endpoint of an account after a change. [`RejectionCodeV1::UnknownWebhook`] if it was removed since.
fn of_webhook(changed: &ChangedAccount, id: EndpointId) -> Result<ChangedWebhook, Failure> {
    let webhook = changed.account.webhook(id).cloned();
    let webhook = webhook.ok_or(Failure::Rejected(RejectionCodeV1::UnknownWebhook))?;
    Ok(ChangedWebhook { webhook, replayed: changed.replayed })
}
