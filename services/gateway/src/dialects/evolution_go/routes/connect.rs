//! `POST /instance/connect`

use axum::{Json, extract::Request};
use berth_proto::{
    command::ConnectV1,
    instance::{MethodV1, PhaseV1},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    app::{Record, merge_part},
    dialects::evolution_go::{
        FORMAT,
        answer::Success,
        bodies,
        call::{OnInstance, object, own, text},
        error::{ErrorBody, GoError},
        kept::TRANSPORTS,
        row, webhook,
    },
};

/// The instance and its webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectData {
    /// The device that is linked, or was last; empty if there never was one.
    jid: String,
    /// Empty while there is none, or it is switched off.
    webhook_url: String,
    /// The events that the webhook is told, with commas between them.
    event_string: String,
}

/// Sets the webhook and starts an attempt, or takes up a link that is stopped. An attempt that runs, and a link, are left alone.
#[utoipa::path(
    post, operation_id = "connect", path = "/evolution-go/instance/connect", tag = "instance",
    request_body = bodies::Connect,
    responses(
        (status = 200, body = Success<ConnectData>), (status = 400, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The number is banned.")
    )
)]
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<Success<ConnectData>>, GoError> {
    let body = object(request).await?;
    let wanted = Wanted::of(&body)?;
    let record = set_webhook(&on, on.read().await?, wanted.url, wanted.events).await?;
    let record = set_transports(&on, record, wanted.transports).await?;
    let record = match &record.state.phase {
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) | PhaseV1::Linked(_) => record,
        PhaseV1::Created | PhaseV1::Paused(_) | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => {
            on.command(ConnectV1 { method: MethodV1::Qr }).await?.record
        }
    };
    let webhook = webhook::present(&record);
    Ok(Success::of(ConnectData {
        jid: row::jid(&record),
        webhook_url: webhook::shown_url(webhook.as_ref()),
        event_string: webhook::shown_events(webhook.as_ref()),
    }))
}

/// What a body asks for besides.
struct Wanted {
    url: Option<String>,
    events: Option<Vec<String>>,
    transports: Map<String, Value>,
}

impl Wanted {
    fn of(body: &Map<String, Value>) -> Result<Self, GoError> {
        let mut transports = Map::new();
        for name in TRANSPORTS {
            if let Some(switch) = text(body, name)? {
                transports.insert(name.to_owned(), Value::String(switch));
            }
        }
        let events = webhook::events("subscribe", body.get("subscribe"))?;
        Ok(Self { url: text(body, "webhookUrl")?, events, transports })
    }
}

/// The instance with this webhook.
async fn set_webhook(
    on: &OnInstance,
    record: Record,
    url: Option<String>,
    events: Option<Vec<String>>,
) -> Result<Record, GoError> {
    match webhook::wanted(webhook::present(&record).as_ref(), url, events) {
        None => Ok(record),
        Some(wanted) => {
            let configured = on.app.webhooks.configure(&on.call, &record, &wanted, true, 0).await;
            own(configured).map(|(answer, ..)| answer.record)
        }
    }
}

/// The instance with these switches of other transports.
async fn set_transports(
    on: &OnInstance,
    record: Record,
    given: Map<String, Value>,
) -> Result<Record, GoError> {
    let kept = record.settings(FORMAT).and_then(|block| block.get("transports").cloned());
    let is_kept =
        |(name, switch): (&String, &Value)| kept.as_ref().and_then(|it| it.get(name)) == Some(switch);
    if given.iter().all(is_kept) {
        return Ok(record);
    }
    let merge = |present| merge_part(present, "transports", &given, false);
    own(on.app.blocks.change(&on.call, &record, FORMAT, merge).await).map(|answer| answer.record)
}
