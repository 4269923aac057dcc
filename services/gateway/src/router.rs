//! All doors on one port, and who answers for a path that nobody has.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use berth_upstreams::DEPLOYMENT_HEADER;
use tower::ServiceExt as _;

use crate::{
    app::App,
    dialects::{
        codechat, evolution,
        evolution_go::{self, Claim},
        green, mega, ryze,
    },
    docs,
    http::{metrics, request_id, rest, without_slash},
    native,
};

/// Composes the routes of all doors.
pub(crate) fn compose(app: App, door: Router) -> Router {
    metrics::describe();
    let deployment = app.settings().upstreams.deployment.as_str().into();
    let around = Around { app: app.clone(), deployment };
    let green = green::router(app.clone());
    let go = around.door("evolution-go", evolution_go::router(app.clone()));
    let evolution = around
        .door("evolution", evolution::router(app.clone()))
        .layer(from_fn_with_state((around.clone(), go.clone()), told_apart));
    let dialects = Router::new()
        .merge(evolution)
        .merge(go.clone())
        .merge(around.door("codechat", codechat::router(app.clone())))
        .merge(around.door("ryze", ryze::router(app.clone())))
        .merge(around.door("mega", mega::router(app.clone())));
    let unknown = {
        let app = app.clone();
        move |request: Request| answer_unknown(app.clone(), green.clone(), go.clone(), request)
    };
    let slashed = dialects.clone().fallback(unknown.clone());
    let others = around.clone();
    Router::new()
        .merge(around.with_door("native", native::router(app), native::with_quota))
        .merge(dialects)
        .merge(around.uncounted(docs::router()))
        .merge(around.door("console", door))
        .fallback(move |request: Request| {
            let (others, slashed, unknown) = (others.clone(), slashed.clone(), unknown.clone());
            async move {
                let answer = |mut request: Request| async move {
                    let Some(uri) = without_slash(request.uri()) else { return unknown(request).await };
                    *request.uri_mut() = uri;
                    slashed.oneshot(request).await.into_response()
                };
                others.once(request, answer).await
            }
        })
}

/// What is done around every request, whichever door it comes through: it gets its id, and all of it arrives. It is one layer
/// around the routes of a door, with what else they have around them within: each layer copies those within it, each time.
#[derive(Debug, Clone)]
struct Around {
    app: App,
    deployment: Arc<str>,
}

impl Around {
    /// Around the routes of a door, whose requests are counted.
    fn door(&self, door: &'static str, routes: Router) -> Router {
        self.with_door(door, routes, |_, request, next| next.run(request))
    }

    /// The same for one that does something around its routes itself.
    fn with_door<F>(&self, door: &'static str, routes: Router, answer: fn(App, Request, Next) -> F) -> Router
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let around = self.clone();
        routes.layer(from_fn(move |request: Request, next: Next| {
            let around = around.clone();
            async move {
                let app = around.app.clone();
                let measured =
                    |request| metrics::measured(door, request, |request| answer(app, request, next));
                around.once(request, measured).await
            }
        }))
    }

    /// Around routes whose requests nobody counts.
    fn uncounted(&self, routes: Router) -> Router {
        let around = self.clone();
        routes.layer(from_fn(move |request: Request, next: Next| {
            let around = around.clone();
            async move { around.once(request, |request| next.run(request)).await }
        }))
    }

    /// Does it, unless it was done: a door may hand a request on to another one.
    async fn once<F>(&self, request: Request, answer: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        if request_id::is_noted(&request) {
            return answer(request).await;
        }
        let whole = |request| received(&self.deployment, request, answer);
        request_id::noted(&self.app, request, whole).await
    }
}

/// Evolution Go has two routes whose method and path are Evolution API's too: what they name tells them apart.
async fn told_apart(State((around, go)): State<(Around, Router)>, request: Request, next: Next) -> Response {
    let app = around.app.clone();
    let answer = |request: Request| async move {
        match evolution_go::claim(&app, request).await {
            Claim::Ours(request) => go.oneshot(request).await.into_response(),
            Claim::Others(request) => next.run(request).await,
            Claim::Unreadable(request, error) => evolution::unreadable(request, error).await,
        }
    };
    around.once(request, answer).await
}

/// Answers and counts a request that no route has, by its path as it came.
async fn answer_unknown(app: App, green: green::Entry, go: Router, mut request: Request) -> Response {
    if let Some(OriginalUri(uri)) = request.extensions().get().cloned() {
        *request.uri_mut() = uri;
    }
    if evolution_go::is_meant(&app, &mut request).await {
        return Box::pin(go.oneshot(evolution_go::prefixed(request))).await.into_response();
    }
    let (door, route) = door_of(request.uri().path());
    let told = metrics::Told::of(door, &request);
    let answering = Box::pin(unknown_route(&app, green, door, request));
    Box::pin(metrics::count(told, route, answering)).await
}

/// Refuses what this deployment sends to itself, since it was configured as its own upstream; answers anything else once all
/// of it has arrived.
async fn received<F>(deployment: &str, request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let sent_by = request.headers().get(DEPLOYMENT_HEADER);
    if !deployment.is_empty() && sent_by.is_some_and(|by| by.as_bytes() == deployment.as_bytes()) {
        let said = "Berth cannot be its own upstream: the URL of an upstream leads to this deployment.\n";
        return (StatusCode::LOOP_DETECTED, said).into_response();
    }
    rest::read(request, answer).await
}

/// Whose a path is that no route has, and the template that it is counted under.
fn door_of(path: &str) -> (&'static str, &'static str) {
    if let Some(template) = green::template_of(path) {
        ("green", template)
    } else if evolution_go::owns(path) {
        ("evolution-go", "-")
    } else if evolution::owns(path) {
        ("evolution", "-")
    } else if let Some(template) = mega::template_of(path) {
        ("mega", template)
    } else if codechat::owns(path) {
        ("codechat", "-")
    } else if ryze::owns(path) {
        ("ryze", "-")
    } else {
        ("native", "-")
    }
}

/// Answers for a path that no route has.
async fn unknown_route(app: &App, green: green::Entry, door: &str, request: Request<Body>) -> Response {
    match door {
        "green" => green.handle(request).await,
        "evolution" => evolution::unknown_route(app, request).await,
        "evolution-go" => evolution_go::unknown_route(request).await,
        "mega" => mega::unknown_route(app, request).await,
        "codechat" => codechat::unknown_route(request).await,
        "ryze" => ryze::unknown_route(app, request).await,
        _ => docs::missing(request.method(), request.uri(), request.headers()),
    }
}
