//! `/console/webhooks`: the endpoints of the account, each of which is told of all its instances.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use berth_gateway::app::{AccountRecord, Failure, NewWebhook, Webhook};
use berth_notices::{
    formats::{CHOICES, ENDPOINT_EVENTS, NATIVE, event_names, is_pulled},
    pace::Pace,
};
use berth_proto::{AccountId, EndpointId};

use crate::{
    form::{Fields, Form, QueryFields},
    moment::Moment,
    pages::webhooks::changed_by,
    refusal::Refusal,
    shell::{Shell, rendered, see},
    texts::Texts,
    visit::Visit,
};

/// The formats that are offered. Notices that are fetched are an instance's queue.
fn formats() -> impl Iterator<Item = &'static str> {
    CHOICES.into_iter().filter(|format| !is_pulled(format))
}

/// An endpoint as a page shows it.
struct Endpoint {
    id: String,
    url: String,
    label: String,
    format: String,
    enabled: bool,
    /// The names that it wants, or a word for all.
    events: String,
    silence: String,
    /// What it is sent at most, in a second and at once.
    rate: Option<u32>,
    concurrency: Option<u32>,
    changed: Moment,
}

#[derive(Template)]
#[template(path = "account_webhooks.html")]
struct Page {
    shell: Shell,
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
#[template(path = "account_webhook_secret.html")]
struct Added {
    shell: Shell,
    url: String,
    secret: String,
}

/// The account whose endpoints somebody may see and change.
pub(super) fn account_of(visit: &Visit) -> Result<AccountId, Failure> {
    visit.principal.account().filter(|_| visit.principal.is_account()).ok_or(Failure::Forbidden)
}

/// An endpoint of the account, and the account.
pub(super) async fn found(visit: &Visit, path: &str) -> Result<(AccountRecord, Webhook), Failure> {
    let id: EndpointId = path.parse().map_err(|_| Failure::NotFound)?;
    let account = visit.app.accounts.read(account_of(visit)?).await?;
    let webhook = account.webhook(id).cloned().ok_or(Failure::NotFound)?;
    Ok((account, webhook))
}

/// Lists them.
pub(crate) async fn page(visit: Visit, query: QueryFields) -> Response {
    listed(&visit, StatusCode::OK, &Fields::default(), |shell| shell.saying(&query.0)).await
}

async fn listed(
    visit: &Visit,
    status: StatusCode,
    typed: &Fields,
    saying: impl FnOnce(Shell) -> Shell,
) -> Response {
    let read = async { visit.app.accounts.read(account_of(visit)?).await };
    let account = match read.await {
        Ok(account) => account,
        Err(failure) => return visit.refuse(failure),
    };
    let shell = saying(Shell::of(visit, "webhooks"));
    let (format, events) = (typed.given("format"), typed.all("events"));
    let page = Page {
        endpoints: account.webhooks.into_iter().map(|webhook| Endpoint::of(webhook, shell.t)).collect(),
        formats: formats().map(|it| (it, format.as_deref() == Some(it))).collect(),
        events: known_events().map(|it| (it, events.iter().any(|own| own == it))).collect(),
        url: typed.get("url").to_owned(),
        label: typed.get("label").to_owned(),
        all: typed.get("after_logout") == "all",
        key: visit.app.request_ids.next(),
        shell,
    };
    rendered(status, &page)
}

/// What can be wished for in the native format.
fn known_events() -> impl Iterator<Item = &'static str> {
    event_names(NATIVE).into_iter().chain(ENDPOINT_EVENTS)
}

impl Endpoint {
    fn of(webhook: Webhook, t: Texts) -> Self {
        let silence = if webhook.after_logout_all { "after-logout-all" } else { "after-logout-silent" };
        let Pace { rate, concurrency } = Pace::of_options(webhook.options.as_ref());
        Self {
            id: webhook.id.to_string(),
            url: webhook.url,
            label: webhook.label,
            format: webhook.format,
            enabled: webhook.enabled,
            events: if webhook.events.is_empty() { t.s("events-all") } else { webhook.events.join(", ") },
            silence: t.f(silence, &[]),
            rate,
            concurrency,
            changed: webhook.updated_at.into(),
        }
    }
}

/// Adds an endpoint and shows its secret once.
pub(crate) async fn add(visit: Visit, form: Form) -> Response {
    let format = formats().find(|known| *known == form.fields.get("format")).unwrap_or(NATIVE);
    let wanted = form.fields.all("events");
    let wanted = wanted.into_iter().filter(|event| known_events().any(|known| known == event));
    let new = NewWebhook {
        format,
        enabled: true,
        url: form.fields.get("url").to_owned(),
        label: form.fields.get("label").to_owned(),
        // The names are those of the native format; the others have vocabularies of their own, and are told everything.
        events: if format == NATIVE { wanted.collect() } else { Vec::new() },
        after_logout_all: form.fields.get("after_logout") == "all",
        ..NewWebhook::default()
    };
    let added = async {
        let call = visit.call("POST /console/webhooks", form.fields.get("key"), &form.bytes);
        visit.app.account_webhooks.add(&call, account_of(&visit)?, &new).await
    };
    match added.await {
        Ok((added, secrets)) => {
            let shell = Shell::of(&visit, "webhooks");
            rendered(StatusCode::CREATED, &Added { shell, url: added.webhook.url, secret: secrets.secret })
        }
        Err(failure @ (Failure::Forbidden | Failure::Unauthorized)) => visit.refuse(failure),
        Err(failure) => {
            let refusal = Refusal::of(failure);
            let text = refusal.text(visit.place.texts);
            listed(&visit, refusal.status(), &form.fields, |shell| shell.with_problem(Some(text))).await
        }
    }
}

/// Changes the address of an endpoint, or whether it receives anything.
pub(crate) async fn change(visit: Visit, path: Path<String>, form: Form) -> Response {
    let changed = async {
        let (account, webhook) = found(&visit, &path.0).await?;
        let (id, new) = (webhook.id, changed_by(webhook, &form.fields));
        let call = visit.call("POST /console/webhooks/{w}", "", &form.bytes);
        visit.app.account_webhooks.replace(&call, &account, id, &new).await
    };
    match changed.await {
        Ok(_) => see("../webhooks?done=webhook-changed"),
        Err(failure) => visit.refuse(failure),
    }
}

/// Removes an endpoint.
pub(crate) async fn remove(visit: Visit, path: Path<String>, form: Form) -> Response {
    let removed = async {
        let (account, webhook) = found(&visit, &path.0).await?;
        let call = visit.call("POST /console/webhooks/{w}/remove", "", &form.bytes);
        visit.app.account_webhooks.remove(&call, account.id, webhook.id).await
    };
    match removed.await {
        Ok(_) => see("../../webhooks?done=webhook-removed"),
        Err(failure) => visit.refuse(failure),
    }
}
