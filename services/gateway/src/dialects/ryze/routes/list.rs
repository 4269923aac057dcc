//! `GET /api/instance/list`

use axum::{Json, extract::State, http::Extensions};
use berth_proto::query::InstanceQueryV1;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::websocket::{self, WebsocketRow};
use crate::{
    app::{App, Device, Failure, Principal, Record},
    dialects::ryze::{
        FORMAT, ORDER,
        call::caller,
        error::{ErrorBody, RyzeError},
        settings::{self, Kept, Settings},
        webhook::MaybeWebhook,
        words,
    },
    http::query::LenientQuery,
};

const WHAT: &str = "Failed to list instances";
/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;
/// Names in a filter.
const NAMES_MAX: usize = 100;

/// The query of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Names, ids or numbers with commas between them.
    instance_name: Option<String>,
}

/// The instances.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListAnswer {
    /// `true`.
    success: bool,
    /// How many there are.
    message: String,
    instances: Vec<InstanceRow>,
}

/// An instance.
#[derive(Debug, Serialize, ToSchema)]
struct InstanceRow {
    name: String,
    /// Its own token.
    token: String,
    /// `connected`, `connecting`, `disconnected` or `loggedout`.
    status: &'static str,
    connection: Connection,
    profile: Profile,
    integrations: Integrations,
    settings: Settings,
}

/// The connection of an instance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Connection {
    /// As `status` of the instance.
    state: &'static str,
    number_jid: Option<String>,
    /// `available` or `unavailable`.
    presence_status: &'static str,
    /// The state for a person to read.
    display_status: &'static str,
}

/// What is known of the linked device; empty texts if there is none.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Profile {
    name: String,
    picture_url: String,
    is_business: bool,
    business_name: String,
}

/// What else is configured.
#[derive(Debug, Serialize, ToSchema)]
struct Integrations {
    /// The webhook with the label `default`.
    webhook: MaybeWebhook,
    websocket: WebsocketRow,
    chatwoot: Kept,
    proxy: Kept,
    s3: Kept,
}

/// Lists the account's instances, or those whose names are given; an instance's token sees its own.
#[utoipa::path(
    get, operation_id = "list", path = "/api/instance/list", tag = "instance",
    params(Filter),
    responses((status = 200, body = ListAnswer), (status = 404, body = ErrorBody))
)]
pub(super) async fn handler(
    State(app): State<App>,
    extensions: Extensions,
    LenientQuery(filter): LenientQuery<Filter>,
) -> Result<Json<ListAnswer>, RyzeError> {
    let call = caller(&extensions)?;
    let names = filter.instance_name.unwrap_or_default();
    let names: Vec<&str> =
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).take(NAMES_MAX).collect();
    let records = match call.principal {
        Principal::Instance { .. } => app.records.read_own(&call.principal).await.map(|record| vec![record]),
        _ if names.is_empty() => everything(&app, &call.principal).await,
        _ => named(&app, &call.principal, &names).await,
    };
    let records = records.map_err(|failure| RyzeError::of(WHAT, failure))?;
    let message = if records.len() == 1 {
        "1 Instance found".to_owned()
    } else {
        format!("{} Instances found", records.len())
    };
    let instances = records.into_iter().map(InstanceRow::of).collect();
    Ok(Json(ListAnswer { success: true, message, instances }))
}

async fn everything(app: &App, principal: &Principal) -> Result<Vec<Record>, Failure> {
    let account = principal.account().ok_or(Failure::Unauthorized)?;
    app.lists.all(account, InstanceQueryV1::default(), INSTANCES_MAX).await
}

/// A single name that is unknown is an error; of several, the unknown ones are left out.
async fn named(app: &App, principal: &Principal, names: &[&str]) -> Result<Vec<Record>, Failure> {
    let mut records: Vec<Record> = Vec::new();
    for name in names {
        match app.finder.find(principal, name, &ORDER).await {
            // Its name and its id may both be asked for.
            Ok(record) if records.iter().any(|listed| listed.id == record.id) => {}
            Ok(record) => records.push(record),
            Err(Failure::NotFound) if names.len() > 1 => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(records)
}

impl InstanceRow {
    fn of(record: Record) -> Self {
        let (status, device) = (words::state(&record), record.device());
        let webhooks = record.open_webhooks_of(FORMAT);
        let default = webhooks.iter().find(|webhook| webhook.label == "default");
        Self {
            status,
            integrations: Integrations {
                webhook: MaybeWebhook::of(default, Some("default")),
                websocket: websocket::shown(&record).unwrap_or_default(),
                chatwoot: Kept::of(&record, "chatwoot"),
                proxy: Kept::of(&record, "proxy"),
                s3: Kept::of(&record, "s3"),
            },
            settings: settings::seven(&record),
            connection: Connection {
                state: status,
                number_jid: device.as_ref().map(|device| device.jid.clone()),
                presence_status: if status == "connected" { "available" } else { "unavailable" },
                display_status: words::display(status),
            },
            profile: device.map(Profile::of).unwrap_or_default(),
            token: record.token(),
            name: record.name,
        }
    }
}

impl Profile {
    fn of(device: Device) -> Self {
        Self {
            name: device.push_name.unwrap_or_default(),
            picture_url: device.picture_url.unwrap_or_default(),
            is_business: device.business_name.is_some(),
            business_name: device.business_name.unwrap_or_default(),
        }
    }
}
