//! `GET /console/`: the instances of the account, by state, by text, page by page.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_domain::instance::{STATE_DETAILS, STATE_WORDS};
use berth_gateway::app::{Failure, Principal};
use berth_proto::{InstanceId, query::InstanceQueryV1};

use crate::{
    facts::{Facts, state_text},
    form::{Fields, QueryFields},
    pages::live::{self, Part},
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

/// What changes while the page is open.
struct Rows {
    t: Texts,
    root: String,
    counters: Vec<Counter>,
    /// What the chosen state can say besides: word and text.
    details: Vec<(&'static str, String)>,
    detail: &'static str,
    /// The query of a choice among these, without the choice.
    detail_query: String,
    all: u64,
    instances: Vec<Facts>,
    state: String,
    q: String,
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
    q: String,
    state: String,
    detail: String,
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
            let (q, state, detail) = (list.q.clone(), list.state.clone(), list.detail.to_owned());
            let page = Page { shell, part: Part::new(Live { list }), q, state, detail };
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
    let chosen = STATE_WORDS.into_iter().find(|word| *word == query.get("state"));
    let known = STATE_DETAILS.iter().find(|(state, _)| chosen == Some(*state)).map(|(_, details)| *details);
    let known: &'static [&'static str] = known.unwrap_or_default();
    let detail = known.iter().copied().find(|detail| *detail == query.get("detail")).unwrap_or_default();
    let q: String = query.get("q").chars().take(128).collect();
    let after: Option<InstanceId> = query.get("after").parse().ok();
    let wanted = InstanceQueryV1 {
        states: chosen
            .iter()
            .map(|word| if detail.is_empty() { (*word).to_owned() } else { format!("{word}.{detail}") })
            .collect(),
        text: (!q.is_empty()).then(|| q.clone()),
        with_deleted: chosen == Some("deleted"),
        after,
        limit: ROWS,
        ..InstanceQueryV1::default()
    };
    let (page, counts) =
        futures::try_join!(visit.app.lists.page(account, wanted), visit.app.lists.counts(account))?;
    let count = |word: &str| counts.states.iter().find(|(known, _)| known == word).map_or(0, |(_, n)| *n);
    let all = STATE_WORDS.iter().filter(|word| **word != "deleted").map(|word| count(word)).sum();
    let counter = |state: &'static str| Counter {
        state,
        text: state_text(state, t),
        count: count(state),
        is_chosen: chosen == Some(state),
    };
    let encoded = |pairs: &[(&str, &str)]| {
        let said = pairs.iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish()
    };
    let (state, after_text) = (chosen.unwrap_or_default(), query.get("after"));
    let last = page.records.last().map(|record| record.id.to_string());
    let next = last
        .filter(|_| page.more)
        .map(|last| encoded(&[("state", state), ("detail", detail), ("q", &q), ("after", &last)]));
    // What a text matches is not counted.
    let found = page.total.or(match chosen {
        _ if !q.is_empty() || !detail.is_empty() => None,
        Some(state) => Some(count(state)),
        None => Some(all),
    });
    let shown = page.records.len().to_string();
    let shown = match found {
        Some(found) => t.f("list-shown", &[("shown", shown), ("found", found.to_string())]),
        None => t.with("list-found", "shown", shown),
    };
    Ok(Rows {
        t,
        root: visit.place.root.clone(),
        all,
        counters: STATE_WORDS.into_iter().map(counter).collect(),
        instances: page.records.iter().map(|record| Facts::of(record, t)).collect(),
        query: encoded(&[("state", state), ("detail", detail), ("q", &q), ("after", after_text)]),
        details: known.iter().map(|word| (*word, detail_text(state, word, t))).collect(),
        detail,
        detail_query: encoded(&[("state", state), ("q", &q)]),
        next,
        is_first: after.is_none(),
        shown,
        lag: (page.lag_ms >= LAG_SHOWN_MS).then(|| t.with("list-lags", "seconds", page.lag_ms / 1_000)),
        state: state.to_owned(),
        q,
    })
}

/// What a state says besides, in the reader's words.
fn detail_text(state: &str, detail: &str, t: Texts) -> String {
    let of = if state == "linked" { "connection" } else { "pause" };
    t.f(&format!("{of}-{detail}"), &[])
}
