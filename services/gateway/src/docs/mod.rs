//! The OpenAPI documents: one of the native API and one of each dialect, generated from the code, checked in
//! under `openapi/` and served without a key.
//!
//! `GET /docs` shows the native one and names the others, `GET /docs/<name>` shows one,
//! `GET /docs/<name>/openapi.json` and `GET /openapi.json` are for programs. An API takes part by the function
//! `openapi::document` of its folder.

mod missing;
mod parts;
mod routes;

use std::sync::LazyLock;

use axum::{
    Router,
    body::Bytes,
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    routing::get,
};
use utoipa::openapi::{Content, OpenApi, RefOr, Required, Schema};

pub(crate) use missing::missing;
pub(crate) use parts::{
    AWAY, ApiKeyHeader, Bearer, DAMAGED, GUESSED, TOO_LARGE, UNKNOWN, add_error, add_errors, add_in_path,
    operations,
};
pub(crate) use routes::{
    __path_asyncapi, __path_index, __path_json, __path_native_json, __path_page, asyncapi, index, json,
    native_json, page,
};

use crate::{
    dialects::{codechat, evolution, evolution_go, green, mega, ryze},
    http::cors::Cors,
    native,
};

/// The document that `/docs` and `/openapi.json` show.
const NATIVE: &str = "native";

/// All documents by their names, as paths and files have them.
pub fn documents() -> Vec<(&'static str, OpenApi)> {
    let mut documents = vec![
        (NATIVE, native::openapi::document()),
        ("evolution", evolution::openapi::document()),
        ("evolution-go", evolution_go::openapi::document()),
        ("ryze", ryze::openapi::document()),
        ("codechat", codechat::openapi::document()),
        ("mega", mega::openapi::document()),
        ("green", green::openapi::document()),
    ];
    for (_, document) in &mut documents {
        describe_answers(document);
    }
    documents
}

/// Gives an answer that says nothing of itself the words of its status: OpenAPI wants some.
fn describe_answers(document: &mut OpenApi) {
    let operations = document.paths.paths.values_mut().flat_map(operations);
    for (status, answer) in operations.flat_map(|operation| &mut operation.responses.responses) {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            let status = status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
            let words = status.and_then(|status| status.canonical_reason());
            words.unwrap_or("An answer").clone_into(&mut answer.description);
        }
    }
}

/// Lets bodies be left out that need no field, for APIs in which an empty body counts as `{}`.
pub(crate) fn free_bodies(document: &mut OpenApi) {
    let schemas =
        document.components.as_ref().map(|components| components.schemas.clone()).unwrap_or_default();
    let needs_nothing = |name: &str| match schemas.get(name) {
        Some(RefOr::T(Schema::Object(object))) => object.required.is_empty(),
        _ => false,
    };
    let operations = document.paths.paths.values_mut().flat_map(|item| [&mut item.post, &mut item.patch]);
    for body in operations.flatten().filter_map(|operation| operation.request_body.as_mut()) {
        let RefOr::T(body) = body else { continue };
        let is_free = body.content.values().all(|content| match content {
            RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => {
                schema.ref_location.rsplit('/').next().is_some_and(needs_nothing)
            }
            _ => false,
        });
        if is_free {
            body.required = Some(Required::False);
        }
    }
}

/// A document as it is sent.
#[derive(Debug)]
struct Ready {
    name: &'static str,
    title: String,
    json: Bytes,
}

/// All documents: they cannot change while the process runs, so each is made once.
static READY: LazyLock<Vec<Ready>> = LazyLock::new(|| {
    let ready = |(name, document): (_, OpenApi)| {
        let json = serde_json::to_vec(&document).unwrap_or_default().into();
        Ready { name, title: document.info.title, json }
    };
    documents().into_iter().map(ready).collect()
});

fn named(name: &str) -> Option<&'static Ready> {
    READY.iter().find(|document| document.name == name)
}

/// What pages may send: one client that is a page asks for `/docs` to learn whether the server is there.
const CORS: Cors = Cors { methods: "GET", headers: "Content-Type" };

/// The routes of the documentation.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/openapi.json", get(native_json))
        .route("/asyncapi.json", get(asyncapi))
        .route("/docs", get(index))
        .route("/docs/style.css", get(routes::style))
        .route("/docs/script.js", get(routes::script))
        .route("/docs/{name}", get(page))
        .route("/docs/{name}/openapi.json", get(json))
        .method_not_allowed_fallback(native::method_not_allowed)
        .layer(from_fn(|request: Request, next: Next| CORS.answered(request, |request| next.run(request))))
}
