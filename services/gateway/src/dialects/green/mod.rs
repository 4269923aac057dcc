//! The GREEN-API dialect: `/waInstance{idInstance}/{method}/{apiTokenInstance}` and `/partner/{method}/{token}`.
//!
//! The number is glued to a word, the method is written in any case, and the token stands in the path: so this
//! dialect reads paths itself, and no path of it is ever logged or echoed. Failures of partner methods come with
//! HTTP 200, as the product's do.

mod call;
mod error;
mod methods;
pub(crate) mod openapi;
mod partner;
mod path;
mod settings;
mod words;

use axum::{extract::Request, response::Response};

use self::{
    call::OnInstance,
    error::GreenError,
    path::{InstancePath, Path},
};
use crate::{
    app::App,
    http::{cors::Cors, first_segment, headers},
};

/// The format of this dialect's webhook bodies, and the owner of its settings.
const FORMAT: &str = "green";
/// What pages may send: the product has an SDK for them.
const CORS: Cors = Cors { methods: "GET, POST, DELETE", headers: "Content-Type" };

/// The template that a path of this dialect is counted under. They are not a router's: the instance's number is glued
/// to a word and the method is written in any case.
pub(crate) fn template_of(path: &str) -> Option<&'static str> {
    match first_segment(path) {
        "partner" => Some("/partner/{method}/{token}"),
        first if first.starts_with("waInstance") => Some("/waInstance{number}/{method}/{token}"),
        _ => None,
    }
}

/// Answers requests to `/waInstance…` and `/partner/…`, whose paths no ordinary router can hold.
#[derive(Debug, Clone)]
pub struct Entry {
    app: App,
}

/// The entry of this dialect.
pub fn router(app: App) -> Entry {
    Entry { app }
}

impl Entry {
    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Response {
        CORS.answered(request, |request| self.answer(request)).await
    }

    async fn answer(&self, request: Request) -> Response {
        match Path::read(request.uri().path()) {
            None => GreenError::NotFound.into_response_at("/", self.app.now()),
            Some(Path::Partner { method, written, token }) => {
                let shown = format!("/partner/{written}/{{partnerToken}}");
                partner::answer(&self.app, &method, &token, &shown, request).await
            }
            Some(Path::Instance(path)) => {
                let shown = path.redacted();
                self.on_instance(path, request)
                    .await
                    .unwrap_or_else(|error| error.into_response_at(&shown, self.app.now()))
            }
        }
    }

    async fn on_instance(&self, path: InstancePath, request: Request) -> Result<Response, GreenError> {
        let rate = methods::rate(&path, request.method()).ok_or(GreenError::NotFound)?;
        let on = OnInstance::of(&self.app, path, headers::client(request.extensions())).await?;
        on.limit(rate).await?;
        methods::answer(on, request).await
    }
}
