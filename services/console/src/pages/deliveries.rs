//! `/console/i/{i}/deliveries` and `/console/i/{i}/webhooks/{w}/deliveries`: what endpoints were sent, and what waits.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_gateway::app::{Failure, Record};
use berth_proto::{
    EndpointId,
    deliveries::{DELIVERIES_PAGE_MAX, DeliveriesPageV1, DeliveryV1, StandingV1},
    delivery::SettlementV1,
};

use crate::{
    form::{Fields, QueryFields},
    notices::{Ends, Sent},
    pages::{
        instance::Head,
        live::{self, Part},
    },
    shell::{Shell, rendered},
    texts::Texts,
    visit::{Named, Visit},
};

/// Deliveries of a page.
pub(super) const ROWS: u16 = 25;
/// What the health of an endpoint is about: a day.
const HEALTH_SECONDS: i64 = 24 * 60 * 60;

/// What can be asked for, and how that stands.
pub(super) const FILTERS: [(&str, &str, &[StandingV1]); 5] = [
    ("", "all", &[]),
    ("waiting", "sent-waiting", &[StandingV1::Waiting]),
    ("delivered", "sent-delivered", &[settled(SettlementV1::Delivered)]),
    ("exhausted", "sent-exhausted", &[settled(SettlementV1::Exhausted)]),
    (
        "cancelled",
        "sent-cancelled",
        &[
            settled(SettlementV1::CancelledByLogout),
            settled(SettlementV1::CancelledByDelete),
            settled(SettlementV1::CancelledByEndpoint),
            settled(SettlementV1::Superseded),
            settled(SettlementV1::Expired),
        ],
    ),
];

const fn settled(outcome: SettlementV1) -> StandingV1 {
    StandingV1::Settled { outcome }
}

/// Whose deliveries a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Instance,
    Endpoint(EndpointId),
}

/// An endpoint above its deliveries.
struct Endpoint {
    id: String,
    address: String,
    /// Whether it can be asked to be sent something: it is there, and so is the instance.
    is_present: bool,
    /// Whether it is the instance's own.
    is_own: bool,
    /// What became of the deliveries of the last day: state, word, how many; and whether there were more.
    health: Vec<(&'static str, String, usize)>,
    health_is_cut: bool,
}

/// A filter.
pub(super) struct Filter {
    pub(super) word: &'static str,
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

#[derive(Template)]
#[template(path = "deliveries_rows.html")]
struct Rows {
    t: Texts,
    root: String,
    /// The page's query as the next look needs it.
    query: String,
    instance: String,
    shows_endpoint: bool,
    filters: Vec<Filter>,
    state: &'static str,
    sent: Vec<Sent>,
    next: Option<String>,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct Page {
    shell: Shell,
    head: Head,
    endpoint: Option<Endpoint>,
    part: Part<Rows>,
}

/// Lists what the endpoints of an instance were sent, by when it was first tried.
pub(crate) async fn of_instance(visit: Visit, named: Named, query: QueryFields) -> Response {
    shown(&visit, named, Ok(Scope::Instance), &query.0).await
}

/// The changing part of it alone.
pub(crate) async fn instance_rows(visit: Visit, named: Named, query: QueryFields) -> Response {
    part(&visit, named, Ok(Scope::Instance), &query.0).await
}

/// Lists what an endpoint was sent, by what it is about, and what waits for it.
pub(crate) async fn of_endpoint(
    visit: Visit,
    named: Named,
    path: Path<(String, String)>,
    query: QueryFields,
) -> Response {
    shown(&visit, named, scope(&path.0.1), &query.0).await
}

/// The changing part of it alone.
pub(crate) async fn endpoint_rows(
    visit: Visit,
    named: Named,
    path: Path<(String, String)>,
    query: QueryFields,
) -> Response {
    part(&visit, named, scope(&path.0.1), &query.0).await
}

fn scope(endpoint: &str) -> Result<Scope, Failure> {
    endpoint.parse().map(Scope::Endpoint).map_err(|_| Failure::NotFound)
}

async fn shown(visit: &Visit, named: Named, scope: Result<Scope, Failure>, query: &Fields) -> Response {
    let read = async {
        let record = visit.app.records.read_with_deleted(&visit.principal, named.0).await?;
        page_of(visit, &record, scope?, query).await
    };
    match read.await {
        Ok(page) => rendered(StatusCode::OK, &Page { shell: page.shell.saying(query), ..page }),
        Err(failure) => visit.refuse(failure),
    }
}

/// The page of an endpoint as the answer to a form that was refused.
pub(crate) async fn refused(
    visit: &Visit,
    record: &Record,
    endpoint: EndpointId,
    problem: String,
) -> Response {
    match page_of(visit, record, Scope::Endpoint(endpoint), &Fields::default()).await {
        // The form was sent to the page beside the list.
        Ok(page) => {
            rendered(StatusCode::CONFLICT, &Page { shell: page.shell.with_problem(Some(problem)), ..page })
        }
        Err(failure) => visit.refuse(failure),
    }
}

async fn part(visit: &Visit, named: Named, scope: Result<Scope, Failure>, query: &Fields) -> Response {
    let read = async {
        let record = visit.app.records.read_with_deleted(&visit.principal, named.0).await?;
        rows_of(visit, &record, scope?, query).await
    };
    match read.await {
        Ok(rows) => live::answer(rows, query),
        Err(failure) => visit.refuse(failure),
    }
}

async fn page_of(visit: &Visit, record: &Record, scope: Scope, query: &Fields) -> Result<Page, Failure> {
    let rows = rows_of(visit, record, scope, query).await?;
    let endpoint = match scope {
        Scope::Instance => None,
        Scope::Endpoint(id) => Some(endpoint_of(visit, record, id, rows.sent.is_empty()).await?),
    };
    let shell = Shell::of(visit, "instances");
    let tab = if endpoint.is_some() { "webhooks" } else { "deliveries" };
    Ok(Page { head: Head::of(record, shell.t, tab), shell, endpoint, part: Part::new(rows) })
}

async fn rows_of(visit: &Visit, record: &Record, scope: Scope, query: &Fields) -> Result<Rows, Failure> {
    let t = visit.place.texts;
    let chosen = FILTERS.iter().find(|(word, ..)| *word == query.get("state")).unwrap_or(&FILTERS[0]);
    let before = query.given("before").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let is_first = before.is_none();
    let asked =
        DeliveriesPageV1 { standings: chosen.2.to_vec(), before, limit: ROWS, ..asked(record, scope) };
    let page = visit.app.deliveries.page(asked).await?;
    let ends = Ends::of(visit, record, &page.deliveries).await?;
    let sent = page.deliveries.iter().map(|it| Sent::of(it, &ends, address(record, it.notice.endpoint), t));
    Ok(Rows {
        t,
        // Parts of a page are read in the place of the page, not in their own.
        root: if scope == Scope::Instance { "../../".to_owned() } else { "../../../../".to_owned() },
        query: encoded(chosen.0, query.given("before")),
        instance: record.id.to_string(),
        shows_endpoint: scope == Scope::Instance,
        filters: filters(chosen.0, t),
        state: chosen.0,
        sent: sent.collect(),
        next: page.next.map(|next| encoded(chosen.0, Some(URL_SAFE_NO_PAD.encode(next)))),
        is_first,
    })
}

/// The query of a page of deliveries.
pub(super) fn encoded(state: &str, before: Option<String>) -> String {
    let said = [("state", Some(state.to_owned())), ("before", before)];
    let said = said.into_iter().filter_map(|(name, value)| Some((name, value.filter(|it| !it.is_empty())?)));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish()
}

/// What can be asked for, of which one is chosen.
pub(super) fn filters(chosen: &str, t: Texts) -> Vec<Filter> {
    let all = FILTERS.iter();
    all.map(|(word, key, _)| Filter { word, text: t.f(key, &[]), is_chosen: *word == chosen }).collect()
}

fn asked(record: &Record, scope: Scope) -> DeliveriesPageV1 {
    let (endpoint, instance) = match scope {
        Scope::Instance => (None, Some(record.id)),
        Scope::Endpoint(id) => (Some((record.id, id)), None),
    };
    DeliveriesPageV1 {
        account: record.state.account,
        endpoint,
        instance,
        standings: Vec::new(),
        since: None,
        until: None,
        before: None,
        limit: ROWS,
    }
}

/// The URL of an endpoint that is there and can be opened.
pub(crate) fn address(record: &Record, endpoint: EndpointId) -> Option<String> {
    let stored = record.state.webhooks.iter().find(|webhook| webhook.id == endpoint)?;
    Some(record.open_webhook(stored).url).filter(|url| !url.is_empty())
}

/// The endpoint; one that is gone can be looked at for as long as something is known of it.
async fn endpoint_of(
    visit: &Visit,
    record: &Record,
    id: EndpointId,
    nothing_known: bool,
) -> Result<Endpoint, Failure> {
    let stored = record.state.webhooks.iter().find(|webhook| webhook.id == id);
    if stored.is_none() && nothing_known {
        return Err(Failure::NotFound);
    }
    let since = Some(visit.app.now().plus_seconds(-HEALTH_SECONDS));
    let day = DeliveriesPageV1 { since, limit: DELIVERIES_PAGE_MAX, ..asked(record, Scope::Endpoint(id)) };
    let day = visit.app.deliveries.page(day).await?;
    Ok(Endpoint {
        id: id.to_string(),
        address: address(record, id).unwrap_or_else(|| id.to_string()),
        is_present: stored.is_some() && !record.is_deleted(),
        is_own: stored.is_some_and(|webhook| !webhook.is_of_account()),
        health: health(&day.deliveries, visit.place.texts),
        health_is_cut: day.next.is_some(),
    })
}

fn health(deliveries: &[DeliveryV1], t: Texts) -> Vec<(&'static str, String, usize)> {
    let filters = FILTERS.iter().skip(1);
    let counted = filters.map(|(word, key, standings)| {
        let count = deliveries.iter().filter(|it| standings.contains(&it.standing)).count();
        (*word, t.f(key, &[]), count)
    });
    counted.filter(|(.., count)| *count > 0).collect()
}
