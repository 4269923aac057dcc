//! The id of a request: the client's own `X-Request-Id`, or one that is made for it. It stands in the answer, in the log
//! lines of the request, and sealed in the receipt of a command.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use tracing::{Instrument, info_span};

use super::headers;
use crate::app::{App, Client};

/// The header of requests and answers.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a client's own id at most; of a longer one, or of one with other characters, nothing is kept.
const CHARS_MAX: usize = 128;

/// Gives a request its id and notes where it comes from, before it is answered.
pub(crate) async fn noted<F>(app: &App, mut request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let given = given(request.headers()).map(Arc::from);
    let id: Arc<str> = given.unwrap_or_else(|| app.request_ids.next().into());
    let header = HeaderValue::from_str(&id);
    let span = info_span!("request", id = &*id);
    let address = headers::peer(request.extensions());
    request.extensions_mut().insert(Client { request_id: id, address });
    let mut answer = answer(request).instrument(span).await;
    if let Ok(header) = header {
        answer.headers_mut().insert(REQUEST_ID, header);
    }
    answer
}

/// Whether a request has its id already.
pub(crate) fn is_noted(request: &Request) -> bool {
    request.extensions().get::<Client>().is_some()
}

/// The id that the client gave the request, if it is one that can be shown anywhere.
fn given(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '+' | '=');
    ((1..=CHARS_MAX).contains(&id.len()) && id.chars().all(fits)).then_some(id)
}
