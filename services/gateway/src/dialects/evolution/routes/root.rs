//! `GET /` and `POST /verify-creds`

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

use crate::{
    app::App,
    dialects::evolution::{VERSION, call::Caller},
    http::headers,
};

/// Says that the API works; clients use it as a health probe. A browser is shown the documentation.
pub(super) async fn welcome(State(app): State<App>, request_headers: HeaderMap) -> Response {
    if headers::text(&request_headers, "accept").is_some_and(|accept| accept.contains("text/html")) {
        return Redirect::temporary("/docs").into_response();
    }
    Json(json!({
        "status": 200,
        "message": "Welcome to the Evolution API, it is working!",
        "version": VERSION,
        "clientName": "evolution_exchange",
        "documentation": format!("{}/docs/evolution", app.settings().public_url),
    }))
    .into_response()
}

/// Says that the key is valid.
pub(super) async fn verify_creds(_caller: Caller) -> Json<Value> {
    Json(json!({
        "status": 200,
        "message": "Credentials are valid",
        "facebookAppId": null,
        "facebookConfigId": null,
        "facebookUserToken": null,
    }))
}
