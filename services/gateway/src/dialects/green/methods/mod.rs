//! The methods of an instance, one file each, and their rates.

mod clear_webhooks_queue;
mod delete_notification;
mod get_authorization_code;
mod get_settings;
mod get_state_instance;
mod get_state_instance_history;
mod get_status_instance;
mod get_wa_settings;
mod logout;
mod qr;
mod reboot;
mod receive_notification;
mod scan_qr_code;
mod set_settings;
mod update_api_token;

use axum::{
    Json,
    extract::Request,
    http::Method,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use super::{call::OnInstance, error::GreenError};
use crate::http::body;

/// Answers a method: the wrong HTTP method is an unknown one.
pub(super) async fn answer(on: OnInstance, request: Request) -> Result<Response, GreenError> {
    let Some((wanted, per_second)) = known(&on.path.method) else { return Err(GreenError::NotFound) };
    let is_wanted = wanted.contains(request.method());
    if !is_wanted || (on.path.rest.is_some() && on.path.method != "deletenotification") {
        return Err(GreenError::NotFound);
    }
    on.limit(per_second).await?;
    let body = match on.path.method.as_str() {
        "scanqrcode" => return scan_qr_code::run(on, request).await,
        "getstateinstance" => get_state_instance::run(&on).await,
        "getstatusinstance" => get_status_instance::run(&on).await,
        "getsettings" => get_settings::run(&on).await,
        "setsettings" => set_settings::run(&on, object(request).await?).await,
        "getwasettings" => get_wa_settings::run(&on).await,
        "reboot" => reboot::run(&on).await,
        "logout" => logout::run(&on).await,
        "qr" => qr::run(&on).await,
        "getauthorizationcode" => get_authorization_code::run(&on, object(request).await?).await,
        "updateapitoken" => update_api_token::run(&on).await,
        "receivenotification" => receive_notification::run(&on, request.uri()).await,
        "deletenotification" => delete_notification::run(&on, request).await,
        "clearwebhooksqueue" => clear_webhooks_queue::run(&on).await,
        "getstateinstancehistory" => get_state_instance_history::run(&on, request).await,
        _ => Err(GreenError::NotFound),
    };
    Ok(Json(body?).into_response())
}

/// The HTTP methods of a method and how many requests a second it allows.
fn known(method: &str) -> Option<(&'static [Method], u32)> {
    Some(match method {
        "qr" => (&[Method::GET], 3),
        "setsettings" | "getauthorizationcode" => (&[Method::POST], 1),
        "receivenotification" => (&[Method::GET], 100),
        "deletenotification" => (&[Method::DELETE], 100),
        // The documentation deletes, one SDK gets.
        "clearwebhooksqueue" => (&[Method::DELETE, Method::GET], 1),
        "getstateinstance"
        | "getstatusinstance"
        | "getsettings"
        | "getwasettings"
        | "reboot"
        | "logout"
        | "scanqrcode"
        | "updateapitoken"
        | "getstateinstancehistory" => (&[Method::GET], 1),
        _ => return None,
    })
}

/// A body that is a JSON object; an empty one is `{}`.
pub(super) async fn object(request: Request) -> Result<Map<String, Value>, GreenError> {
    let bytes = body::read(request).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes).map_err(|_| GreenError::Malformed)? {
        Value::Object(object) => Ok(object),
        _ => Err(GreenError::Validation("the body must be an object".to_owned())),
    }
}
