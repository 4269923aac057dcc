//! `/console/i/{i}/danger`: another token, and the end of the instance.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_gateway::app::{Failure, Principal, Record};
use berth_proto::command::DeleteV1;

use crate::{
    form::Form,
    pages::{actions::decided, instance::Head},
    refusal::Refusal,
    shell::{Shell, rendered, see},
    visit::{Named, Visit},
};

#[derive(Template)]
#[template(path = "danger.html")]
struct Page {
    shell: Shell,
    head: Head,
    /// What has to be typed.
    name: String,
    webhooks: usize,
    has_session: bool,
    key: String,
}

#[derive(Template)]
#[template(path = "token.html")]
struct Rotated {
    shell: Shell,
    head: Head,
    token: String,
    /// Whether the reader signed in with the token that just ended.
    is_own: bool,
}

/// Says what each of the two ends.
pub(crate) async fn page(visit: Visit, named: Named) -> Response {
    match visit.app.records.read(&visit.principal, named.0).await {
        Ok(record) => asked(&visit, &record, StatusCode::OK, None),
        Err(failure) => visit.refuse(failure),
    }
}

fn asked(visit: &Visit, record: &Record, status: StatusCode, problem: Option<String>) -> Response {
    let shell = Shell::of(visit, "instances").with_problem(problem);
    let page = Page {
        head: Head::of(record, shell.t, "danger"),
        shell,
        name: record.name.clone(),
        webhooks: record.state.webhooks.len(),
        has_session: berth_domain::instance::has_session(&record.state),
        key: visit.app.request_ids.next(),
    };
    rendered(status, &page)
}

/// Gives the instance another token and shows it once.
pub(crate) async fn rotate_token(visit: Visit, named: Named, form: Form) -> Response {
    let call = visit.call("POST /console/i/{i}/token", form.fields.get("key"), &form.bytes);
    let rotated = async {
        let record = visit.app.records.read(&visit.principal, named.0).await?;
        visit.app.tokens.rotate(&call, &record, None).await
    };
    match rotated.await {
        Ok(answer) => {
            let shell = Shell::of(&visit, "instances");
            let page = Rotated {
                head: Head::of(&answer.record, shell.t, "danger"),
                shell,
                token: answer.record.token(),
                is_own: matches!(visit.principal, Principal::Instance { .. }),
            };
            rendered(StatusCode::OK, &page)
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// Deletes the instance if its name was typed.
pub(crate) async fn delete(visit: Visit, named: Named, form: Form) -> Response {
    let record = match visit.app.records.read(&visit.principal, named.0).await {
        Ok(record) => record,
        Err(failure) => return visit.refuse(failure),
    };
    if form.fields.raw("name") != record.name {
        let text = visit.place.texts.s("danger-wrong-name");
        return asked(&visit, &record, StatusCode::UNPROCESSABLE_ENTITY, Some(text));
    }
    let command = DeleteV1 { only_without_session: false };
    match decided(&visit, named.0, command.into(), &form).await {
        // Whoever signed in with the token of the instance has none any more.
        Ok(_) if !visit.principal.is_account() => see("../../sign-in?done=deleted"),
        Ok(_) => see("../../?done=deleted"),
        Err(failure @ Failure::Unavailable { .. }) => visit.refuse(failure),
        Err(failure) => {
            let refusal = Refusal::of(failure);
            asked(&visit, &record, refusal.status(), Some(refusal.text(visit.place.texts)))
        }
    }
}
