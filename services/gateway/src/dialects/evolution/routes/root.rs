//! `GET /` and `POST /verify-creds`

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    dialects::evolution::{VERSION, call::Caller, error::EvolutionError},
    http::headers,
};

/// Says that the API works.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Welcome {
    status: u16,
    message: &'static str,
    /// The release whose contract this is.
    version: &'static str,
    client_name: &'static str,
    /// Where this document is shown.
    documentation: String,
}

/// Says that a key is valid; what belongs to the Business channel is null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credentials {
    status: u16,
    message: &'static str,
    facebook_app_id: Option<String>,
    facebook_config_id: Option<String>,
    facebook_user_token: Option<String>,
}

/// Says that the API works; clients use it as a health probe. A browser is shown the documentation.
#[utoipa::path(
    get, operation_id = "welcome", path = "/", tag = "server", security(()),
    responses((status = 200, body = Welcome), (status = 307, description = "To the documentation"))
)]
pub(super) async fn welcome(State(app): State<App>, request_headers: HeaderMap) -> Response {
    if headers::text(&request_headers, "accept").is_some_and(|accept| accept.contains("text/html")) {
        return Redirect::temporary("/docs").into_response();
    }
    Json(Welcome {
        status: 200,
        message: "Welcome to the Evolution API, it is working!",
        version: VERSION,
        client_name: "evolution_exchange",
        documentation: format!("{}/docs/evolution", app.settings().public_url),
    })
    .into_response()
}

/// Says that the account token, which is the global key here, is valid. An instance's token is refused: clients find
/// out by this route which of the two they were given.
#[utoipa::path(
    post, operation_id = "verify_creds", path = "/verify-creds", tag = "server",
    responses((status = 200, body = Credentials))
)]
pub(super) async fn verify_creds(caller: Caller) -> Result<Json<Credentials>, EvolutionError> {
    if !caller.call.principal.is_account() {
        return Err(EvolutionError::Unauthorized);
    }
    Ok(Json(Credentials {
        status: 200,
        message: "Credentials are valid",
        facebook_app_id: None,
        facebook_config_id: None,
        facebook_user_token: None,
    }))
}
