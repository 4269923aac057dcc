//! `POST /proxy/set/{instance}` and `POST /<transport>/set/{instance}`: kept as given.

use axum::{Json, extract::Request, http::StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    app::{Record, merge_part},
    dialects::evolution::{
        FORMAT, bodies,
        call::{OnInstance, object},
        error::{ErrorBody, EvolutionError},
        kept::{self, KeptRow},
    },
};

/// What a proxy that is switched off has no more.
const PROXY_FIELDS: [&str; 5] = ["host", "port", "protocol", "username", "password"];

type Saved<T> = Result<(StatusCode, Json<T>), EvolutionError>;

/// The proxy as it is kept now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProxyAnswer {
    proxy: SavedProxy,
}

/// The proxy of an instance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SavedProxy {
    instance_name: String,
    proxy: Option<KeptRow>,
}

/// Sets a way to send events, which is kept and shown and sends nothing.
#[utoipa::path(
    post, operation_id = "set_transport", path = "/{transport}/set/{instance}", tag = "transports",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetTransport,
    responses((status = 201, body = KeptRow), (status = 400, body = ErrorBody))
)]
pub(super) async fn transport(
    name: &'static str,
    on: OnInstance,
    request: Request,
) -> Saved<Option<KeptRow>> {
    let record = on.read().await?;
    let mut body = object(request).await?;
    let given = match body.remove(name) {
        Some(Value::Object(nested)) => nested,
        Some(_) => return Err(EvolutionError::Validation(format!("{name} is not of a type(s) object"))),
        None if body.contains_key("enabled") => body,
        None => return Err(EvolutionError::Validation(format!("instance requires property \"{name}\""))),
    };
    kept::check_transport(name, &given)?;
    let record = keep_block(name, &on, &record, given).await?;
    Ok((StatusCode::CREATED, Json(kept::row(&record, name))))
}

/// Sets the proxy, which is kept and shown.
#[utoipa::path(
    post, operation_id = "set_proxy", path = "/proxy/set/{instance}", tag = "settings",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetProxy,
    responses((status = 201, body = ProxyAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn proxy(on: OnInstance, request: Request) -> Saved<ProxyAnswer> {
    let record = on.read().await?;
    let mut body = object(request).await?;
    let mut given = match body.remove("proxy") {
        Some(Value::Object(nested)) => nested,
        Some(_) => return Err(EvolutionError::Validation("proxy is not of a type(s) object".to_owned())),
        None => body,
    };
    kept::check_proxy(&given)?;
    if given.get("enabled") == Some(&Value::Bool(false)) {
        given.extend(PROXY_FIELDS.map(|name| (name.to_owned(), json!(""))));
    }
    let record = keep_block("proxy", &on, &record, given).await?;
    let proxy = SavedProxy { proxy: kept::row(&record, "proxy"), instance_name: record.name };
    Ok((StatusCode::CREATED, Json(ProxyAnswer { proxy })))
}

async fn keep_block(
    name: &'static str,
    on: &OnInstance,
    record: &Record,
    given: Map<String, Value>,
) -> Result<Record, EvolutionError> {
    let merge = |present| merge_part(present, name, &given, true);
    Ok(on.map(on.app.blocks.change(&on.call, record, FORMAT, merge).await)?.record)
}
