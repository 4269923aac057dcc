//! `GET /v1/instances`

use axum::{extract::State, http::StatusCode, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_domain::instance::{STATE_DETAILS, STATE_WORDS};
use berth_proto::{InstanceId, query::InstanceQueryV1, query::PAGE_MAX};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{App, Failure, Principal},
    native::{
        body::QueryOf,
        call::Caller,
        code::Code,
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// Instances of a page when the query does not say.
const LIMIT_DEFAULT: u16 = 50;
/// First byte of a cursor: another one is from another release.
const CURSOR_VERSION: u8 = 1;

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQueryString {
    /// States, separated by commas; `linked` and `paused` also with a dot and their `connection` or `pause.reason`, such as
    /// `linked.lost` or `paused.banned`.
    state: Option<String>,
    /// Text that the name, the person's name, the phone or the number contains.
    q: Option<String>,
    /// Most instances of the page: 1 to 500, 50 if it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of instances.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageBody {
    /// The instances, oldest first.
    instances: Vec<InstanceBody>,
    /// Where the next page starts; none on the last page.
    next_cursor: Option<String>,
    /// How many match in all, where that is known.
    total: Option<u64>,
    /// Milliseconds that this list is behind; reads of one instance never are.
    lag_ms: u64,
}

/// Lists the account's instances; an instance's token sees its own only.
#[utoipa::path(
    get, operation_id = "list_instances", path = "/v1/instances", tag = "instances", params(ListQueryString),
    responses((status = 200, body = PageBody))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    query: QueryOf<ListQueryString>,
) -> Result<Response, Problem> {
    let ListQueryString { state, q, limit, cursor } = query.0;
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid("`limit`: 1 to 500 is expected."));
    }
    let states: Vec<String> =
        state.iter().flat_map(|it| it.split(',')).map(|word| word.trim().to_owned()).collect();
    if !states.iter().all(|state| is_known(state)) {
        return Err(Problem::invalid(format!("`state`: words of {} are expected.", STATE_WORDS.join(", "))));
    }
    let after = cursor.as_deref().map(read_cursor).transpose()?;
    if let Principal::Instance { .. } = caller.principal {
        let record = app.records.read_own(&caller.principal).await?;
        let body = PageBody {
            instances: vec![InstanceBody::of(&record)],
            next_cursor: None,
            total: Some(1),
            lag_ms: 0,
        };
        return Ok(answer(StatusCode::OK, body, false));
    }
    let account = caller.principal.account().ok_or(Failure::Forbidden)?;
    let with_deleted = states.iter().any(|word| word == "deleted");
    let query = InstanceQueryV1 { account: None, states, text: q, phone: None, with_deleted, after, limit };
    let page = app.lists.page(account, query).await?;
    let next_cursor = page.records.last().filter(|_| page.more).map(|last| write_cursor(last.id));
    let instances = page.records.iter().map(InstanceBody::of).collect();
    Ok(answer(
        StatusCode::OK,
        PageBody { instances, next_cursor, total: page.total, lag_ms: page.lag_ms },
        false,
    ))
}

/// Whether this is the word of a state, alone or with a detail that it can have.
fn is_known(state: &str) -> bool {
    match state.split_once('.') {
        None => STATE_WORDS.contains(&state),
        Some((word, detail)) => {
            STATE_DETAILS.iter().any(|(of, known)| *of == word && known.contains(&detail))
        }
    }
}

pub(super) fn write_cursor(last: InstanceId) -> String {
    let mut bytes = vec![CURSOR_VERSION];
    bytes.extend_from_slice(last.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn read_cursor(text: &str) -> Result<InstanceId, Problem> {
    let expired =
        || Problem::new(Code::InvalidCursor, "The cursor is not one of this list: start again without it.");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| expired())?;
    let (version, id) = bytes.split_first().ok_or_else(expired)?;
    let id = <[u8; 16]>::try_from(id).map_err(|_| expired())?;
    if *version == CURSOR_VERSION { Ok(InstanceId::from_bytes(id)) } else { Err(expired()) }
}
