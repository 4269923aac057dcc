//! The OpenAPI documents: one of the native API and one of each dialect, generated from the code, checked in
//! under `openapi/` and served without a key.
//!
//! `GET /docs` shows the native one and names the others, `GET /docs/<name>` shows one,
//! `GET /docs/<name>/openapi.json` and `GET /openapi.json` are for programs. An API takes part by the function
//! `openapi::document` of its folder.

mod routes;

use std::sync::LazyLock;

use axum::{Router, body::Bytes, routing::get};
use utoipa::openapi::OpenApi;

pub(crate) use routes::{
    __path_index, __path_json, __path_native_json, __path_page, index, json, native_json, page,
};

use crate::{
    dialects::{codechat, evolution, green, mega, ryze},
    native,
};

/// Makes a document out of what the handlers say of themselves.
pub type MakeDocument = fn() -> OpenApi;

/// The document that `/docs` and `/openapi.json` show.
const NATIVE: &str = "native";

/// The names of all documents, as paths and files have them, and what makes them.
pub const DOCUMENTS: [(&str, MakeDocument); 6] = [
    (NATIVE, native::openapi::document),
    ("evolution", evolution::openapi::document),
    ("ryze", ryze::openapi::document),
    ("codechat", codechat::openapi::document),
    ("mega", mega::openapi::document),
    ("green", green::openapi::document),
];

/// A document as it is sent.
#[derive(Debug)]
struct Ready {
    name: &'static str,
    title: String,
    json: Bytes,
}

/// All documents: they cannot change while the process runs, so each is made once.
static READY: LazyLock<Vec<Ready>> = LazyLock::new(|| {
    let ready = |(name, make): (&'static str, MakeDocument)| {
        let document = make();
        let json = serde_json::to_vec(&document).unwrap_or_default().into();
        Ready { name, title: document.info.title, json }
    };
    DOCUMENTS.map(ready).into()
});

fn named(name: &str) -> Option<&'static Ready> {
    READY.iter().find(|document| document.name == name)
}

/// The routes of the documentation.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/openapi.json", get(native_json))
        .route("/docs", get(index))
        .route("/docs/{name}", get(page))
        .route("/docs/{name}/openapi.json", get(json))
        .method_not_allowed_fallback(native::method_not_allowed)
}
