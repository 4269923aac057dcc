//! `POST /console/bulk`: says what a connect or a logout of many would do; `…/do` does it.

use std::time::Duration;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_domain::instance::{attempt, has_session};
use berth_gateway::app::{Failure, Record};
use berth_proto::{InstanceId, command::LogoutV1, instance::PhaseV1};
use futures::{StreamExt, stream};

use crate::{
    facts::Facts,
    form::Form,
    refusal::Refusal,
    shell::{Shell, rendered},
    texts::Texts,
    visit::Visit,
};

/// Instances of one form: those of a page of the list.
const INSTANCES_MAX: usize = 50;
/// Instances that are read, or commands that are sent, at once.
const AT_ONCE: usize = 8;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Connect,
    Logout,
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
    lines: Vec<Line>,
    /// How many instances something happens to.
    acting: usize,
    is_done: bool,
    key: String,
}

/// Says what would happen.
pub(crate) async fn preview(visit: Visit, form: Form) -> Response {
    let Some((action, ids)) = asked(&form) else { return visit.refuse(Failure::NotFound) };
    let t = visit.place.texts;
    let lines = ids.into_iter().map(|id| {
        let visit = &visit;
        async move {
            match visit.app.records.read(&visit.principal, id).await {
                Ok(record) => Line::planned(&record, action, t),
                Err(failure) => Line::refused(id, None, failure, t),
            }
        }
    });
    let lines: Vec<Line> = stream::iter(lines).buffered(AT_ONCE).collect().await;
    shown(&visit, action, lines, false)
}

/// Does it, instance by instance: what one of them refuses does not hold up the others.
pub(crate) async fn submit(visit: Visit, form: Form) -> Response {
    let Some((action, ids)) = asked(&form) else { return visit.refuse(Failure::NotFound) };
    let lines = ids.into_iter().map(|id| {
        let (visit, form) = (&visit, &form);
        async move { done(visit, form, action, id).await }
    });
    let lines: Vec<Line> = stream::iter(lines).buffered(AT_ONCE).collect().await;
    shown(&visit, action, lines, true)
}

fn asked(form: &Form) -> Option<(Action, Vec<InstanceId>)> {
    let action = match form.fields.get("action") {
        "connect" => Action::Connect,
        "logout" => Action::Logout,
        _ => return None,
    };
    let mut ids: Vec<InstanceId> = form.fields.all("id").iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(INSTANCES_MAX);
    Some((action, ids))
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

fn shown(visit: &Visit, action: Action, lines: Vec<Line>, is_done: bool) -> Response {
    let page = Page {
        shell: Shell::of(visit, "instances"),
        action,
        acting: lines.iter().filter(|line| line.acts).count(),
        lines,
        is_done,
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
