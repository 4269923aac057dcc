//! The methods of an instance, one file each, and their rates.

pub(super) mod clear_messages_queue;
pub(super) mod clear_webhooks_queue;
pub(super) mod delete_notification;
pub(super) mod get_authorization_code;
pub(super) mod get_settings;
pub(super) mod get_state_instance;
pub(super) mod get_state_instance_history;
pub(super) mod get_status_instance;
pub(super) mod get_wa_settings;
pub(super) mod logout;
pub(super) mod qr;
pub(super) mod reboot;
pub(super) mod receive_notification;
pub(super) mod scan_qr_code;
pub(super) mod set_settings;
pub(super) mod show_messages_queue;
pub(super) mod update_api_token;

use axum::{
    Json,
    extract::Request,
    http::Method,
    response::{IntoResponse, Response},
};
use berth_proto::frame::RejectionCodeV1;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{call::OnInstance, error::GreenError, path::InstancePath};
use crate::{app::Failure, http::body};

/// How many requests a second a method allows; none if there is no such method, of which one with another HTTP
/// method is a case.
pub(super) fn rate(path: &InstancePath, method: &Method) -> Option<u32> {
    let (wanted, per_second) = known(&path.method)?;
    let whole = path.rest.is_none() || path.method == "deletenotification";
    (whole && wanted.contains(method)).then_some(per_second)
}

/// Answers a method.
pub(super) async fn answer(on: OnInstance, request: Request) -> Result<Response, GreenError> {
    match on.path.method.as_str() {
        "scanqrcode" => scan_qr_code::run(on, request).await,
        "getstateinstance" => json(get_state_instance::run(&on).await),
        "getstatusinstance" => json(get_status_instance::run(&on).await),
        "getsettings" => json(get_settings::run(&on).await),
        "setsettings" => json(set_settings::run(&on, object(request).await?).await),
        "getwasettings" => json(get_wa_settings::run(&on).await),
        "reboot" => json(reboot::run(&on).await),
        "logout" => json(logout::run(&on).await),
        "qr" => json(qr::run(&on).await),
        "getauthorizationcode" => json(get_authorization_code::run(&on, object(request).await?).await),
        "updateapitoken" => json(update_api_token::run(&on).await),
        "receivenotification" => json(receive_notification::run(&on, request.uri()).await),
        "deletenotification" => json(match &on.path.rest {
            Some(receipt) => delete_notification::by_path(&on, receipt).await,
            None => delete_notification::by_body(&on, request).await,
        }),
        "showmessagesqueue" => json(show_messages_queue::run(&on).await),
        "clearmessagesqueue" => json(clear_messages_queue::run(&on).await),
        "clearwebhooksqueue" => json(clear_webhooks_queue::run(&on).await),
        "getstateinstancehistory" => json(get_state_instance_history::run(&on, request).await),
        _ => Err(GreenError::NotFound),
    }
}

fn json(body: Result<impl Serialize, GreenError>) -> Result<Response, GreenError> {
    Ok(Json(body?).into_response())
}

/// Whether a command changed nothing because of the session's state, which methods tell in words of their own.
pub(super) const fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.rejection(), Some(RejectionCodeV1::NoSession | RejectionCodeV1::Banned))
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
        | "showmessagesqueue"
        | "clearmessagesqueue"
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
    match serde_json::from_slice(&bytes).map_err(|error| GreenError::malformed(&bytes, &error))? {
        Value::Object(object) => Ok(object),
        _ => Err(GreenError::Validation("the body must be an object".to_owned())),
    }
}
