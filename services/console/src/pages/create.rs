//! `/console/new`: makes an instance and shows its token once.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_gateway::app::{Failure, NewInstance, NewWebhook};

use crate::{
    form::{Fields, Form},
    refusal::Refusal,
    shell::{Shell, rendered},
    visit::Visit,
};

#[derive(Template)]
#[template(path = "create.html")]
struct Page {
    shell: Shell,
    /// What was typed before something was refused.
    name: String,
    url: String,
    key: String,
}

#[derive(Template)]
#[template(path = "created.html")]
struct Created {
    shell: Shell,
    id: String,
    name: String,
    token: String,
    /// The signing secret of the endpoint, if one was asked for.
    secret: Option<String>,
}

/// Asks what it shall be.
pub(crate) async fn page(visit: Visit) -> Response {
    if !visit.principal.is_account() {
        return visit.refuse(Failure::Forbidden);
    }
    asked(&visit, StatusCode::OK, &Fields::default(), None)
}

fn asked(visit: &Visit, status: StatusCode, typed: &Fields, problem: Option<String>) -> Response {
    let page = Page {
        shell: Shell::of(visit, "instances").with_problem(problem),
        name: typed.get("name").to_owned(),
        url: typed.get("url").to_owned(),
        key: visit.app.request_ids.next(),
    };
    rendered(status, &page)
}

/// Makes it. Sent twice, it makes one, and shows the same again.
pub(crate) async fn submit(visit: Visit, form: Form) -> Response {
    let call = visit.call("POST /console/new", form.fields.get("key"), &form.bytes);
    let webhook = form.fields.given("url").map(|url| NewWebhook {
        format: "native",
        enabled: true,
        url,
        ..NewWebhook::default()
    });
    let new = NewInstance {
        name: form.fields.given("name"),
        webhooks: webhook.into_iter().collect(),
        ..NewInstance::default()
    };
    match visit.app.creator.create(&call, new).await {
        Ok(created) => {
            let page = Created {
                shell: Shell::of(&visit, "instances"),
                id: created.record.id.to_string(),
                name: created.record.name.clone(),
                token: created.record.token(),
                secret: created.secrets.first().map(|secret| secret.secret.clone()),
            };
            rendered(StatusCode::CREATED, &page)
        }
        Err(failure) => {
            let refusal = Refusal::of(failure);
            let text = refusal.text(visit.place.texts);
            asked(&visit, refusal.status(), &form.fields, Some(text))
        }
    }
}
