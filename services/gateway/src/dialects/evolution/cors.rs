//! Pages of any origin may ask, as the product lets them: a key is a header that a page adds itself.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Answers a browser's pre-flight, and tells it with any other answer that its page may read it.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        preflight(asked)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    response
}

fn preflight(asked: Option<HeaderValue>) -> Response {
    let allowed = asked.unwrap_or_else(|| HeaderValue::from_static("apikey, Content-Type"));
    let methods = HeaderValue::from_static("GET, POST, PUT, DELETE");
    let headers =
        [(header::ACCESS_CONTROL_ALLOW_METHODS, methods), (header::ACCESS_CONTROL_ALLOW_HEADERS, allowed)];
    (StatusCode::NO_CONTENT, headers).into_response()
}
