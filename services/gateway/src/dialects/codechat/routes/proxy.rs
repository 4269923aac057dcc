//! `PATCH /api/v2/instance/{instanceId}/proxy`

use axum::{Json, extract::Request};
use serde_json::{Map, Value, json};

use crate::{
    app::merge_part,
    dialects::codechat::{
        FORMAT,
        answers::InstanceFound,
        bodies,
        call::{OnInstance, object, text},
        error::{CodeChatError, ErrorBody},
        find, webhook,
    },
};

/// Bytes of a proxy's address.
const URL_BYTES_MAX: usize = 2 * 1024;
/// Bytes of all its headers.
const HEADERS_BYTES_MAX: usize = 4 * 1024;

/// Keeps the address of a proxy, which may have a password in it and is shown nowhere. The devices of this service
/// do not use it.
#[utoipa::path(
    patch, operation_id = "proxy", path = "/api/v2/instance/{instanceId}/proxy", tag = "instance",
    request_body = bodies::Proxy,
    responses((status = 200, body = InstanceFound), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<InstanceFound>, CodeChatError> {
    let proxy = proxy(&object(request).await?)?;
    let record = on.read().await?;
    let merge = |present| merge_part(present, "proxy", &proxy, true);
    let answer = on.map(on.app.blocks.change(&on.call, &record, FORMAT, merge).await)?;
    Ok(Json(find::response(&on.app, &answer.record, None).await?))
}

fn proxy(body: &Map<String, Value>) -> Result<Map<String, Value>, CodeChatError> {
    let invalid = |problem: &str| CodeChatError::Invalid(problem.to_owned());
    let url = text(body, "url")?.filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| invalid("url should not be empty"))?;
    if url.len() > URL_BYTES_MAX {
        return Err(invalid("url: at most 2,048 bytes"));
    }
    let headers = webhook::given_headers(body)?.unwrap_or_default();
    let bytes: usize = headers.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
    if bytes > HEADERS_BYTES_MAX {
        return Err(invalid("headers: at most 4 KiB"));
    }
    Ok(Map::from_iter([("url".to_owned(), json!(url)), ("headers".to_owned(), json!(headers))]))
}
