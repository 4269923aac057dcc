//! `/console/accounts`: what the operator sees with the root key.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{StatusCode, header::SET_COOKIE},
    response::Response,
};
use berth_domain::instance::STATE_WORDS;
use berth_gateway::app::{
    AccountChange, AccountRecord, Call, Closing, Failure, NewAccount, NewWebhook, Principal,
};
use berth_notices::formats::CODECHAT_BUSINESS;
use berth_proto::AccountId;

use crate::{
    Console,
    facts::state_text,
    form::{Fields, Form, QueryFields},
    moment::Moment,
    refusal::Refusal,
    shell::{Shell, rendered, see},
    visit::Visit,
};

/// Accounts of a page.
const ROWS: u16 = 50;

/// An account of the list.
struct Row {
    id: String,
    name: String,
    created: Moment,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct List {
    shell: Shell,
    rows: Vec<Row>,
    next: Option<String>,
    /// What was typed before something was refused.
    name: String,
    key: String,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    shell: Shell,
    row: Row,
    /// States that instances are in, and how many.
    counts: Vec<(String, u64)>,
    /// Instances that a close would delete.
    instances: u64,
    attributes: String,
    /// The endpoint that all its instances have: URL, and whether it receives anything.
    webhook: Option<(String, bool)>,
    key: String,
}

#[derive(Template)]
#[template(path = "account_token.html")]
struct Shown {
    shell: Shell,
    row: Row,
    token: String,
}

impl Row {
    fn of(account: &AccountRecord) -> Self {
        let created = account.state.created_at.into();
        Self { id: account.id.to_string(), name: account.name.clone(), created }
    }
}

/// The operator, in whatever account: accounts are theirs in each.
fn operator(visit: &Visit) -> Result<Visit, Failure> {
    if visit.is_operator() {
        Ok(Visit { principal: Principal::Root, ..visit.clone() })
    } else {
        Err(Failure::Forbidden)
    }
}

fn named(path: &str) -> Result<AccountId, Failure> {
    path.parse().map_err(|_| Failure::NotFound)
}

fn called(visit: &Visit, route: &'static str, form: &Form) -> Result<Call, Failure> {
    Ok(operator(visit)?.call(route, form.fields.get("key"), &form.bytes))
}

/// Lists accounts.
pub(crate) async fn list(visit: Visit, query: QueryFields) -> Response {
    listed(&visit, &query.0, &Fields::default(), StatusCode::OK, None).await
}

async fn listed(
    visit: &Visit,
    query: &Fields,
    typed: &Fields,
    status: StatusCode,
    problem: Option<String>,
) -> Response {
    let read = async {
        let root = operator(visit)?.principal;
        visit.app.accounts.page(&root, query.get("after").parse().ok(), ROWS).await
    };
    match read.await {
        Ok((accounts, more)) => {
            let page = List {
                shell: Shell::of(visit, "accounts").saying(query).with_problem(problem),
                next: accounts.last().filter(|_| more).map(|last| last.id.to_string()),
                rows: accounts.iter().map(Row::of).collect(),
                name: typed.get("name").to_owned(),
                key: visit.app.request_ids.next(),
            };
            rendered(status, &page)
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// Makes an account and shows its token once.
pub(crate) async fn create(visit: Visit, form: Form) -> Response {
    let made = async {
        let call = called(&visit, "POST /console/accounts", &form)?;
        let new = NewAccount { name: form.fields.given("name"), ..NewAccount::default() };
        visit.app.accounts.create(&call, new).await
    };
    match made.await {
        Ok(made) => shown_once(&visit, &made.account, StatusCode::CREATED),
        Err(failure @ (Failure::Forbidden | Failure::Unauthorized)) => visit.refuse(failure),
        Err(failure) => {
            let refusal = Refusal::of(failure);
            let text = refusal.text(visit.place.texts);
            listed(&visit, &Fields::default(), &form.fields, refusal.status(), Some(text)).await
        }
    }
}

fn shown_once(visit: &Visit, account: &AccountRecord, status: StatusCode) -> Response {
    let shell = Shell::of(visit, "accounts");
    rendered(status, &Shown { shell, row: Row::of(account), token: account.token.clone() })
}

/// Shows an account.
pub(crate) async fn page(visit: Visit, path: Path<String>, query: QueryFields) -> Response {
    let read = async {
        operator(&visit)?;
        let account = visit.app.accounts.read(named(&path)?).await?;
        let counts = visit.app.lists.counts(account.id).await?;
        Ok::<_, Failure>((account, counts))
    };
    match read.await {
        Ok((account, counts)) => {
            let shell = Shell::of(&visit, "accounts").saying(&query.0);
            let count =
                |word: &str| counts.states.iter().find(|(known, _)| known == word).map_or(0, |(_, n)| *n);
            let alive = STATE_WORDS.iter().filter(|word| **word != "deleted");
            let page = Page {
                row: Row::of(&account),
                counts: STATE_WORDS
                    .iter()
                    .filter(|word| count(word) > 0)
                    .map(|word| (state_text(word, shell.t), count(word)))
                    .collect(),
                instances: alive.map(|word| count(word)).sum(),
                attributes: account
                    .attributes
                    .as_ref()
                    .and_then(|it| serde_json::to_string_pretty(it).ok())
                    .unwrap_or_default(),
                webhook: account
                    .webhooks
                    .iter()
                    .find(|webhook| webhook.format == CODECHAT_BUSINESS)
                    .map(|webhook| (webhook.url.clone(), webhook.enabled)),
                key: visit.app.request_ids.next(),
                shell,
            };
            rendered(StatusCode::OK, &page)
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// Gives an account another name.
pub(crate) async fn rename(visit: Visit, path: Path<String>, form: Form) -> Response {
    let changed = async {
        let call = called(&visit, "POST /console/accounts/{a}/rename", &form)?;
        let change = AccountChange { name: form.fields.given("name"), attributes: None };
        visit.app.accounts.change(&call, named(&path)?, change).await
    };
    match changed.await {
        Ok(_) => see(&format!("../{}?done=account-changed", path.0)),
        Err(failure) => visit.refuse(failure),
    }
}

/// Keeps other attributes with an account: JSON, or nothing any more.
pub(crate) async fn describe(visit: Visit, path: Path<String>, form: Form) -> Response {
    let changed = async {
        let text = form.fields.given("attributes").unwrap_or_else(|| "null".to_owned());
        let attributes = serde_json::from_str(&text);
        let invalid = Failure::Invalid { field: "attributes", problem: "JSON is expected" };
        let call = called(&visit, "POST /console/accounts/{a}/attributes", &form)?;
        let change = AccountChange { name: None, attributes: Some(attributes.map_err(|_| invalid)?) };
        visit.app.accounts.change(&call, named(&path)?, change).await
    };
    match changed.await {
        Ok(_) => see(&format!("../{}?done=account-changed", path.0)),
        Err(failure) => visit.refuse(failure),
    }
}

/// Gives all instances of an account an endpoint, or changes the one that they have.
pub(crate) async fn configure_webhook(visit: Visit, path: Path<String>, form: Form) -> Response {
    let changed = async {
        let call = called(&visit, "POST /console/accounts/{a}/webhook", &form)?;
        let new = NewWebhook {
            format: CODECHAT_BUSINESS,
            enabled: form.fields.get("enabled") == "yes",
            url: form.fields.get("url").to_owned(),
            ..NewWebhook::default()
        };
        visit.app.account_webhooks.configure(&call, named(&path)?, &new).await
    };
    match changed.await {
        Ok(_) => see(&format!("../{}?done=account-changed", path.0)),
        Err(failure) => visit.refuse(failure),
    }
}

/// Takes that endpoint from them.
pub(crate) async fn remove_webhook(visit: Visit, path: Path<String>, form: Form) -> Response {
    let changed = async {
        let call = called(&visit, "POST /console/accounts/{a}/webhook/remove", &form)?;
        let account = visit.app.accounts.read(named(&path)?).await?;
        let own = account.webhooks.iter().find(|webhook| webhook.format == CODECHAT_BUSINESS);
        visit.app.account_webhooks.remove(&call, account.id, own.ok_or(Failure::NotFound)?.id).await
    };
    match changed.await {
        Ok(_) => see(&format!("../../{}?done=account-changed", path.0)),
        Err(failure) => visit.refuse(failure),
    }
}

/// Gives an account an instance of another one.
pub(crate) async fn move_here(visit: Visit, path: Path<String>, form: Form) -> Response {
    let moved = async {
        // The account is a part of what is asked for: a key means one of them.
        let sent = [path.as_bytes(), &form.bytes].concat();
        let root = operator(&visit)?;
        let call = root.call("POST /console/accounts/{a}/move", form.fields.get("key"), &sent);
        let instance = form.fields.get("instance").parse().map_err(|_| Failure::NotFound)?;
        visit.app.moves.run(&call, instance, named(&path)?).await
    };
    match moved.await {
        Ok(_) => see(&format!("../{}?done=moved-here", path.0)),
        Err(failure) => visit.refuse(failure),
    }
}

/// Gives an account another token and shows it once.
pub(crate) async fn rotate_token(visit: Visit, path: Path<String>, form: Form) -> Response {
    let rotated = async {
        let call = called(&visit, "POST /console/accounts/{a}/token", &form)?;
        visit.app.accounts.rotate_token(&call, named(&path)?, None).await
    };
    match rotated.await {
        Ok(rotated) => shown_once(&visit, &rotated.account, StatusCode::OK),
        Err(failure) => visit.refuse(failure),
    }
}

/// Closes an account if its name was typed: its instances are deleted.
pub(crate) async fn close(visit: Visit, path: Path<String>, form: Form) -> Response {
    let closed = async {
        let call = called(&visit, "POST /console/accounts/{a}/close", &form)?;
        let account = visit.app.accounts.read(named(&path)?).await?;
        if form.fields.raw("name") != account.name {
            return Err(Failure::Invalid { field: "name", problem: "that is not the name of the account" });
        }
        visit.app.accounts.close(&call, account.id, true).await
    };
    match closed.await {
        Ok(Closing::Closed(_) | Closing::HasInstances) => see("../../accounts?done=account-closed"),
        Err(failure) => visit.refuse(failure),
    }
}

/// Has the operator act in an account. What is done there is done as the operator, and the history says so.
pub(crate) async fn enter(State(console): State<Console>, visit: Visit, path: Path<String>) -> Response {
    let account = async {
        operator(&visit)?;
        Ok::<_, Failure>(visit.app.accounts.read(named(&path)?).await?.id)
    };
    match account.await {
        Ok(account) => moved(&console, &visit, Some(account), "../../"),
        Err(failure) => visit.refuse(failure),
    }
}

/// Has the operator leave the account.
pub(crate) async fn leave(State(console): State<Console>, visit: Visit) -> Response {
    moved(&console, &visit, None, "../accounts")
}

fn moved(console: &Console, visit: &Visit, account: Option<AccountId>, to: &str) -> Response {
    let mut answer = see(to);
    if let Some(cookie) = console.seal.cookie(visit.ticket.in_account(account), visit.place.transport) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}
