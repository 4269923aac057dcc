//! `GET /v1/instances/{i}/webhooks/{w}/deliveries` and `GET /v1/deliveries`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{
    AccountId, EndpointId, InstanceId, Timestamp,
    deliveries::{DELIVERIES_PAGE_MAX, DeliveriesPageV1, DeliveryV1, StandingV1},
    delivery::{NoticeClass, SettlementV1},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{attempts::result_word, get::find_with_deleted};
use crate::{
    app::{App, DeliveriesPage, Failure, Principal},
    native::{
        ORDER,
        body::QueryOf,
        call::{Caller, KeyAndWebhook},
        problem::Problem,
        render::{answer, time},
        words::{AttemptResult, DeliveryState},
    },
};

/// Deliveries of a page if the query does not say.
const LIMIT_DEFAULT: u16 = 50;

/// How a delivery can stand, in words.
pub(in crate::native) const STATES: [(&str, StandingV1); 8] = [
    ("waiting", StandingV1::Waiting),
    ("delivered", settled(SettlementV1::Delivered)),
    ("exhausted", settled(SettlementV1::Exhausted)),
    ("cancelled_by_logout", settled(SettlementV1::CancelledByLogout)),
    ("cancelled_by_delete", settled(SettlementV1::CancelledByDelete)),
    ("cancelled_by_endpoint", settled(SettlementV1::CancelledByEndpoint)),
    ("superseded", settled(SettlementV1::Superseded)),
    ("expired", settled(SettlementV1::Expired)),
];

const fn settled(outcome: SettlementV1) -> StandingV1 {
    StandingV1::Settled { outcome }
}

/// The query of a page of deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveriesQuery {
    /// How they stand: `waiting`, `delivered`, `exhausted`, `cancelled_by_logout`, `cancelled_by_delete`,
    /// `cancelled_by_endpoint`, `superseded`, `expired`; several with commas between. All if it is left out.
    pub(super) state: Option<String>,
    /// About what happened at this moment or later, such as 2026-11-21T12:00:00Z.
    pub(super) since: Option<String>,
    /// About what happened before this moment.
    pub(super) until: Option<String>,
    /// Where the page begins: the `next_before` of the page before.
    pub(super) before: Option<String>,
    /// Most deliveries of the page: 1 to 100, 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<u16>,
}

/// The query of a page of an account's deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountDeliveriesQuery {
    /// The id of an instance: only what its endpoints were sent.
    instance: Option<String>,
    /// How they stand: `waiting`, `delivered`, `exhausted`, `cancelled_by_logout`, `cancelled_by_delete`,
    /// `cancelled_by_endpoint`, `superseded`, `expired`; several with commas between. All if it is left out.
    state: Option<String>,
    /// About what happened at this moment or later, such as 2026-11-21T12:00:00Z.
    since: Option<String>,
    /// About what happened before this moment.
    until: Option<String>,
    /// Where the page begins: the `next_before` of the page before.
    before: Option<String>,
    /// Most deliveries of the page: 1 to 100, 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

/// A page of deliveries, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveriesBody {
    /// The deliveries: perhaps fewer than asked for although there are more.
    deliveries: Vec<DeliveryBody>,
    /// The `before` of the next page; none on the last page.
    next_before: Option<String>,
}

/// What an endpoint was sent, or is to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "id": "msg_06gvptn6stt118p4mhs3rj6adk", "instance": "06gvptn6stt118p4mhs3rj6adk",
    "webhook": "06gvptn7b8t118p4mhs3rj6adk", "version": 6, "event": "instance.logged_out", "state": "exhausted",
    "occurred_at": "2026-11-21T10:07:38.691027Z", "attempts": 10, "first_attempt_at": "2026-11-21T10:07:38.702Z",
    "last_attempt_at": "2026-11-24T13:42:43.100Z", "last_result": "timed_out", "last_status": null,
    "next_attempt_at": null
})))]
pub(super) struct DeliveryBody {
    /// The `webhook-id` of every attempt.
    id: String,
    /// The instance; none of what an account is told of an endpoint.
    instance: Option<String>,
    /// The endpoint.
    webhook: String,
    /// The version of the history that it tells of.
    version: u64,
    /// What it says, in the words of the endpoint's format.
    event: String,
    /// How it stands.
    #[schema(value_type = DeliveryState)]
    state: &'static str,
    /// When it happened.
    occurred_at: String,
    /// Attempts so far; those since it was last sent again on request.
    attempts: u16,
    /// When the first attempt began.
    first_attempt_at: Option<String>,
    /// When the last attempt began.
    last_attempt_at: Option<String>,
    /// What came of it: `answered`, or why there was no answer; none while it runs, or if nobody knows.
    #[schema(value_type = Option<AttemptResult>)]
    last_result: Option<&'static str>,
    /// The status of its answer.
    last_status: Option<u16>,
    /// When it is tried next.
    next_attempt_at: Option<String>,
}

/// Lists what an endpoint was sent, by what it is about, the newest first; what waits to be tried first is among it.
#[utoipa::path(
    get, operation_id = "list_webhook_deliveries", path = "/v1/instances/{i}/webhooks/{w}/deliveries",
    tag = "deliveries",
    params(
        ("i" = String, Path, description = "Id, name or number; the id also after a delete"),
        ("w" = String, Path, description = "Id"), DeliveriesQuery
    ),
    responses((status = 200, body = DeliveriesBody))
)]
pub(super) async fn of_webhook(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
    query: QueryOf<DeliveriesQuery>,
) -> Result<Response, Problem> {
    let record = find_with_deleted(&app, &caller.principal, &key.0).await?;
    let DeliveriesQuery { state, since, until, before, limit } = query.0;
    let asked = asked(record.state.account, state.as_deref(), (since, until), before.as_deref(), limit)?;
    let asked = DeliveriesPageV1 { endpoint: Some((record.id, key.1)), ..asked };
    let page = app.deliveries.page(asked).await?;
    check_known(&page, &record.state.webhooks.iter().map(|webhook| webhook.id).collect::<Vec<_>>(), key.1)?;
    Ok(answer(StatusCode::OK, DeliveriesBody::of(&page), false))
}

/// Lists what the endpoints of the account's instances were sent, by when it was first tried, the newest first. What was
/// never tried is not among it.
#[utoipa::path(
    get, operation_id = "list_deliveries", path = "/v1/deliveries", tag = "deliveries",
    params(AccountDeliveriesQuery),
    responses((status = 200, body = DeliveriesBody), (status = 404, body = Problem))
)]
pub(super) async fn of_account(
    State(app): State<App>,
    caller: Caller,
    query: QueryOf<AccountDeliveriesQuery>,
) -> Result<Response, Problem> {
    let account = caller.principal.account().ok_or(Failure::Forbidden)?;
    let AccountDeliveriesQuery { instance, state, since, until, before, limit } = query.0;
    let asked = asked(account, state.as_deref(), (since, until), before.as_deref(), limit)?;
    let instance = match (instance, caller.principal) {
        (Some(key), _) => Some(app.finder.find(&caller.principal, &key, &ORDER).await?.id),
        // An instance's token shows what its own endpoints were sent.
        (None, Principal::Instance { instance, .. }) => Some(instance),
        (None, _) => None,
    };
    let page = app.deliveries.page(DeliveriesPageV1 { instance, ..asked }).await?;
    Ok(answer(StatusCode::OK, DeliveriesBody::of(&page), false))
}

/// An endpoint that is gone can be looked at for as long as something is known of it.
pub(super) fn check_known(
    page: &DeliveriesPage,
    present: &[EndpointId],
    endpoint: EndpointId,
) -> Result<(), Problem> {
    if page.deliveries.is_empty() && !present.contains(&endpoint) {
        return Err(Failure::NotFound.into());
    }
    Ok(())
}

pub(super) fn asked(
    account: AccountId,
    state: Option<&str>,
    (since, until): (Option<String>, Option<String>),
    before: Option<&str>,
    limit: Option<u16>,
) -> Result<DeliveriesPageV1, Problem> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=DELIVERIES_PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid("`limit`: 1 to 100 is expected."));
    }
    let before = before.map(|text| BASE64URL_NOPAD.decode(text.as_bytes())).transpose();
    Ok(DeliveriesPageV1 {
        account,
        endpoint: None,
        instance: None::<InstanceId>,
        standings: state.map(standings).transpose()?.unwrap_or_default(),
        since: moment("since", since)?,
        until: moment("until", until)?,
        before: before.map_err(|_| Problem::invalid("`before`: the `next_before` of a page is expected."))?,
        limit,
    })
}

fn standings(text: &str) -> Result<Vec<StandingV1>, Problem> {
    let known = |word: &str| STATES.iter().find(|(known, _)| *known == word).map(|(_, standing)| *standing);
    text.split(',').map(|word| known(word.trim())).collect::<Option<_>>().ok_or_else(|| {
        let words: Vec<_> = STATES.iter().map(|(word, _)| *word).collect();
        Problem::invalid(format!("`state`: one or more of {} are expected.", words.join(", ")))
    })
}

/// A moment of a query or a body.
pub(super) fn moment(name: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let parsed = text.map(|text| text.parse::<jiff::Timestamp>()).transpose();
    let moment = parsed.map_err(|_| {
        Problem::invalid(format!("`{name}`: a moment such as 2026-11-21T12:00:00Z is expected."))
    })?;
    Ok(moment.map(|moment| Timestamp(moment.as_microsecond())))
}

impl DeliveriesBody {
    pub(super) fn of(page: &DeliveriesPage) -> Self {
        Self {
            deliveries: page.deliveries.iter().map(DeliveryBody::of).collect(),
            next_before: page.next.as_ref().map(|key| BASE64URL_NOPAD.encode(key)),
        }
    }
}

impl DeliveryBody {
    pub(super) fn of(delivery: &DeliveryV1) -> Self {
        let state = STATES.iter().find(|(_, standing)| *standing == delivery.standing);
        let (last_result, last_status) = delivery.last.map(result_word).unzip();
        Self {
            id: format!("msg_{}", delivery.id),
            instance: (delivery.class != NoticeClass::Operational)
                .then(|| delivery.notice.instance.to_string()),
            webhook: delivery.notice.endpoint.to_string(),
            version: delivery.notice.version,
            event: delivery.event.clone(),
            state: state.map_or("waiting", |(word, _)| word),
            occurred_at: time(delivery.occurred_at),
            attempts: delivery.attempts,
            first_attempt_at: delivery.first_at.map(time),
            last_attempt_at: delivery.last_at.map(time),
            last_result,
            last_status: last_status.flatten(),
            next_attempt_at: delivery.next_at.map(time),
        }
    }
}
