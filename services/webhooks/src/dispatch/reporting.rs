//! Reports to accounts how their endpoints fare (R25): whoever owns the account's partition, by a commit of its delivery stream.

use std::collections::BTreeSet;

use berth_proto::{
    EndpointId, Partition,
    delivery::{EndpointReportedV1, EndpointStandingV1},
    instance::WebhookV1,
};
use berth_views::{ViewError, ViewState};

use super::{
    attempt::Tools,
    settle::{FAULT_DELAY, SettleError, Settler, catch_up},
};
use crate::{
    health::Health,
    outbox::{
        accounts::{Latest, latest_key, listeners_key},
        read_row,
        reports::{Told, about, is_news, listens, told_key, told_prefix},
    },
};

/// Rows that are read at once.
const PAGE_ROWS: usize = 1_000;

/// Endpoints that are reported on at this moment.
pub(super) type Reporting = BTreeSet<EndpointId>;

/// What is to be reported of an endpoint, if that is news to its account and somebody there wants to know.
pub(super) fn news(
    tools: &Tools,
    endpoint: EndpointId,
    health: &Health,
) -> Result<Option<EndpointReportedV1>, ViewError> {
    let Some(standing) = health.standing() else { return Ok(None) };
    let account = health.account;
    let told = tools.outbox.get(&told_key(account, endpoint))?;
    if !is_news(told.and_then(|row| read_row::<Told>(&row)).map(|told| told.standing), standing) {
        return Ok(None);
    }
    let latest = tools.outbox.get(&latest_key(account))?.and_then(|row| read_row::<Latest>(&row));
    let account_version = latest.unwrap_or_default().version;
    let listeners = tools.outbox.get(&listeners_key(account, account_version))?;
    let listeners = listeners.and_then(|row| read_row::<Vec<WebhookV1>>(&row)).unwrap_or_default();
    let is_wanted = listeners.iter().any(|webhook| listens(webhook, endpoint, standing));
    Ok(is_wanted.then_some(EndpointReportedV1 {
        account,
        account_version,
        endpoint,
        instance: health.instance,
        standing,
        failures: health.failures,
        since: health.failing_since,
    }))
}

/// Has the endpoints looked at of which there may be something to report to accounts of a partition that a former owner did not
/// come to: those that fail, and those of which that was told last, which are about as many. Says whether all could be read.
pub(super) fn look_again(tools: &Tools, partition: Partition) -> bool {
    // Until then every question fails, and the loop hears when it is.
    if tools.outbox.state() != ViewState::Live {
        return false;
    }
    let endpoints = tools.attempts.endpoints();
    endpoints.look_at_failing();
    let (prefix, mut after) = (told_prefix(partition), None);
    loop {
        let page = match tools.outbox.scan(&prefix, after.as_deref(), PAGE_ROWS) {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(%error, "what was told of endpoints is looked at later");
                return false;
            }
        };
        let is_full = page.len() == PAGE_ROWS;
        for (key, value) in page {
            if read_row::<Told>(&value).is_none_or(|told| told.standing != EndpointStandingV1::Recovered) {
                endpoints.look_at(about(&key));
            }
            after = Some(key);
        }
        if !is_full {
            return true;
        }
    }
}

/// Reports on an endpoint, if there is news once this replica knows what former owners of the partition reported, and what came of
/// its own reports: of an append without an answer nobody knows whether it was made, and an account is told once. Such a one may be
/// stored as late as it likes: nothing is reported behind a report that was not known here.
pub(super) async fn report(
    tools: &Tools,
    settler: &Settler,
    endpoint: EndpointId,
) -> Result<(), SettleError> {
    loop {
        match try_to_report(tools, settler, endpoint).await {
            Err(SettleError::Log(error)) => {
                tracing::warn!(
                    %endpoint,
                    error = &error as &dyn std::error::Error,
                    "an endpoint is reported on again if that is still news"
                );
                tokio::time::sleep(FAULT_DELAY).await;
            }
            Ok(false) => {}
            Ok(true) => return Ok(()),
            Err(fenced) => return Err(fenced),
        }
    }
}

/// Says whether nothing more is to be reported.
async fn try_to_report(tools: &Tools, settler: &Settler, endpoint: EndpointId) -> Result<bool, SettleError> {
    // Read first, so that the view knows at least as much when it has come up to the log.
    let known = settler.version().await?;
    catch_up(tools, settler).await?;
    let health = tools.attempts.endpoints().of(endpoint).ok().flatten();
    let Some(health) = health else { return Ok(true) };
    match news(tools, endpoint, &health) {
        // It may fare otherwise since, which is looked at once the view knows this report.
        Ok(Some(reported)) => settler.report(&reported, known).await.map(|_noted| false),
        Ok(None) => Ok(true),
        Err(error) => {
            tracing::debug!(%endpoint, %error, "an endpoint is reported on later");
            tools.attempts.endpoints().look_at(endpoint);
            Ok(true)
        }
    }
}
