//! The pages and the JSON of the documents.

use std::fmt::Write as _;

use axum::{
    body::Bytes,
    extract::{Path, rejection::PathRejection},
    http::header::CONTENT_TYPE,
    response::{Html, IntoResponse, Response},
};

use super::{NATIVE, READY, named};
use crate::native::{Code, Problem, unknown_route};

/// Shows the native API and names the dialects.
#[utoipa::path(
    get, operation_id = "show_documentation", path = "/docs", tag = "documentation", security(()),
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub(crate) async fn index() -> Html<String> {
    page_html()
}

/// Shows the document of an API.
#[utoipa::path(
    get, operation_id = "show_document", path = "/docs/{name}", tag = "documentation", security(()),
    params(("name" = String, Path, description = "`native` or a dialect's name")),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404, body = Problem))
)]
pub(crate) async fn page(name: Result<Path<String>, PathRejection>) -> Result<Html<String>, Problem> {
    known(name).map(|_| page_html())
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

/// A page without any asset from elsewhere: it renders in the browser the document that its own path names.
fn page_html() -> Html<String> {
    let links = READY.iter().fold(String::new(), |mut links, document| {
        let _ = write!(links, "<a href=\"/docs/{}\">{}</a> ", document.name, document.title);
        links
    });
    let page = include_str!("page.html").replace("<!-- documents -->", &links);
    Html(page.replace("<!-- problems -->", &problems_html()))
}

/// What the `type` of a problem points to: a row for each code of the native API.
fn problems_html() -> String {
    let mut html = "<h2>Problems of the native API</h2><table>".to_owned();
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
    html + "</table>"
}
