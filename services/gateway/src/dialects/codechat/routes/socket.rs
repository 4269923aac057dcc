//! `POST /api/v2/instance/{instanceId}/socket`

use axum::{Json, http::StatusCode};
use serde_json::{Map, Value, json};

use crate::dialects::codechat::{
    FORMAT,
    answers::SocketAnswer,
    call::OnInstance,
    error::{CodeChatError, ErrorBody},
    find,
};

/// Registers the instance for the product's socket server. There is none here: the registration is kept, so that
/// a client goes on, and a second one is refused as the product does.
#[utoipa::path(
    post, operation_id = "socket", path = "/api/v2/instance/{instanceId}/socket", tag = "instance",
    responses((status = 201, body = SocketAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<(StatusCode, Json<SocketAnswer>), CodeChatError> {
    let record = on.read().await?;
    if find::block(&record).get("socket") == Some(&json!(true)) {
        return Err(CodeChatError::Invalid("socket already registered".to_owned()));
    }
    let merge = |present: Option<Value>| {
        let mut block = match present {
            Some(Value::Object(block)) => block,
            _ => Map::new(),
        };
        block.insert("socket".to_owned(), json!(true));
        Value::Object(block)
    };
    let answer = on.map(on.app.change_settings(&on.call, &record, FORMAT, merge).await)?;
    Ok((
        StatusCode::CREATED,
        Json(SocketAnswer { instance_id: find::shown_id(&answer.record), registered: true }),
    ))
}
