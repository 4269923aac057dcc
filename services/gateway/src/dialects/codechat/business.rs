//! A business as this dialect shows it.

use axum::{Json, http::StatusCode};
use berth_proto::AccountId;

use super::{
    BUSINESS_FORMAT,
    answers::{BusinessRefreshed, BusinessRegenerated, BusinessShown, BusinessWebhook},
    error::CodeChatError,
    webhook::shown_headers,
};
use crate::{
    app::{AccountRecord, App, Call, Webhook},
    http::time::iso_millis,
};

pub(super) fn shown(account: &AccountRecord) -> BusinessShown {
    BusinessShown {
        business_id: account.id,
        name: account.name.clone(),
        business_token: account.token.clone(),
        attributes: account.attributes.clone(),
        created_at: iso_millis(account.state.created_at),
        updated_at: iso_millis(account.state.updated_at),
        deleted_at: account.state.closed_at.map(iso_millis),
        business_webhook: shown_webhook(account),
    }
}

/// A business whose token was changed, with the new one.
pub(super) fn refreshed(account: &AccountRecord) -> BusinessRefreshed {
    BusinessRefreshed { new_token: account.token.clone(), business: shown(account) }
}

/// Gives a business another token, without asking for the old one, which ends at once.
pub(super) async fn regenerate_token(
    app: &App,
    call: &Call,
    account: AccountId,
) -> Result<(StatusCode, Json<BusinessRegenerated>), CodeChatError> {
    let changed = app.accounts.rotate_token(call, account, None).await;
    let account = changed.map_err(CodeChatError::of_business)?.account;
    let answer = BusinessRegenerated {
        refreshed: refreshed(&account),
        business_token: account.token,
        message: "The token was regenerated",
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The webhook of a business, if it has one.
pub(super) fn webhook_of(account: &AccountRecord) -> Option<&Webhook> {
    account.webhooks.iter().find(|webhook| webhook.format == BUSINESS_FORMAT)
}

/// The webhook of a business, as this dialect shows it.
pub(super) fn shown_webhook(account: &AccountRecord) -> Option<BusinessWebhook> {
    webhook_of(account).map(|webhook| BusinessWebhook {
        webhook_id: webhook.id,
        url: webhook.url.clone(),
        enabled: webhook.enabled,
        headers: shown_headers(webhook),
        created_at: iso_millis(webhook.created_at),
        updated_at: iso_millis(webhook.updated_at),
        business_business_id: account.id,
    })
}
