//! `GET /v1/whoami`

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{App, Principal},
    native::{call::Caller, problem::Problem, render::answer, words::TokenOf},
};

/// Whose token was shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "principal": "account", "account": { "id": "06gvptn1m9vt9ademgnjm3g4ik", "name": "acme" }, "instance": null
})))]
pub(super) struct WhoamiBody {
    /// `root`, `account` or `instance`.
    #[schema(value_type = TokenOf)]
    principal: &'static str,
    /// The account; none for the root key.
    account: Option<NamedBody>,
    /// The instance; only for its own token.
    instance: Option<NamedBody>,
}

/// An id and a name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NamedBody {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
}

/// Tells whose token was shown.
#[utoipa::path(
    get, operation_id = "whoami", path = "/v1/whoami", tag = "tokens",
    responses((status = 200, body = WhoamiBody))
)]
pub(super) async fn handler(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let principal = caller.principal;
    let instance = match principal {
        Principal::Instance { .. } => Some(app.records.read_own(&principal).await?),
        Principal::Root | Principal::Operator { .. } | Principal::Account { .. } => None,
    };
    // An instance that was moved says itself whose it is.
    let account = instance.as_ref().map(|record| record.state.account).or_else(|| principal.account());
    let account = match account {
        Some(account) => Some(app.accounts.read(account).await?),
        None => None,
    };
    let body = WhoamiBody {
        principal: match principal {
            Principal::Root | Principal::Operator { .. } => "root",
            Principal::Account { .. } => "account",
            Principal::Instance { .. } => "instance",
        },
        account: account.map(|account| NamedBody { id: account.id.to_string(), name: account.name }),
        instance: instance.map(|record| NamedBody { id: record.id.to_string(), name: record.name }),
    };
    Ok(answer(StatusCode::OK, body, false))
}
