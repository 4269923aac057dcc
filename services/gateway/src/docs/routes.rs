//! The pages and the JSON of the documents.

use std::fmt::Write as _;

use axum::{
    body::Bytes,
    extract::{Path, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, Method, Uri,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{Html, IntoResponse, Response},
};

use super::{NATIVE, READY, missing, named};
use crate::native::{Code, Problem, unknown_route};

/// What a page may load and ask.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Shows the native API and names the dialects.
#[utoipa::path(
    get, operation_id = "show_documentation", path = "/docs", tag = "documentation", security(()),
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub(crate) async fn index() -> Response {
    page_html("./")
}

/// Shows the document of an API.
#[utoipa::path(
    get, operation_id = "show_document", path = "/docs/{name}", tag = "documentation", security(()),
    params(("name" = String, Path, description = "`native` or a dialect's name")),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404, body = Problem))
)]
pub(crate) async fn page(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    match known(name) {
        Ok(_) => page_html("../"),
        Err(_) => missing(&method, &uri, &headers),
    }
}

/// The document of events and webhooks for programs: AsyncAPI 3.0.
#[utoipa::path(
    get, operation_id = "get_events_document", path = "/asyncapi.json", tag = "documentation", security(()),
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub(crate) async fn asyncapi() -> Response {
    send(Bytes::from_static(include_bytes!("../../asyncapi/berth.json")))
}

/// How the pages look.
pub(super) async fn style() -> Response {
    guarded(([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css")).into_response())
}

/// What the pages do.
pub(super) async fn script() -> Response {
    guarded(([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("script.js")).into_response())
}

/// A page or a part of one: nothing from elsewhere, in nobody's frame, and nothing is taken for what it is not.
pub(super) fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The native document for programs.
#[utoipa::path(
    get, operation_id = "get_native_document", path = "/openapi.json", tag = "documentation", security(()),
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub(crate) async fn native_json() -> Response {
    send(named(NATIVE).map(|document| document.json.clone()).unwrap_or_default())
}

/// The document of an API for programs.
#[utoipa::path(
    get, operation_id = "get_document", path = "/docs/{name}/openapi.json", tag = "documentation", security(()),
    params(("name" = String, Path, description = "`native` or a dialect's name")),
    responses((status = 200, body = Object, content_type = "application/json"), (status = 404, body = Problem))
)]
pub(crate) async fn json(name: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    known(name).map(send)
}

fn known(name: Result<Path<String>, PathRejection>) -> Result<Bytes, Problem> {
    let document = name.ok().and_then(|Path(name)| named(&name));
    document.map(|document| document.json.clone()).ok_or_else(unknown_route)
}

fn send(json: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

/// A page without any asset from elsewhere: it renders in the browser the document that its own path names. `root` is the way
/// from the page to where all paths begin: there may be a prefix before them that a proxy takes away.
fn page_html(root: &str) -> Response {
    let links = READY.iter().fold(String::new(), |mut links, document| {
        let _ = write!(links, "<a href=\"{root}docs/{}\">{}</a> ", document.name, document.title);
        links
    });
    let page = include_str!("page.html").replace("@root@", root).replace("<!-- documents -->", &links);
    guarded(Html(page.replace("<!-- problems -->", &problems_html())).into_response())
}

/// What the `type` of a problem points to: a row for each code of the native API.
fn problems_html() -> String {
    let mut html = "<h2>Problems of the native API</h2><div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Problems\"><table>".to_owned();
    for code in Code::ALL {
        let (status, text) = (code.status().as_u16(), code.text());
        // Parts between backquotes are code, as in the descriptions of the document.
        let meaning = code.meaning().split('`').enumerate().fold(String::new(), |mut html, (at, part)| {
            let _ = if at % 2 == 0 { write!(html, "{part}") } else { write!(html, "<code>{part}</code>") };
            html
        });
        let _ = write!(
            html,
            "<tr id=\"problem-{text}\"><td>{status}</td><td><code>{text}</code></td><td>{meaning}</td></tr>"
        );
    }
    html + "</table></div>"
}
