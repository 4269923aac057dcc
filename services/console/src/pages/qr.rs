//! `GET /console/qr/{key}`: the page of an instance by whatever it is called, and the way here from Mega's QR page.
//!
//! Mega's page needs the token in a header, which no browser sends by itself: whoever opens its address in one is led here,
//! signs in once and has the code as it changes. Nothing begins by being opened: that is a button of the page.

use axum::{
    extract::{Path, Request},
    http::{HeaderMap, Method, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};
use berth_gateway::app::{KeyKind, Principal};

use crate::{shell::see, visit::Visit};

/// Where Mega's page is.
const MEGA: &str = "/rest/instance/qrcode/";
/// What an instance may be called here.
const KEYS: [KeyKind; 4] = [KeyKind::Id, KeyKind::Name, KeyKind::Number, KeyKind::Alias];

/// Leads to the instance.
pub(crate) async fn page(visit: Visit, key: Path<String>) -> Response {
    if let Principal::Root = visit.principal {
        return see("../accounts");
    }
    match visit.app.finder.find(&visit.principal, &key, &KEYS).await {
        Ok(record) => see(&format!("../i/{}", record.id)),
        Err(failure) => visit.refuse(failure),
    }
}

/// Leads a browser that opens Mega's page here; programs are answered there.
pub(crate) async fn from_mega(request: Request, next: Next) -> Response {
    match request.uri().path().strip_prefix(MEGA) {
        Some(key)
            if request.method() == Method::GET && is_opened(request.headers()) && !key.contains('/') =>
        {
            see(&format!("../../../console/qr/{key}"))
        }
        _ => next.run(request).await,
    }
}

/// Whether somebody opens an address in a browser, which shows no token.
fn is_opened(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|it| it == value);
    is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
        && !headers.contains_key(AUTHORIZATION)
}
