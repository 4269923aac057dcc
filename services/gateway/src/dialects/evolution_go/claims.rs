//! Which requests without the prefix are meant for this dialect.
//!
//! Most of its paths are no other's. Two are Evolution API's too, with the same method. A create is told by its body, which
//! names the instance `name` here and `instanceName` there. A deletion is told by the instance: it is ours if the path has its id
//! and it was made here; an Evolution API knows names alone, and no name is an id. And what an Evolution API's client sends that
//! has an account's key and an empty name, a logout, stays an unknown route of that.

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request},
    http::{Method, Uri},
};
use serde_json::{Map, Value};

use super::{PREFIX, call::canonical, kept};
use crate::{
    app::{App, Failure, KeyKind, Principal, as_uuid},
    http::{
        body::{self, BodyError},
        headers, percent_decoded,
    },
};

/// What ids there are.
const IDS: [KeyKind; 2] = [KeyKind::Alias, KeyKind::Uuid];

/// Whose a request is.
#[derive(Debug)]
pub(crate) enum Claim {
    /// This dialect's, with the prefix before its path.
    Ours(Request),
    /// Evolution API's, as it came.
    Others(Request),
    /// Nobody's: its body, which would have told, cannot be read.
    Unreadable(Request, BodyError),
}

/// Whether a request that no route has is meant for this dialect.
pub(crate) async fn is_meant(app: &App, request: &mut Request) -> bool {
    if !has(request.method(), request.uri().path()) {
        return false;
    }
    let is_logout = request.method() == Method::DELETE;
    !is_logout || !principal(app, request).await.is_some_and(|principal| principal.is_account())
}

/// Whether this dialect has such a route and no other has.
fn has(method: &Method, path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').skip(1).take(4).collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["instance", "all" | "qr" | "status"] | ["server", "ok"])
        | ("POST", ["instance", "connect" | "pair" | "disconnect" | "reconnect"])
        | ("DELETE", ["instance", "logout"])
        | ("GET" | "PUT", ["instance", _, "advanced-settings"]) => true,
        ("GET", ["instance", "info", id]) => !id.is_empty(),
        _ => false,
    }
}

/// Who sends a request. A key that is refused is taken out of it, so that whoever answers refuses it without counting it as
/// a second guess.
async fn principal(app: &App, request: &mut Request) -> Option<Principal> {
    let key = headers::text(request.headers(), "apikey")?;
    match app.principals.authenticate(key, headers::peer(request.extensions())).await {
        Ok(principal) => Some(principal),
        Err(Failure::Unauthorized) => {
            request.headers_mut().remove("apikey");
            None
        }
        Err(_) => None,
    }
}

/// Whose a request is that a route of Evolution API has.
pub(crate) async fn claim(app: &App, request: Request) -> Claim {
    match (request.method().as_str(), request.uri().path()) {
        ("POST", "/instance/create") if request.headers().contains_key("apikey") => {
            claim_create(request).await
        }
        ("DELETE", path) => match path.strip_prefix("/instance/delete/").and_then(percent_decoded) {
            Some(id) if as_uuid(&id).is_some() => claim_deletion(app, request, id).await,
            _ => Claim::Others(request),
        },
        _ => Claim::Others(request),
    }
}

async fn claim_create(request: Request) -> Claim {
    let (head, body) = request.into_parts();
    let mut announced = Request::new(body);
    *announced.headers_mut() = head.headers.clone();
    match body::read(announced).await {
        Ok(bytes) => {
            let is_ours = is_create(&bytes);
            let request = Request::from_parts(head, Body::from(bytes));
            if is_ours { Claim::Ours(prefixed(request)) } else { Claim::Others(request) }
        }
        Err(error) => Claim::Unreadable(Request::from_parts(head, Body::empty()), error),
    }
}

/// Whether the body of a create names the instance as this dialect does.
fn is_create(body: &Bytes) -> bool {
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(body) else { return false };
    let has = |name| body.get(name).is_some_and(|value| !value.is_null());
    has("name") && !has("instanceName")
}

async fn claim_deletion(app: &App, mut request: Request, id: String) -> Claim {
    let Some(principal) = principal(app, &mut request).await.filter(Principal::is_account) else {
        return Claim::Others(request);
    };
    match app.finder.find(&principal, &canonical(id), &IDS).await {
        Ok(record) if kept::is_known(&record) => Claim::Ours(prefixed(request)),
        Ok(_) | Err(_) => Claim::Others(request),
    }
}

/// The request with the prefix before its path.
pub(crate) fn prefixed(mut request: Request) -> Request {
    let target = request.uri().path_and_query().map_or("/", |it| it.as_str());
    if let Ok(uri) = format!("{PREFIX}{target}").parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    // Another router's route is not to stand before the one that it gets.
    request.extensions_mut().remove::<MatchedPath>();
    request
}
