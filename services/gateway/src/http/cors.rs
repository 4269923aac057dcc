//! Pages of any origin may ask where a product lets them: a key is a header or a part of the path, which a page adds
//! itself, and nobody has a cookie here.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

/// What a door lets pages send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cors {
    /// The methods of its routes.
    pub(crate) methods: &'static str,
    /// The headers that it reads, for a page that does not say what it wants to send.
    pub(crate) headers: &'static str,
}

impl Cors {
    /// Answers a browser's pre-flight, and tells it with any other answer that its page may read it.
    pub(crate) async fn answered<F>(self, request: Request, answer: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut response = if request.method() == Method::OPTIONS {
            self.preflight(request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned())
        } else {
            answer(request).await
        };
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        response
    }

    fn preflight(self, asked: Option<HeaderValue>) -> Response {
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(self.methods)),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                asked.unwrap_or_else(|| HeaderValue::from_static(self.headers)),
            ),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    }
}
