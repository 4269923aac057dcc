//! `GET /v1/audit`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{audit_export::Form, deliveries::moment, events::EventBody, get::find_history};
use crate::{
    app::{About, Actor, App, AuditEntry, AuditPage, AuditQuery, EventsFailure, Failure, Principal},
    native::{
        body::QueryOf,
        call::Caller,
        code::Code,
        problem::Problem,
        render::{answer, time},
        words::{AuditAbout, AuditForm},
    },
};

/// Events of a page if the query does not say.
const LIMIT_DEFAULT: usize = 50;
/// Events of a page at most.
const LIMIT_MAX: usize = 500;

/// The query of a search.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditParams {
    /// Only what happened to this instance: its id, name or number; its id for the root key.
    instance: Option<String>,
    /// Only what the instances of this account had; with the root key. All accounts if it is left out.
    account: Option<String>,
    /// Who asked for it: `root`, `account`, `instance`, `service`; several with commas between.
    actor: Option<String>,
    /// The door that it came through: `native`, `nats`, `console`, a dialect, `connector`, `sweeper`; several with commas between.
    door: Option<String>,
    /// Only what happened to one of these: `instance`, `account`, `directory` (with the root key); several with commas between.
    /// Left out it is whatever events of `type` happen to, else instances and accounts.
    about: Option<String>,
    /// The types of events, such as `LoggedOut` or `AccountTokenRotated`; several with commas between.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<String>,
    /// What happened at this moment or later, such as 2026-11-21T12:00:00Z.
    from: Option<String>,
    /// What happened before this moment.
    to: Option<String>,
    /// Where the page begins: the `next_before` of the page before.
    before: Option<String>,
    /// Most events of the page: 1 to 500, 50 if it is left out. A commit is never divided, so there may be a few more.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `json` is one page. `ndjson` and `csv` are a file with all pages, of at most 100,000 events.
    #[param(value_type = Option<AuditForm>)]
    format: Option<String>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditBody {
    /// What happened, the newest first.
    entries: Vec<AuditEntryBody>,
    /// The `before` of the next page; none once everything was looked at. A page may have few events, or none, and yet a next
    /// one: a request looks at 50,000 places of the log at most.
    next_before: Option<String>,
    /// Down to which moment everything was looked at; none if that was everything.
    looked_back_to: Option<String>,
    /// Commits that were passed over since they cannot be read.
    unreadable: u64,
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntryBody {
    /// What it happened to: `instance`, `account`, or `directory`, which is a name, token, number or foreign id.
    #[schema(value_type = AuditAbout)]
    about: &'static str,
    /// The id of the instance; none for what happened to an account itself.
    instance: Option<String>,
    /// The id of the account that it happened to, or that had the instance afterwards; none if the query names the instance.
    account: Option<String>,
    #[serde(flatten)]
    event: EventBody,
}

/// Searches what happened to instances and accounts, the newest first: who asked for what, through which door and when. With the root key
/// in all accounts, with an account's token in that one, with an instance's token its own history. The log itself is read:
/// what is there is found, also what was done a moment ago, and of an erased instance everything but what was personal.
#[utoipa::path(
    get, operation_id = "search_audit", path = "/v1/audit", tag = "history", params(AuditParams),
    responses(
        (status = 200, content((AuditBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
        (status = 404, body = Problem)
    )
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    query: QueryOf<AuditParams>,
) -> Result<Response, Problem> {
    let AuditParams { instance, account, actor, door, about, kind, from, to, before, limit, format } =
        query.0;
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid("`limit`: 1 to 500 is expected."));
    }
    let form = match format.as_deref() {
        None | Some("json") => None,
        Some(text) => Some(
            Form::of(text)
                .ok_or_else(|| Problem::invalid("`format`: `json`, `ndjson` or `csv` is expected."))?,
        ),
    };
    let account = account.map(|text| text.parse::<AccountId>()).transpose();
    let account = account.map_err(|_| Problem::invalid("`account`: the id of an account is expected."))?;
    let mut asked = AuditQuery {
        account,
        instance: None,
        about: about.as_deref().map(abouts).transpose()?.unwrap_or_default(),
        actors: actor.as_deref().map(actors).transpose()?.unwrap_or_default(),
        doors: door.as_deref().map(words).unwrap_or_default(),
        events: kind.as_deref().map(kinds).transpose()?.unwrap_or_default(),
        from: moment("from", from)?,
        to: moment("to", to)?,
    };
    asked.instance = of_instance(&app, &caller.principal, account, instance.as_deref()).await?;
    match form {
        None => {
            let page = app.audit.page(&caller.principal, &asked, before.as_deref(), limit).await;
            Ok(answer(StatusCode::OK, AuditBody::of(&page.map_err(problem)?), false))
        }
        Some(form) => super::audit_export::export(app, caller.principal, asked, before, form).await,
    }
}

/// The instance that is asked for, if the caller may see it; an instance's token has no other.
async fn of_instance(
    app: &App,
    principal: &Principal,
    account: Option<AccountId>,
    key: Option<&str>,
) -> Result<Option<berth_proto::InstanceId>, Failure> {
    let principal = match (principal, account) {
        (Principal::Root, Some(account)) => &Principal::Operator { account },
        (principal, _) => principal,
    };
    match (key, principal) {
        (Some(key), Principal::Root) => Ok(Some(key.parse().map_err(|_| Failure::NotFound)?)),
        (Some(key), _) => Ok(Some(find_history(app, principal, key).await?.id)),
        (None, Principal::Instance { instance, .. }) => {
            Ok(Some(find_history(app, principal, &instance.to_string()).await?.id))
        }
        (None, _) => Ok(None),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn actors(text: &str) -> Result<Vec<Actor>, Problem> {
    let known = |word: &String| Actor::ALL.into_iter().find(|actor| actor.word() == word);
    words(text).iter().map(known).collect::<Option<_>>().ok_or_else(|| {
        Problem::invalid("`actor`: one or more of root, account, instance, service are expected.")
    })
}

fn abouts(text: &str) -> Result<Vec<About>, Problem> {
    let known = |word: &String| About::ALL.into_iter().find(|about| about.word() == word);
    words(text)
        .iter()
        .map(known)
        .collect::<Option<_>>()
        .ok_or_else(|| Problem::invalid("`about`: one or more of instance, account, directory are expected."))
}

fn kinds(text: &str) -> Result<Vec<String>, Problem> {
    let words = words(text);
    let known: Vec<_> = About::ALL.into_iter().flat_map(About::names).collect();
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        None => Ok(words),
        Some(_) => {
            Err(Problem::invalid(format!("`type`: one or more of {} are expected.", known.join(", "))))
        }
    }
}

pub(super) fn problem(failure: EventsFailure) -> Problem {
    match failure {
        EventsFailure::Cursor => {
            Problem::new(Code::InvalidCursor, "`before` is not the `next_before` of a page of this search.")
        }
        EventsFailure::Call(failure) => failure.into(),
    }
}

impl AuditBody {
    fn of(page: &AuditPage) -> Self {
        Self {
            entries: page.entries.iter().map(AuditEntryBody::of).collect(),
            next_before: page.next.clone(),
            looked_back_to: page.looked_back_to.map(time),
            unreadable: page.unreadable,
        }
    }
}

impl AuditEntryBody {
    pub(super) fn of(found: &AuditEntry) -> Self {
        Self {
            about: found.about.word(),
            instance: found.instance.map(|instance| instance.to_string()),
            account: found.account.map(|account| account.to_string()),
            event: EventBody::named(&found.entry, found.name, Value::Object(found.data.clone())),
        }
    }
}
