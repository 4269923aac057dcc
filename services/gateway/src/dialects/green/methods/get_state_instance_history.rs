//! `getStateInstanceHistory`

use axum::extract::{Query, Request};
use berth_proto::{Timestamp, event::Event, instance::PauseReasonV1};
use serde::Deserialize;
use serde_json::{Value, json};

use super::object;
use crate::dialects::green::{call::OnInstance, error::GreenError};

/// Changes that are shown if the request does not say.
const COUNT_DEFAULT: usize = 100;
/// Changes that are shown at most.
const COUNT_MAX: usize = 1_000;
/// Commits that are looked through, newest last.
const COMMITS_MAX: u64 = 5_000;
/// Commits that are read at once.
const COMMITS_PER_READ: usize = 100;

#[derive(Debug, Default, Deserialize)]
struct Count {
    count: Option<usize>,
}

/// Shows how the state changed, newest first. A client may send `count` in the query or, as one SDK does, in a
/// body.
pub(super) async fn run(on: &OnInstance, request: Request) -> Result<Value, GreenError> {
    let query = Query::<Count>::try_from_uri(request.uri()).map(|query| query.0.count).unwrap_or_default();
    let body = object(request)
        .await?
        .get("count")
        .and_then(Value::as_u64)
        .and_then(|count| usize::try_from(count).ok());
    let count = query.or(body).unwrap_or(COUNT_DEFAULT).clamp(1, COUNT_MAX);
    let record = on.read().await?;
    let mut after = record.version.saturating_sub(COMMITS_MAX);
    let mut changes: Vec<(Timestamp, &'static str)> = Vec::new();
    loop {
        let page = on.app.history(on.instance, after, COMMITS_PER_READ).await?;
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
    let phone: u64 = record.device.and_then(|device| device.phone.parse().ok()).unwrap_or_default();
    let shown =
        changes.iter().rev().take(count).map(
            |(at, state)| json!({"stateInstance": state, "timestamp": at.seconds(), "phoneNumber": phone}),
        );
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
