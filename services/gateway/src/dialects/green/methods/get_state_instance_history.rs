//! `getStateInstanceHistory`

use axum::extract::{Query, Request};
use berth_proto::{Timestamp, event::Event, instance::PauseReasonV1};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::object;
use crate::dialects::green::{
    call::OnInstance,
    error::{ErrorBody, GreenError},
};

/// Changes that are shown if the request does not say.
const COUNT_DEFAULT: u64 = 100;
/// Changes that are shown at most.
const COUNT_MAX: u64 = 1_000;
/// Commits that are looked through, newest last.
const COMMITS_MAX: u64 = 5_000;
/// Commits that are read at once.
const COMMITS_PER_READ: usize = 100;

/// A change of the state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Change {
    state_instance: &'static str,
    /// Seconds since 1970.
    timestamp: i64,
    /// Of the account that is linked now, or 0.
    phone_number: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Count {
    count: Option<String>,
}

/// Shows how the state changed, newest first. A client may send `count` in the query or, as one SDK does, in a
/// body.
#[utoipa::path(
    get, operation_id = "getStateInstanceHistory", tag = "account",
    path = "/waInstance{idInstance}/getStateInstanceHistory/{apiTokenInstance}",
    params(("count" = Option<u64>, Query, minimum = 1, description = "Changes to show: 100 if it is left out, 1000 at most")),
    responses((status = 200, body = Vec<Change>), (status = 400, body = ErrorBody), (status = 413, body = ErrorBody))
)]
pub(super) async fn run(on: &OnInstance, request: Request) -> Result<Vec<Change>, GreenError> {
    let invalid = || GreenError::Validation("'count' must be a number from 1".to_owned());
    let query = Query::<Count>::try_from_uri(request.uri()).map_err(|_| invalid())?.0.count;
    let wanted = match query {
        Some(text) => Some(text.parse().ok()),
        None => object(request).await?.get("count").map(Value::as_u64),
    };
    let count = wanted.unwrap_or(Some(COUNT_DEFAULT)).filter(|count| *count > 0).ok_or_else(invalid)?;
    let count = count.min(COUNT_MAX);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let record = on.read().await?;
    let mut after = record.version.saturating_sub(COMMITS_MAX);
    let mut changes: Vec<(Timestamp, &'static str)> = Vec::new();
    loop {
        let page = on.app.histories.page(on.instance, after, COMMITS_PER_READ).await?;
        for entry in &page.entries {
            if let Some(state) = entry.event.as_ref().and_then(state)
                && changes.last().is_none_or(|(_, last)| *last != state)
            {
                changes.push((entry.commit.occurred_at, state));
            }
        }
        after = page.last_version;
        if !page.more {
            break;
        }
    }
    let phone: u64 = record.device().and_then(|device| device.phone.parse().ok()).unwrap_or_default();
    let shown = changes.iter().rev().take(count).map(|(at, state_instance)| Change {
        state_instance,
        timestamp: at.seconds(),
        phone_number: phone,
    });
    Ok(shown.collect())
}

/// The state that an event brings about, if this dialect has a word for it here.
const fn state(event: &Event) -> Option<&'static str> {
    match event {
        Event::InstanceCreated(_) | Event::LoggedOut(_) => Some("notAuthorized"),
        Event::ConnectionOpened(_) => Some("authorized"),
        Event::LinkPaused(pause) if matches!(pause.reason, PauseReasonV1::Banned) => Some("blocked"),
        _ => None,
    }
}
