//! `POST /console/bulk`: says what a connect or a logout of many would do; `…/do` does it.
//!
//! Many are those that were chosen on a page, or all that match a filter. What is done is what was shown: the page that says
//! what would happen names every instance in its form, and each is looked at again before something is done with it.

use std::time::Duration;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_domain::instance::{attempt, has_session};
use berth_gateway::app::{Failure, Record};
use berth_proto::{InstanceId, command::LogoutV1, instance::PhaseV1, query::PAGE_MAX};
use futures::{StreamExt, stream};

use crate::{
    facts::Facts,
    filter::Filter,
    form::Form,
    refusal::Refusal,
    shell::{Shell, rendered},
    texts::Texts,
    visit::Visit,
};

/// Instances of one form: their ids are half of what a form may have.
pub(crate) const INSTANCES_MAX: usize = 1_000;
/// Instances that a page lists; what becomes of the others it says in numbers.
const LINES_MAX: usize = 100;
/// Instances that are read, or commands that are sent, at once.
const AT_ONCE: usize = 8;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Connect,
    Logout,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Planned {
        /// Whether more match than may be in a form.
        is_cut: bool,
    },
    Done,
}

/// What becomes of an instance.
struct Line {
    id: String,
    /// None of one that cannot be read.
    facts: Option<Facts>,
    text: String,
    /// Whether something happens, or happened.
    acts: bool,
    failed: bool,
}

#[derive(Template)]
#[template(path = "bulk.html")]
struct Page {
    shell: Shell,
    action: Action,
    /// The first ones: those that failed, those that something happens to, the others.
    lines: Vec<Line>,
    /// How many there are besides.
    others: usize,
    /// Those that something happens to, or happened.
    acting: Vec<String>,
    failed: Vec<String>,
    /// How many may match at most, if there are more than that.
    cut_at: Option<usize>,
    is_done: bool,
    key: String,
}

/// Says what would happen.
pub(crate) async fn preview(visit: Visit, form: Form) -> Response {
    let Some(action) = action_of(&form) else { return visit.refuse(Failure::NotFound) };
    let t = visit.place.texts;
    if form.fields.get("of") == "matching" {
        return match matching(&visit, &Filter::of(&form.fields)).await {
            Ok((records, is_cut)) => {
                let lines = records.iter().map(|record| Line::planned(record, action, t)).collect();
                shown(&visit, action, lines, Stage::Planned { is_cut })
            }
            Err(failure) => visit.refuse(failure),
        };
    }
    let lines = named(&form).into_iter().map(|id| {
        let visit = &visit;
        async move {
            match visit.app.records.read(&visit.principal, id).await {
                Ok(record) => Line::planned(&record, action, t),
                Err(failure) => Line::refused(id, None, failure, t),
            }
        }
    });
    let lines: Vec<Line> = stream::iter(lines).buffered(AT_ONCE).collect().await;
    shown(&visit, action, lines, Stage::Planned { is_cut: false })
}

/// Does it, instance by instance: what one of them refuses does not hold up the others.
pub(crate) async fn submit(visit: Visit, form: Form) -> Response {
    let Some(action) = action_of(&form) else { return visit.refuse(Failure::NotFound) };
    let lines = named(&form).into_iter().map(|id| {
        let (visit, form) = (&visit, &form);
        async move { done(visit, form, action, id).await }
    });
    let lines: Vec<Line> = stream::iter(lines).buffered(AT_ONCE).collect().await;
    shown(&visit, action, lines, Stage::Done)
}

/// The instances that a filter finds, as the record view has them, and whether there are more than may be.
async fn matching(visit: &Visit, filter: &Filter) -> Result<(Vec<Record>, bool), Failure> {
    let account = visit.principal.account().ok_or(Failure::Forbidden)?;
    let asked = filter.asked(None, PAGE_MAX);
    let mut records = visit.app.lists.all(account, asked, INSTANCES_MAX + 1).await?;
    let is_cut = records.len() > INSTANCES_MAX;
    records.truncate(INSTANCES_MAX);
    Ok((records, is_cut))
}

fn action_of(form: &Form) -> Option<Action> {
    match form.fields.get("action") {
        "connect" => Some(Action::Connect),
        "logout" => Some(Action::Logout),
        _ => None,
    }
}

/// The instances that a form names, each once.
fn named(form: &Form) -> Vec<InstanceId> {
    let mut ids: Vec<InstanceId> = form.fields.all("id").iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(INSTANCES_MAX);
    ids
}

async fn done(visit: &Visit, form: &Form, action: Action, id: InstanceId) -> Line {
    let t = visit.place.texts;
    let key = format!("{}-{id}", form.fields.get("key"));
    let call = visit.call("POST /console/bulk/do", &key, &form.bytes);
    let before = match visit.app.records.read(&visit.principal, id).await {
        Ok(record) => record,
        Err(failure) => return Line::refused(id, None, failure, t),
    };
    let planned = Line::planned(&before, action, t);
    if !planned.acts {
        return planned;
    }
    let after = match action {
        Action::Connect => {
            let connected = visit.app.codes.connect(&call, id, None, Duration::ZERO).await;
            connected.map(|connected| connected.record)
        }
        Action::Logout => visit.app.commands.decide(&call, id, LogoutV1 {}).await.map(|answer| answer.record),
    };
    match after {
        Ok(record) => Line {
            facts: Some(Facts::of(&record, t)),
            text: match action {
                Action::Connect => t.s("bulk-connected"),
                Action::Logout => t.s("bulk-logged-out"),
            },
            ..planned
        },
        Err(failure) => Line::refused(id, planned.facts, failure, t),
    }
}

fn shown(visit: &Visit, action: Action, mut lines: Vec<Line>, stage: Stage) -> Response {
    // What went wrong first: it wants somebody's attention.
    lines.sort_by_key(|line| (!line.failed, !line.acts));
    let ids = |wanted: fn(&Line) -> bool| {
        lines.iter().filter(|line| wanted(line)).map(|line| line.id.clone()).collect::<Vec<_>>()
    };
    let (acting, failed) = (ids(|line| line.acts), ids(|line| line.failed));
    let others = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    let page = Page {
        shell: Shell::of(visit, "instances"),
        action,
        lines,
        others,
        acting,
        failed,
        cut_at: (stage == Stage::Planned { is_cut: true }).then_some(INSTANCES_MAX),
        is_done: stage == Stage::Done,
        key: visit.app.request_ids.next(),
    };
    rendered(StatusCode::OK, &page)
}

impl Line {
    fn planned(record: &Record, action: Action, t: Texts) -> Self {
        let state = &record.state;
        let planned = match action {
            Action::Connect => match &state.phase {
                PhaseV1::Created | PhaseV1::LoggedOut { .. } => Ok("bulk-will-connect"),
                PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => Err("why-attempt"),
                PhaseV1::Linked(_) | PhaseV1::Paused(_) => Err("bulk-is-linked"),
                PhaseV1::Deleted { .. } => Err("problem-deleted"),
            },
            Action::Logout if attempt(state).is_some() => Ok("bulk-will-cancel"),
            Action::Logout if has_session(state) => Ok("hint-logout"),
            Action::Logout => Err("why-nothing-to-end"),
        };
        let text = t.f(planned.unwrap_or_else(|why| why), &[]);
        let facts = Some(Facts::of(record, t));
        Self { id: record.id.to_string(), facts, text, acts: planned.is_ok(), failed: false }
    }

    fn refused(id: InstanceId, facts: Option<Facts>, failure: Failure, t: Texts) -> Self {
        let text = Refusal::of(failure).text(t);
        Self { id: id.to_string(), facts, text, acts: false, failed: true }
    }
}
