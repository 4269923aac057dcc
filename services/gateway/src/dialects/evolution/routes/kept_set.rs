//! `POST /proxy/set/{instance}` and `POST /<transport>/set/{instance}`: kept as given.

use axum::{Json, extract::Request, http::StatusCode};
use serde_json::{Map, Value};

use crate::{
    app::merge_part,
    dialects::evolution::{
        FORMAT,
        call::{OnInstance, object},
        error::EvolutionError,
        kept,
    },
};

type Answer = Result<(StatusCode, Json<Value>), EvolutionError>;

/// Sets a way to send events. The body names it (`{"websocket": {…}}`) or is it.
pub(super) async fn transport(name: &'static str, on: OnInstance, request: Request) -> Answer {
    let mut body = object(request).await?;
    let given = match body.remove(name) {
        Some(Value::Object(nested)) => nested,
        Some(_) => return Err(EvolutionError::Validation(format!("{name} is not of a type(s) object"))),
        None if body.contains_key("enabled") => body,
        None => return Err(EvolutionError::Validation(format!("instance requires property \"{name}\""))),
    };
    if !given.get("enabled").is_some_and(Value::is_boolean) {
        return Err(EvolutionError::Validation(format!("{name}.enabled is not of a type(s) boolean")));
    }
    keep(name, on, given).await
}

/// Sets the proxy.
pub(super) async fn proxy(on: OnInstance, request: Request) -> Answer {
    let mut body = object(request).await?;
    let given = match body.remove("proxy") {
        Some(Value::Object(nested)) => nested,
        _ => body,
    };
    if !given.get("enabled").is_some_and(Value::is_boolean) {
        return Err(EvolutionError::Validation("instance requires property \"enabled\"".to_owned()));
    }
    keep("proxy", on, given).await
}

async fn keep(name: &'static str, on: OnInstance, given: Map<String, Value>) -> Answer {
    let record = on.read().await?;
    let merge = |present| merge_part(present, name, &given, true);
    let answer = on.map(on.app.change_settings(&on.call, &record, FORMAT, merge).await)?;
    Ok((StatusCode::CREATED, Json(kept::row(&answer.record, name).unwrap_or_default())))
}
