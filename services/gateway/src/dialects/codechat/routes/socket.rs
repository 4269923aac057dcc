//! `/api/v2/instance/{instanceId}/socket`: a registration for the product's socket server.
//!
//! There is none here: what is registered is kept and shown, so that a client goes on, and nothing is sent.

use axum::{Json, extract::Request, http::StatusCode};

use crate::dialects::codechat::{
    FORMAT,
    answers::SocketShown,
    bodies,
    call::{OnInstance, object},
    error::{CodeChatError, ErrorBody},
    socket::{self, Socket},
};

/// Registers the instance; a second time is refused as the product does.
#[utoipa::path(
    post, operation_id = "socket", path = "/api/v2/instance/{instanceId}/socket", tag = "instance",
    request_body = bodies::Socket,
    responses((status = 201, body = SocketShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn create(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<SocketShown>), CodeChatError> {
    let body = object(request).await?;
    let record = on.read().await?;
    if Socket::of(&record).is_some() {
        return Err(CodeChatError::Invalid("socket already registered".to_owned()));
    }
    let socket = Socket::new(on.app.now()).changed(&body, on.app.now())?;
    let shown = keep_socket(&on, Some(&socket)).await?.ok_or(CodeChatError::SocketNotFound)?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Shows the registration: `null` if there is none.
#[utoipa::path(
    get, operation_id = "find_socket", path = "/api/v2/instance/{instanceId}/socket", tag = "instance",
    responses((status = 200, body = Option<SocketShown>, content_type = "application/json"))
)]
pub(super) async fn find(on: OnInstance) -> Result<Json<Option<SocketShown>>, CodeChatError> {
    let record = on.read().await?;
    Ok(Json(Socket::of(&record).map(|socket| socket::shown(&record, &socket, None))))
}

/// Changes the registration; what is left out stays.
#[utoipa::path(
    put, operation_id = "change_socket", path = "/api/v2/instance/{instanceId}/socket", tag = "instance",
    request_body = bodies::Socket,
    responses((status = 200, body = SocketShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn change(on: OnInstance, request: Request) -> Result<Json<SocketShown>, CodeChatError> {
    let body = object(request).await?;
    let present = Socket::of(&on.read().await?).ok_or(CodeChatError::SocketNotFound)?;
    let changed = present.changed(&body, on.app.now())?;
    keep_socket(&on, Some(&changed)).await?.map(Json).ok_or(CodeChatError::SocketNotFound)
}

/// Removes the registration and shows what it was.
#[utoipa::path(
    delete, operation_id = "remove_socket", path = "/api/v2/instance/{instanceId}/socket", tag = "instance",
    responses((status = 200, body = SocketShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn remove(on: OnInstance) -> Result<Json<SocketShown>, CodeChatError> {
    let record = on.read().await?;
    let present = Socket::of(&record).ok_or(CodeChatError::SocketNotFound)?;
    keep_socket(&on, None).await?;
    Ok(Json(socket::shown(&record, &present, Some(on.app.now()))))
}

/// Keeps a registration in the place of the present one, and shows what is kept then.
async fn keep_socket(on: &OnInstance, socket: Option<&Socket>) -> Result<Option<SocketShown>, CodeChatError> {
    let record = on.read().await?;
    let merge = |present| socket::merge(present, socket);
    let answer = on.map(on.app.blocks.change(&on.call, &record, FORMAT, merge).await)?;
    Ok(Socket::of(&answer.record).map(|socket| socket::shown(&answer.record, &socket, None)))
}
