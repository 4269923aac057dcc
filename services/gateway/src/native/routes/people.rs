//! `GET /v1/people/{phone}`

use axum::{extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{App, Erasure, Failure, Holding, Holdings, PEOPLE_PAGE_MAX, Principal, Trace, check_phone},
    native::{
        body::QueryOf,
        call::{Caller, PathOf},
        problem::Problem,
        render::{answer, time},
    },
};

/// Instances of a page if the query does not say.
const LIMIT_DEFAULT: u16 = 50;

/// Which instances.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PeopleQuery {
    /// The `next_after` of the page before.
    after: Option<String>,
    /// Instances whose histories are read, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u16>,
}

/// What is held of whoever has a phone number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "phone": "5511987654321",
    "instances": [{
        "id": "06gvptn6stt118p4mhs3rj6adk", "name": "shop", "deleted": false, "present": true,
        "traces": [{
            "version": 4, "event": "DeviceLinked", "occurred_at": "2026-11-21T10:06:02.101027Z",
            "values": ["jid", "phone", "push_name"]
        }]
    }],
    "looked_at": 12, "erased": 2, "damaged": 0, "next_after": null
})))]
pub(super) struct PeopleBody {
    /// The digits of the number.
    phone: String,
    /// Instances that hold something of the person.
    instances: Vec<HoldingBody>,
    /// Instances of this page whose histories were read.
    looked_at: usize,
    /// Those of them that are erased: nobody can open anything personal of them any more.
    erased: usize,
    /// Commits that could not be read: what they hold is not known.
    damaged: usize,
    /// The `after` of the next page; none on the last page.
    next_after: Option<String>,
}

/// What an instance holds of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HoldingBody {
    /// The instance.
    id: String,
    /// Its name.
    name: String,
    /// Whether it is deleted, and its erasure not done yet.
    deleted: bool,
    /// Whether its present device is the person's.
    present: bool,
    /// What its history holds, oldest first: until the instance is deleted.
    traces: Vec<TraceBody>,
}

/// What one event holds of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TraceBody {
    /// The version of its commit.
    version: u64,
    /// Its type.
    event: &'static str,
    /// When it was decided.
    occurred_at: String,
    /// The values that it has, sealed: `jid`, `lid`, `phone`, `push_name`, `business_name`, `picture_url`,
    /// `pairing_phone`.
    values: Vec<&'static str>,
}

impl PeopleBody {
    fn of(phone: String, holdings: Holdings) -> Self {
        let Holdings { found, looked_at, erased, damaged, next } = holdings;
        let instances = found.into_iter().map(HoldingBody::of).collect();
        Self { phone, instances, looked_at, erased, damaged, next_after: next.map(|next| next.to_string()) }
    }
}

impl HoldingBody {
    fn of(holding: Holding) -> Self {
        let Holding { record, is_present, traces } = holding;
        Self {
            id: record.id.to_string(),
            deleted: record.erasure() == Some(Erasure::Pending),
            name: record.name,
            present: is_present,
            traces: traces.into_iter().map(TraceBody::of).collect(),
        }
    }
}

impl TraceBody {
    fn of(trace: Trace) -> Self {
        let Trace { version, event, occurred_at, values } = trace;
        Self { version, event, occurred_at: time(occurred_at), values }
    }
}

/// Says what the account's instances hold of whoever has a phone number, for a request about personal data. It reads whole
/// histories, those of deleted instances too, a page of instances at a time.
#[utoipa::path(
    get, operation_id = "find_person", path = "/v1/people/{phone}", tag = "history",
    params(
        ("phone" = String, Path, description = "The digits of the number, with its country", example = "5511987654321",
            pattern = "^[1-9][0-9]{6,14}$"),
        PeopleQuery
    ),
    responses((status = 200, body = PeopleBody))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    PathOf(phone): PathOf<String>,
    query: QueryOf<PeopleQuery>,
) -> Result<Response, Problem> {
    let Principal::Account { account, .. } = caller.principal else { return Err(Failure::Forbidden.into()) };
    check_phone(&phone).map_err(|error| Problem::invalid(format!("`phone`: {error}.")))?;
    let limit = query.0.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=PEOPLE_PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid("`limit`: 1 to 100 is expected."));
    }
    let after = query.0.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|_| Problem::invalid("`after`: the `next_after` of a page is expected."))?;
    let holdings = app.people.holdings(account, &phone, after, limit).await?;
    Ok(answer(StatusCode::OK, PeopleBody::of(phone, holdings), false))
}
