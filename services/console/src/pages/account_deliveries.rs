//! `/console/webhooks/{w}/deliveries`: what an endpoint of the account was sent about all of its instances.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_gateway::app::{AccountRecord, Failure, Webhook};
use berth_proto::{
    InstanceId,
    deliveries::{DeliveriesPageV1, DeliveryV1},
};
use futures::future::join_all;

use super::{
    account_webhooks::found,
    deliveries::{FILTERS, Filter, ROWS, encoded, filters},
};
use crate::{
    form::{Fields, QueryFields},
    notices::{Ends, Sent},
    pages::live::{self, Part},
    shell::{Shell, rendered},
    texts::Texts,
    visit::Visit,
};

/// A delivery and the instance that it is about; none if it is about how another endpoint fares.
struct Row {
    sent: Sent,
    instance: Option<Instance>,
}

/// An instance as a row names it.
#[derive(Debug, Clone)]
struct Instance {
    id: InstanceId,
    /// Its name, or its id where that cannot be read any more.
    name: String,
}

#[derive(Template)]
#[template(path = "account_deliveries_rows.html")]
struct Rows {
    t: Texts,
    /// The page's query as the next look needs it.
    query: String,
    filters: Vec<Filter>,
    state: &'static str,
    sent: Vec<Row>,
    next: Option<String>,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "account_deliveries.html")]
struct Page {
    shell: Shell,
    address: String,
    part: Part<Rows>,
}

/// Lists them, by when each was first tried.
pub(crate) async fn page(visit: Visit, path: Path<String>, query: QueryFields) -> Response {
    let read = async {
        let (account, webhook) = found(&visit, &path.0).await?;
        Ok((rows_of(&visit, &account, &webhook, &query.0).await?, webhook))
    };
    match read.await {
        Ok((rows, webhook)) => {
            let shell = Shell::of(&visit, "webhooks");
            rendered(StatusCode::OK, &Page { shell, address: webhook.url, part: Part::new(rows) })
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// The changing part of it alone.
pub(crate) async fn rows(visit: Visit, path: Path<String>, query: QueryFields) -> Response {
    let read = async {
        let (account, webhook) = found(&visit, &path.0).await?;
        rows_of(&visit, &account, &webhook, &query.0).await
    };
    match read.await {
        Ok(rows) => live::answer(rows, &query.0),
        Err(failure) => visit.refuse(failure),
    }
}

async fn rows_of(
    visit: &Visit,
    account: &AccountRecord,
    webhook: &Webhook,
    query: &Fields,
) -> Result<Rows, Failure> {
    let t = visit.place.texts;
    let chosen = FILTERS.iter().find(|(word, ..)| *word == query.get("state")).unwrap_or(&FILTERS[0]);
    let before = query.given("before").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let is_first = before.is_none();
    let asked = DeliveriesPageV1 {
        account: account.id,
        endpoint: None,
        instance: None,
        standings: chosen.2.to_vec(),
        since: None,
        until: None,
        before,
        limit: ROWS,
    };
    let page = visit.app.deliveries.of_endpoint(webhook.id, asked).await?;
    let instances = instances(visit, account, &page.deliveries).await;
    // Where each was silenced stands on the page of its instance.
    let ends = Ends::default();
    let rows = page.deliveries.iter().map(|delivery| Row {
        sent: Sent::of(delivery, &ends, None, t),
        instance: instances.get(&delivery.notice.instance).cloned(),
    });
    Ok(Rows {
        t,
        query: encoded(chosen.0, query.given("before")),
        filters: filters(chosen.0, t),
        state: chosen.0,
        sent: rows.collect(),
        next: page.next.map(|next| encoded(chosen.0, Some(URL_SAFE_NO_PAD.encode(next)))),
        is_first,
    })
}

/// The instances that deliveries are about. In what is about an endpoint the account stands in the place of the instance.
async fn instances(
    visit: &Visit,
    account: &AccountRecord,
    deliveries: &[DeliveryV1],
) -> BTreeMap<InstanceId, Instance> {
    let of_account = InstanceId::from_bytes(*account.id.as_bytes());
    let mut ids: Vec<_> = deliveries.iter().map(|delivery| delivery.notice.instance).collect();
    ids.sort_unstable();
    ids.dedup();
    let named = ids.into_iter().filter(|id| *id != of_account).map(|id| async move {
        // One that was moved since is another account's, and one that was deleted has no name.
        let record = visit.app.records.read_with_deleted(&visit.principal, id).await.ok();
        let name = record.map(|record| record.name).filter(|name| !name.is_empty());
        (id, Instance { id, name: name.unwrap_or_else(|| id.to_string()) })
    });
    join_all(named).await.into_iter().collect()
}
