//! `/console/i/{i}/settings`: the name of an instance.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_gateway::app::{Failure, Record};

use crate::{
    form::{Form, QueryFields},
    pages::instance::Head,
    refusal::Refusal,
    shell::{Shell, rendered, see},
    visit::{Named, Visit},
};

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    shell: Shell,
    head: Head,
    /// The name, or what was typed before it was refused.
    name: String,
    key: String,
}

/// Shows it.
pub(crate) async fn page(visit: Visit, named: Named, query: QueryFields) -> Response {
    match visit.app.records.read(&visit.principal, named.0).await {
        Ok(record) => {
            let shell = Shell::of(&visit, "instances").saying(&query.0);
            asked(&visit, &record, shell, record.name.clone(), StatusCode::OK)
        }
        Err(failure) => visit.refuse(failure),
    }
}

fn asked(visit: &Visit, record: &Record, shell: Shell, name: String, status: StatusCode) -> Response {
    let head = Head::of(record, shell.t, "settings");
    rendered(status, &Page { head, shell, name, key: visit.app.request_ids.next() })
}

/// Gives it another one.
pub(crate) async fn rename(visit: Visit, named: Named, form: Form) -> Response {
    let record = match visit.app.records.read(&visit.principal, named.0).await {
        Ok(record) => record,
        Err(failure) => return visit.refuse(failure),
    };
    let call = visit.call("POST /console/i/{i}/settings", form.fields.get("key"), &form.bytes);
    let name = form.fields.get("name");
    match visit.app.renames.run(&call, &record, name).await {
        Ok(_) => see("settings?done=renamed"),
        Err(failure @ (Failure::Unauthorized | Failure::Unavailable { .. })) => visit.refuse(failure),
        Err(failure) => {
            let refusal = Refusal::of(failure);
            let problem = refusal.text(visit.place.texts);
            let shell = Shell::of(&visit, "instances").with_problem(Some(problem));
            asked(&visit, &record, shell, name.to_owned(), refusal.status())
        }
    }
}
