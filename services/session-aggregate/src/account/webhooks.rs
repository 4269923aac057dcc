//! The endpoints of an account: one for each format, which every instance of the account has beside its own.
//!
//! They stand here sealed for the account. The process manager copies them to the instances, see
//! `process::duty`.

use std::future::ready;

use berth_proto::{
    AccountId, EndpointId, Timestamp,
    account::{AccountStateV2, AccountWebhookConfiguredV1, AccountWebhookRemovedV1},
    codec::encoded_len,
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1},
    instance::WebhookV1,
    limits::{ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX, ACCOUNT_WEBHOOKS_MAX},
};

use super::decide::Decided;
use crate::{aggregate::Aggregate, trouble::Trouble};

impl Aggregate {
    /// Adds an endpoint, or replaces the one of its format.
    pub(super) async fn configure_account_webhook(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
        webhook: &WebhookV1,
    ) -> Result<CommandReplyV1, Trouble> {
        let decide = |state, now| ready(Ok(configure(&state, webhook, now)));
        Ok(self.decide_account(request, account, decide).await?.0)
    }

    /// Removes an endpoint.
    pub(super) async fn remove_account_webhook(
        &self,
        request: &CommandRequestV2,
        account: AccountId,
        webhook: EndpointId,
    ) -> Result<CommandReplyV1, Trouble> {
        let decide = |state, _| ready(Ok(remove(&state, webhook)));
        Ok(self.decide_account(request, account, decide).await?.0)
    }
}

/// An endpoint that is replaced keeps its id and its secrets, as an instance's does.
fn configure(state: &AccountStateV2, webhook: &WebhookV1, now: Timestamp) -> Decided<()> {
    if !webhook.is_of_account() {
        return Err(RejectionCodeV1::OutOfPlace);
    }
    let mut webhook = WebhookV1 { created_at: now, updated_at: now, ..webhook.clone() };
    if let Some(present) = state.webhooks.iter().find(|one| one.format == webhook.format) {
        webhook.id = present.id;
        webhook.secret.clone_from(&present.secret);
        webhook.old_secrets.clone_from(&present.old_secrets);
        webhook.created_at = present.created_at;
        if (WebhookV1 { updated_at: present.updated_at, ..webhook.clone() }) == *present {
            return Ok((Vec::new(), ()));
        }
        // Later than before whatever the clock says: instances tell by it of which state they have a copy.
        webhook.updated_at = now.max(Timestamp(present.updated_at.0.saturating_add(1)));
    }
    let all = || state.webhooks.iter().filter(|one| one.id != webhook.id).chain([&webhook]);
    if all().count() > ACCOUNT_WEBHOOKS_MAX {
        return Err(RejectionCodeV1::TooManyWebhooks);
    }
    let mut bytes = 0_usize;
    for one in all() {
        bytes = bytes.saturating_add(encoded_len(one).map_err(|_| RejectionCodeV1::WebhooksTooLarge)?);
    }
    if bytes > ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX {
        return Err(RejectionCodeV1::WebhooksTooLarge);
    }
    Ok((vec![AccountWebhookConfiguredV1 { webhook }.into()], ()))
}

fn remove(state: &AccountStateV2, webhook: EndpointId) -> Decided<()> {
    if state.webhooks.iter().all(|one| one.id != webhook) {
        return Err(RejectionCodeV1::UnknownWebhook);
    }
    Ok((vec![AccountWebhookRemovedV1 { webhook }.into()], ()))
}
