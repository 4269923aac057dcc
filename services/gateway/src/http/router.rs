//! All doors on one port, and who answers for a path that nobody has.

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    dialects::{codechat, evolution, green, mega, ryze},
    docs,
    http::{metrics, rest},
    native,
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
    metrics::describe();
    let green = green::router(app.clone());
    Router::new()
        .merge(counted("native", native::router(app.clone())))
        .merge(counted("evolution", evolution::router(app.clone())))
        .merge(counted("codechat", codechat::router(app.clone())))
        .merge(counted("ryze", ryze::router(app.clone())))
        .merge(counted("mega", mega::router(app.clone())))
        .merge(docs::router())
        .fallback(move |request: Request| {
            let (app, green) = (app.clone(), green.clone());
            async move {
                let (door, route) = door_of(request.uri().path());
                let answering = Box::pin(unknown_route(&app, green, door, request));
                Box::pin(metrics::count(door, route, answering)).await
            }
        })
        .layer(from_fn(rest::read))
}

fn counted(door: &'static str, routes: Router) -> Router {
    routes.layer(from_fn(move |request: Request, next: Next| metrics::measured(door, request, next)))
}

/// Whose a path is that no route has, and the template that it is counted under. GREEN-API's paths are not a
/// router's: the instance's number is glued to a word and the method is written in any case.
fn door_of(path: &str) -> (&'static str, &'static str) {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match first {
        "partner" => ("green", "/partner/{method}/{token}"),
        _ if first.starts_with("waInstance") => ("green", "/waInstance{number}/{method}/{token}"),
        _ if EVOLUTION.contains(&first) || path == "/" => ("evolution", "-"),
        "rest" => ("mega", "-"),
        "api" if path == "/api/v2" || path.starts_with("/api/v2/") => ("codechat", "-"),
        "api" | "ws" => ("ryze", "-"),
        _ => ("native", "-"),
    }
}

/// Answers for a path that no route has.
async fn unknown_route(app: &App, green: green::Entry, door: &str, request: Request<Body>) -> Response {
    match door {
        "green" => green.handle(request).await,
        "evolution" => evolution::unknown_route(&request),
        "mega" => mega::unknown_route(&request),
        "codechat" => codechat::unknown_route(&request),
        "ryze" => ryze::unknown_route(app, request).await,
        _ => native::unknown_route().into_response(),
    }
}
