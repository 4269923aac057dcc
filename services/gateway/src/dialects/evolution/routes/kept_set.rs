//! `POST /proxy/set/{instance}` and `POST /<transport>/set/{instance}`: kept as given.

use axum::{Json, extract::Request, http::StatusCode};
use serde_json::{Map, Value};

use crate::{
    app::{Record, merge_part},
    dialects::evolution::{
        FORMAT, bodies,
        call::{OnInstance, object},
        error::{ErrorBody, EvolutionError},
        kept::{self, KeptRow},
    },
};

type Answer = Result<(StatusCode, Json<Option<KeptRow>>), EvolutionError>;

/// Sets a way to send events, which is kept and shown and sends nothing.
#[utoipa::path(
    post, operation_id = "set_transport", path = "/{transport}/set/{instance}", tag = "transports",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetTransport,
    responses((status = 201, body = KeptRow), (status = 400, body = ErrorBody))
)]
pub(super) async fn transport(name: &'static str, on: OnInstance, request: Request) -> Answer {
    let record = on.read().await?;
    let mut body = object(request).await?;
    let given = match body.remove(name) {
        Some(Value::Object(nested)) => nested,
        Some(_) => return Err(EvolutionError::Validation(format!("{name} is not of a type(s) object"))),
        None if body.contains_key("enabled") => body,
        None => return Err(EvolutionError::Validation(format!("instance requires property \"{name}\""))),
    };
    kept::check_transport(name, &given)?;
    keep(name, on, &record, given).await
}

/// Sets the proxy, which is kept and shown.
#[utoipa::path(
    post, operation_id = "set_proxy", path = "/proxy/set/{instance}", tag = "settings",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetProxy,
    responses((status = 201, body = KeptRow), (status = 400, body = ErrorBody))
)]
pub(super) async fn proxy(on: OnInstance, request: Request) -> Answer {
    let record = on.read().await?;
    let mut body = object(request).await?;
    let given = match body.remove("proxy") {
        Some(Value::Object(nested)) => nested,
        Some(_) => return Err(EvolutionError::Validation("proxy is not of a type(s) object".to_owned())),
        None => body,
    };
    kept::check_proxy(&given)?;
    keep("proxy", on, &record, given).await
}

async fn keep(name: &'static str, on: OnInstance, record: &Record, given: Map<String, Value>) -> Answer {
    let merge = |present| merge_part(present, name, &given, true);
    let answer = on.map(on.app.change_settings(&on.call, record, FORMAT, merge).await)?;
    Ok((StatusCode::CREATED, Json(kept::row(&answer.record, name))))
}
