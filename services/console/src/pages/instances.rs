//! `GET /console/`: the instances of the account, by state, by text, page by page.

use std::collections::HashMap;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_domain::instance::STATE_WORDS;
use berth_gateway::app::{Failure, Page as Listed, Principal};
use berth_proto::{AccountId, InstanceId, deliveries::OWED_COUNTED_MAX};

use crate::{
    facts::{Facts, state_text},
    filter::Filter,
    form::{Fields, QueryFields},
    pages::{
        bulk::INSTANCES_MAX,
        live::{self, Part},
    },
    shell::{Shell, rendered, see},
    texts::Texts,
    visit::Visit,
};

/// Instances of a page.
const ROWS: u16 = 50;
/// A lag of the list that is worth a word.
const LAG_SHOWN_MS: u64 = 2_000;

/// A counter that filters.
struct Counter {
    state: &'static str,
    text: String,
    count: u64,
    is_chosen: bool,
}

/// An instance, and what its endpoints are owed.
struct Row {
    facts: Facts,
    owed: Owed,
}

/// Notices that wait for the endpoints of an instance.
enum Owed {
    Nothing,
    Notices(String),
    /// Nobody says at this moment.
    Unknown,
}

/// What changes while the page is open.
struct Rows {
    t: Texts,
    root: String,
    counters: Vec<Counter>,
    /// What the chosen state can say besides: word and text.
    details: Vec<(&'static str, String)>,
    filter: Filter,
    /// The query of a choice among these, without the choice.
    detail_query: String,
    all: u64,
    instances: Vec<Row>,
    /// The query of the first page.
    first: String,
    /// The page's query as the next look needs it.
    query: String,
    next: Option<String>,
    is_first: bool,
    shown: String,
    lag: Option<String>,
}

#[derive(Template)]
#[template(path = "instances.html")]
struct Page {
    shell: Shell,
    part: Part<Live>,
    filter: Filter,
    /// Instances that something is done with at once, at most.
    bulk_max: usize,
}

#[derive(Template)]
#[template(path = "instances_rows.html")]
struct Live {
    list: Rows,
}

/// Shows the list; an instance's token sees its own instance, the operator accounts.
pub(crate) async fn page(visit: Visit, query: QueryFields) -> Response {
    match visit.principal {
        Principal::Instance { instance, .. } => return see(&format!("i/{instance}")),
        Principal::Root => return see("accounts"),
        Principal::Account { .. } | Principal::Operator { .. } => {}
    }
    match rows_of(&visit, &query.0).await {
        Ok(list) => {
            let shell = Shell::of(&visit, "instances").saying(&query.0);
            let filter = list.filter.clone();
            let page = Page { shell, part: Part::new(Live { list }), filter, bulk_max: INSTANCES_MAX };
            rendered(StatusCode::OK, &page)
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// The changing part alone, if it differs from what the page has.
pub(crate) async fn rows(visit: Visit, query: QueryFields) -> Response {
    match rows_of(&visit, &query.0).await {
        Ok(list) => live::answer(Live { list }, &query.0),
        Err(failure) => visit.refuse(failure),
    }
}

async fn rows_of(visit: &Visit, query: &Fields) -> Result<Rows, Failure> {
    let t = visit.place.texts;
    let account = visit.principal.account().ok_or(Failure::Forbidden)?;
    let filter = Filter::of(query);
    let after: Option<InstanceId> = query.get("after").parse().ok();
    let ((page, owed), counts) =
        futures::try_join!(listed(visit, account, &filter, after), visit.app.lists.counts(account))?;
    let count = |word: &str| counts.states.iter().find(|(known, _)| known == word).map_or(0, |(_, n)| *n);
    let all = STATE_WORDS.iter().filter(|word| **word != "deleted").map(|word| count(word)).sum();
    let counter = |state: &'static str| Counter {
        state,
        text: state_text(state, t),
        count: count(state),
        is_chosen: filter.state == state,
    };
    let last = page.records.last().map(|record| record.id.to_string());
    let next = last.filter(|_| page.more).map(|last| filter.encoded(&[("after", &last)]));
    let found = page.total.or(match filter.state {
        _ if !filter.is_counted() => None,
        "" => Some(all),
        state => Some(count(state)),
    });
    let shown = page.records.len().to_string();
    let shown = match found {
        Some(found) => t.f("list-shown", &[("shown", shown), ("found", found.to_string())]),
        None => t.with("list-found", "shown", shown),
    };
    let detail_text = |word: &'static str| (word, detail_text(filter.state, word, t));
    Ok(Rows {
        t,
        root: visit.place.root.clone(),
        all,
        counters: STATE_WORDS.into_iter().map(counter).collect(),
        instances: page
            .records
            .iter()
            .map(|record| Row { facts: Facts::of(record, t), owed: Owed::of(owed.as_ref(), record.id) })
            .collect(),
        first: filter.encoded(&[]),
        query: filter.encoded(&[("after", query.get("after"))]),
        details: filter.details().iter().copied().map(detail_text).collect(),
        detail_query: Filter { detail: "", ..filter.clone() }.encoded(&[]),
        next,
        is_first: after.is_none(),
        shown,
        lag: (page.lag_ms >= LAG_SHOWN_MS).then(|| t.with("list-lags", "seconds", page.lag_ms / 1_000)),
        filter,
    })
}

/// A page of instances, and what they are owed, which a list is shown without if nobody says it at once.
async fn listed(
    visit: &Visit,
    account: AccountId,
    filter: &Filter,
    after: Option<InstanceId>,
) -> Result<(Listed, Option<HashMap<InstanceId, u16>>), Failure> {
    let page = visit.app.lists.page(account, filter.asked(after, ROWS)).await?;
    let ids = page.records.iter().map(|record| record.id).collect();
    let owed = visit.app.deliveries.owed(account, ids).await.ok();
    Ok((page, owed))
}

impl Owed {
    fn of(known: Option<&HashMap<InstanceId, u16>>, instance: InstanceId) -> Self {
        match known.and_then(|known| known.get(&instance)) {
            None => Self::Unknown,
            Some(0) => Self::Nothing,
            Some(&OWED_COUNTED_MAX) => Self::Notices(format!("{OWED_COUNTED_MAX}+")),
            Some(count) => Self::Notices(count.to_string()),
        }
    }
}

/// What a state says besides, in the reader's words.
fn detail_text(state: &str, detail: &str, t: Texts) -> String {
    let of = if state == "linked" { "connection" } else { "pause" };
    t.f(&format!("{of}-{detail}"), &[])
}
