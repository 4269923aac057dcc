//! `/console/i/{i}/webhooks`: the endpoints of an instance.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use berth_gateway::app::{Failure, NewWebhook, Record, Webhook};
use berth_notices::formats::{CHOICES, Format, NATIVE, by_name, event_names};
use berth_proto::EndpointId;

use crate::{
    form::{Fields, Form, QueryFields},
    moment::Moment,
    pages::instance::Head,
    refusal::Refusal,
    shell::{Shell, rendered, see},
    texts::Texts,
    visit::{Named, Visit},
};

/// An endpoint as a page shows it.
struct Endpoint {
    id: String,
    url: String,
    label: String,
    format: String,
    enabled: bool,
    /// Whether the account has it, so that it cannot be changed here.
    is_of_account: bool,
    /// The names that it wants, or a word for all.
    events: String,
    silence: String,
    changed: Moment,
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Page {
    shell: Shell,
    head: Head,
    endpoints: Vec<Endpoint>,
    formats: Vec<(&'static str, bool)>,
    events: Vec<(&'static str, bool)>,
    /// What was typed before something was refused.
    url: String,
    label: String,
    all: bool,
    key: String,
}

#[derive(Template)]
#[template(path = "webhook_secret.html")]
struct Added {
    shell: Shell,
    head: Head,
    url: String,
    secret: String,
}

/// Lists them.
pub(crate) async fn page(visit: Visit, named: Named, query: QueryFields) -> Response {
    match visit.app.records.read(&visit.principal, named.0).await {
        Ok(record) => {
            listed(&visit, &record, StatusCode::OK, &Fields::default(), |shell| shell.saying(&query.0))
        }
        Err(failure) => visit.refuse(failure),
    }
}

fn listed(
    visit: &Visit,
    record: &Record,
    status: StatusCode,
    typed: &Fields,
    saying: impl FnOnce(Shell) -> Shell,
) -> Response {
    let shell = saying(Shell::of(visit, "instances"));
    let endpoints = record.state.webhooks.iter();
    let endpoints =
        endpoints.map(|stored| Endpoint::of(record.open_webhook(stored), stored.is_of_account(), shell.t));
    let (format, events) = (typed.given("format"), typed.all("events"));
    let page = Page {
        head: Head::of(record, shell.t, "webhooks"),
        endpoints: endpoints.collect(),
        formats: CHOICES.map(|it| (it, format.as_deref() == Some(it))).into(),
        events: event_names("native")
            .into_iter()
            .map(|it| (it, events.iter().any(|own| own == it)))
            .collect(),
        url: typed.get("url").to_owned(),
        label: typed.get("label").to_owned(),
        all: typed.get("after_logout") == "all",
        key: visit.app.request_ids.next(),
        shell,
    };
    rendered(status, &page)
}

impl Endpoint {
    fn of(webhook: Webhook, is_of_account: bool, t: Texts) -> Self {
        let silence = if webhook.after_logout_all { "after-logout-all" } else { "after-logout-silent" };
        Self {
            id: webhook.id.to_string(),
            url: webhook.url,
            label: webhook.label,
            format: webhook.format,
            enabled: webhook.enabled,
            is_of_account,
            events: if webhook.events.is_empty() { t.s("events-all") } else { webhook.events.join(", ") },
            silence: t.f(silence, &[]),
            changed: webhook.updated_at.into(),
        }
    }
}

/// Adds an endpoint and shows its secret once.
pub(crate) async fn add(visit: Visit, named: Named, form: Form) -> Response {
    let record = match visit.app.records.read(&visit.principal, named.0).await {
        Ok(record) => record,
        Err(failure) => return visit.refuse(failure),
    };
    let format = CHOICES.into_iter().find(|known| *known == form.fields.get("format")).unwrap_or("native");
    let known = event_names("native");
    let events = form.fields.all("events").into_iter().filter(|event| known.contains(&event.as_str()));
    let new = NewWebhook {
        format,
        enabled: true,
        url: form.fields.get("url").to_owned(),
        label: form.fields.get("label").to_owned(),
        // The names are those of the native format; the others have vocabularies of their own, and are told everything.
        events: if format == "native" { events.collect() } else { Vec::new() },
        after_logout_all: form.fields.get("after_logout") == "all",
        ..NewWebhook::default()
    };
    let call = visit.call("POST /console/i/{i}/webhooks", form.fields.get("key"), &form.bytes);
    match visit.app.webhooks.configure(&call, &record, &new, false, 0).await {
        Ok((answer, webhook, secret)) => {
            let shell = Shell::of(&visit, "instances");
            let head = Head::of(&answer.record, shell.t, "webhooks");
            let page = Added { shell, head, url: webhook.url, secret: secret.secret };
            rendered(StatusCode::CREATED, &page)
        }
        Err(failure) => {
            let refusal = Refusal::of(failure);
            let text = refusal.text(visit.place.texts);
            listed(&visit, &record, refusal.status(), &form.fields, |shell| shell.with_problem(Some(text)))
        }
    }
}

/// An endpoint as a form changes it: its address, or whether it receives anything.
pub(super) fn changed_by(webhook: Webhook, fields: &Fields) -> NewWebhook {
    NewWebhook {
        id: Some(webhook.id),
        format: by_name(&webhook.format).map_or(NATIVE, Format::name),
        label: webhook.label,
        enabled: match fields.get("enabled") {
            "yes" => true,
            "no" => false,
            _ => webhook.enabled,
        },
        url: fields.given("url").unwrap_or(webhook.url),
        headers: webhook.headers,
        authorization: webhook.authorization,
        secret: None,
        events: webhook.events,
        after_logout_all: webhook.after_logout_all,
        options: webhook.options,
        // Headers that a dialect keeps for its echo are not this page's.
        lenient_headers: webhook.format != NATIVE,
    }
}

/// Changes the address of an endpoint, or whether it receives anything.
pub(crate) async fn change(visit: Visit, named: Named, path: Path<(String, String)>, form: Form) -> Response {
    let changed = async {
        let record = visit.app.records.read(&visit.principal, named.0).await?;
        let webhook = own(&record, &path.0.1)?;
        let new = changed_by(webhook, &form.fields);
        let call = visit.call("POST /console/i/{i}/webhooks/{w}", "", &form.bytes);
        visit.app.webhooks.configure(&call, &record, &new, false, 0).await
    };
    match changed.await {
        Ok(_) => see("../webhooks?done=webhook-changed"),
        Err(failure) => visit.refuse(failure),
    }
}

/// Removes an endpoint.
pub(crate) async fn remove(visit: Visit, named: Named, path: Path<(String, String)>, form: Form) -> Response {
    let removed = async {
        let record = visit.app.records.read(&visit.principal, named.0).await?;
        let webhook = own(&record, &path.0.1)?;
        let call = visit.call("POST /console/i/{i}/webhooks/{w}/remove", "", &form.bytes);
        visit.app.webhooks.remove(&call, record.id, webhook.id).await
    };
    match removed.await {
        Ok(_) => see("../../webhooks?done=webhook-removed"),
        Err(failure) => visit.refuse(failure),
    }
}

/// The instance's own endpoint with this id: those of its account are the account's to change.
pub(crate) fn own(record: &Record, id: &str) -> Result<Webhook, Failure> {
    let id: EndpointId = id.parse().map_err(|_| Failure::NotFound)?;
    let stored = record.state.own_webhooks().find(|webhook| webhook.id == id);
    stored.map(|stored| record.open_webhook(stored)).ok_or(Failure::NotFound)
}
