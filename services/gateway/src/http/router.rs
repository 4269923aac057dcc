//! All doors on one port, and who answers for a path that nobody has.

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    dialects::{codechat, evolution, green, mega, ryze},
    docs, native,
};

/// First segments of paths that belong to the Evolution dialect.
const EVOLUTION: [&str; 11] = [
    "instance",
    "webhook",
    "settings",
    "proxy",
    "websocket",
    "rabbitmq",
    "nats",
    "pusher",
    "sqs",
    "kafka",
    "verify-creds",
];

/// Composes the routes of all doors.
pub fn compose(app: App) -> Router {
    let green = green::router(app.clone());
    Router::new()
        .merge(native::router(app.clone()))
        .merge(evolution::router(app.clone()))
        .merge(codechat::router(app.clone()))
        .merge(ryze::router(app.clone()))
        .merge(mega::router(app))
        .merge(docs::router())
        .fallback(move |request: Request| {
            let green = green.clone();
            async move { unknown_route(green, request).await }
        })
}

/// A path that no route has. GREEN-API's paths are not a router's: the instance's number is glued to a word
/// and the method is written in any case.
async fn unknown_route(green: green::Entry, request: Request<Body>) -> Response {
    let path = request.uri().path();
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if first.starts_with("waInstance") || first == "partner" {
        return green.handle(request).await;
    }
    if EVOLUTION.contains(&first) || path == "/" {
        return evolution::unknown_route(&request);
    }
    match first {
        "rest" => mega::unknown_route(&request),
        "api" if path == "/api/v2" || path.starts_with("/api/v2/") => codechat::unknown_route(&request),
        "api" | "ws" => ryze::unknown_route(&request),
        _ => native::unknown_route().into_response(),
    }
}
