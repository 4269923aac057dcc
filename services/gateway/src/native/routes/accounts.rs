//! `POST` and `GET /v1/accounts`, `GET`, `PATCH` and `DELETE /v1/accounts/{a}`, `POST /v1/accounts/{a}/token`: the
//! operator's, with the root key.

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{AccountId, frame::RejectionCodeV1};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{AccountChange, AccountRecord, App, ChangedAccount, Closing, Failure, NewAccount, Principal},
    native::{
        body::{Json, QueryOf},
        call::{Caller, Key},
        code::Code,
        problem::Problem,
        render::{answer, time},
    },
};

/// Accounts of a page if the query does not say.
const LIMIT_DEFAULT: u16 = 50;

/// What a new account shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"name": "acme", "attributes": {"plan": "pro"}})))]
pub(super) struct AccountRequest {
    /// Its name, unique in the deployment; made up if it is left out.
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    /// Its token; made up if it is left out.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
    token: Option<String>,
    /// Any JSON of at most 16 KiB that is kept with it.
    #[schema(required = false, value_type = Value)]
    attributes: Option<Value>,
}

/// What shall be another of an account; whatever is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"name": "apex"})))]
pub(super) struct AccountPatch {
    /// Its name, unique in the deployment.
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    /// Any JSON of at most 16 KiB that is kept with it; null keeps nothing any more.
    #[serde(default, deserialize_with = "some")]
    #[schema(required = false, value_type = Value)]
    attributes: Option<Value>,
}

/// Tells a field that is null from one that is left out.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The query of a close.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseQuery {
    /// Whether its instances may be deleted with it; `false` if it is left out.
    force: Option<bool>,
}

/// Where the account's instances are made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"upstream": "evo1"})))]
pub(super) struct UpstreamChoice {
    /// The name of an upstream that the account was granted; null for the deployment's own driver.
    #[serde(deserialize_with = "Deserialize::deserialize")]
    #[schema(required = true)]
    upstream: Option<String>,
}

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// The token; made up if it is left out.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
    pub(super) token: Option<String>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "id": "06gvptn1m9vt9ademgnjm3g4ik", "name": "acme", "created_at": "2026-11-21T10:07:39.299288Z",
    "attributes": { "plan": "pro" }, "upstream": null
})))]
pub(super) struct AccountBody {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// When it was created.
    created_at: String,
    /// What is kept with it.
    #[schema(required = true, value_type = Value)]
    attributes: Option<Value>,
    /// The upstream that its instances are made on, unless a create says where.
    #[schema(required = true)]
    upstream: Option<String>,
    /// When it was closed; only in the answer that closes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<String>,
    /// Its token; only in the answer that creates or changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountsBody {
    accounts: Vec<AccountBody>,
    /// The `after` of the next page; none on the last page.
    next_after: Option<String>,
}

/// The query of an account list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountsQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// Most accounts of the page: 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

impl AccountBody {
    fn of(account: AccountRecord, with_token: bool) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.name,
            created_at: time(account.state.created_at),
            upstream: account.state.upstream,
            attributes: account.attributes.filter(|attributes| !attributes.is_null()),
            closed_at: account.state.closed_at.map(time),
            token: with_token.then_some(account.token),
        }
    }
}

/// Creates an account; the answer shows its token once.
#[utoipa::path(
    post, operation_id = "create_account", path = "/v1/accounts", tag = "accounts", request_body = AccountRequest,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = AccountBody), (status = 409, body = Problem), (status = 410, body = Problem))
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    body: Json<AccountRequest>,
) -> Result<Response, Problem> {
    let call = caller.call("POST /v1/accounts", &body.bytes);
    let AccountRequest { name, token, attributes } = body.value;
    let created = app.accounts.create(&call, NewAccount { name, token, attributes }).await;
    let ChangedAccount { account, replayed } = created.map_err(|failure| match failure.rejection() {
        Some(RejectionCodeV1::Deleted) => {
            Problem::new(Code::Deleted, "The account that this Idempotency-Key made is closed.")
        }
        _ => failure.into(),
    })?;
    Ok(answer(StatusCode::CREATED, AccountBody::of(account, true), replayed))
}

/// Lists accounts.
#[utoipa::path(
    get, operation_id = "list_accounts", path = "/v1/accounts", tag = "accounts", params(AccountsQuery),
    responses((status = 200, body = AccountsBody))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    query: QueryOf<AccountsQuery>,
) -> Result<Response, Problem> {
    let limit = query.0.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=berth_proto::query::PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid("`limit`: 1 to 500 is expected."));
    }
    let after = query
        .0
        .after
        .map(|text| text.parse::<AccountId>())
        .transpose()
        .map_err(|_| Problem::invalid("`after`: the id of an account is expected."))?;
    let (accounts, more) = app.accounts.page(&caller.principal, after, limit).await?;
    let next_after = accounts.last().filter(|_| more).map(|last| last.id.to_string());
    let accounts = accounts.into_iter().map(|account| AccountBody::of(account, false)).collect();
    Ok(answer(StatusCode::OK, AccountsBody { accounts, next_after }, false))
}

/// Shows an account, unless it is closed.
#[utoipa::path(
    get, operation_id = "get_account", path = "/v1/accounts/{a}", tag = "accounts",
    params(("a" = String, Path, description = "Id")),
    responses((status = 200, body = AccountBody))
)]
pub(super) async fn get(State(app): State<App>, caller: Caller, key: Key) -> Result<Response, Problem> {
    operators(caller)?;
    let account = app.accounts.read(id(&key)?).await?;
    Ok(answer(StatusCode::OK, AccountBody::of(account, false), false))
}

/// Gives an account another name or other attributes.
#[utoipa::path(
    patch, operation_id = "change_account", path = "/v1/accounts/{a}", tag = "accounts", request_body = AccountPatch,
    params(("a" = String, Path, description = "Id"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = AccountBody), (status = 409, body = Problem))
)]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<AccountPatch>,
) -> Result<Response, Problem> {
    let call = operators(caller)?.call("PATCH /v1/accounts/{a}", &body.bytes);
    let AccountPatch { name, attributes } = body.value;
    let changed = app.accounts.change(&call, id(&key)?, AccountChange { name, attributes }).await?;
    Ok(answer(StatusCode::OK, AccountBody::of(changed.account, false), changed.replayed))
}

/// Chooses the upstream that the account's instances are made on, unless a create says where. Those that are there stay where
/// they are.
#[utoipa::path(
    post, operation_id = "choose_account_upstream", path = "/v1/accounts/{a}/upstream", tag = "accounts",
    request_body = UpstreamChoice,
    params(("a" = String, Path, description = "Id"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = AccountBody))
)]
pub(super) async fn choose_upstream(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<UpstreamChoice>,
) -> Result<Response, Problem> {
    let call = operators(caller)?.call("POST /v1/accounts/{a}/upstream", &body.bytes);
    let changed = app.accounts.choose_upstream(&call, id(&key)?, body.value.upstream).await?;
    Ok(answer(StatusCode::OK, AccountBody::of(changed.account, false), changed.replayed))
}

/// Closes an account: its token ends at once, its instances are deleted. Without `force` one that has instances stays.
#[utoipa::path(
    delete, operation_id = "close_account", path = "/v1/accounts/{a}", tag = "accounts",
    params(("a" = String, Path, description = "Id"), CloseQuery, ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = AccountBody), (status = 409, body = Problem))
)]
pub(super) async fn close(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    query: QueryOf<CloseQuery>,
) -> Result<Response, Problem> {
    let force = query.0.force.unwrap_or_default();
    let call = caller.call("DELETE /v1/accounts/{a}", if force { b"force" } else { b"" });
    match app.accounts.close(&call, id(&key)?, force).await? {
        Closing::Closed(closed) => {
            Ok(answer(StatusCode::OK, AccountBody::of(closed.account, false), closed.replayed))
        }
        Closing::HasInstances => Err(Problem::new(
            Code::HasInstances,
            "The account has instances: delete them first, or send `force=true`.",
        )),
    }
}

fn id(key: &Key) -> Result<AccountId, Failure> {
    key.0.parse().map_err(|_| Failure::NotFound)
}

/// Only the operator sees and changes accounts here.
fn operators(caller: Caller) -> Result<Caller, Failure> {
    if caller.principal == Principal::Root { Ok(caller) } else { Err(Failure::Forbidden) }
}

/// Gives an account another token; the old one ends at once.
#[utoipa::path(
    post, operation_id = "rotate_account_token", path = "/v1/accounts/{a}/token", tag = "accounts", request_body = TokenRequest,
    params(("a" = String, Path, description = "Id"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = AccountBody), (status = 409, body = Problem))
)]
pub(super) async fn rotate_token(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<TokenRequest>,
) -> Result<Response, Problem> {
    let account = id(&key)?;
    let call = operators(caller)?.call("POST /v1/accounts/{a}/token", &body.bytes);
    let changed = app.accounts.rotate_token(&call, account, body.value.token).await?;
    Ok(answer(StatusCode::OK, AccountBody::of(changed.account, true), changed.replayed))
}
