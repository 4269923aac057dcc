//! The headers of a request: the standard's, the format's, and what a customer may add.

use berth_notices::headers::{HEADER_BYTES_MAX, HEADERS_MAX, is_reserved_header};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

/// How we introduce ourselves.
const AGENT: &str = concat!("berth-webhooks/", env!("CARGO_PKG_VERSION"));
/// What the headers are made of.
#[derive(Debug)]
pub(crate) struct HeaderParts<'a> {
    /// `webhook-id`.
    pub(crate) id: &'a str,
    /// `webhook-timestamp`, seconds.
    pub(crate) timestamp_seconds: i64,
    /// `webhook-signature`.
    pub(crate) signature: &'a str,
    /// Headers of the format.
    pub(crate) format: &'a [(&'static str, String)],
    /// The customer's headers.
    pub(crate) custom: &'a [(String, String)],
    pub(crate) authorization: Option<&'a str>,
}

/// The headers of an attempt. A custom header that is forbidden or not valid is left out: a dialect keeps and
/// echoes what it was given, and sends what it may.
pub(crate) fn build(parts: &HeaderParts<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in parts.custom.iter().take(HEADERS_MAX) {
        if let Some((name, value)) = custom(name, value) {
            headers.insert(name, value);
        }
    }
    for (name, value) in parts.format {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    if let Some(mut value) = parts.authorization.and_then(|value| HeaderValue::from_str(value).ok()) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let standard = [
        ("webhook-id", parts.id.to_owned()),
        ("webhook-timestamp", parts.timestamp_seconds.to_string()),
        ("webhook-signature", parts.signature.to_owned()),
    ];
    for (name, value) in standard {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

fn custom(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).ok()?;
    if is_reserved_header(name.as_str()) || value.len() > HEADER_BYTES_MAX {
        return None;
    }
    Some((name, HeaderValue::from_str(value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_cannot_take_over_the_transport_or_the_signature() {
        let custom: Vec<_> = [
            "Host",
            "Content-Length",
            "content-type",
            "Transfer-Encoding",
            "Expect",
            "Trailer",
            "User-Agent",
            "Webhook-Id",
            "X-Forwarded-For",
            "Proxy-Authorization",
            "Cookie",
            "Authorization",
            "bad name",
            "X-Shop",
        ]
        .into_iter()
        .map(|name| (name.to_owned(), "mine".to_owned()))
        .collect();
        let headers = build(&HeaderParts {
            id: "msg_1",
            timestamp_seconds: 5,
            signature: "v1,x",
            format: &[("x-businessId", "b".to_owned())],
            custom: &custom,
            authorization: Some("Bearer t"),
        });
        let mine: Vec<_> =
            headers.iter().filter(|(_, value)| *value == "mine").map(|(name, _)| name.as_str()).collect();
        assert_eq!(mine, ["x-shop"]);
        assert_eq!(headers["webhook-id"], "msg_1");
        assert_eq!(headers["authorization"], "Bearer t");
        assert_eq!(headers["x-businessid"], "b");
    }
}
