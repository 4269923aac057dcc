//! Which headers of a message that is passed on stay with it.

use reqwest::header::{
    ACCEPT_ENCODING, ALT_SVC, AUTHORIZATION, CONNECTION, COOKIE, EXPECT, FORWARDED, HOST, HeaderMap,
    HeaderName, LOCATION, ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, REFERER, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Those of one connection, beside those that `Connection` names (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// Of a request: what was meant for Berth. `Expect` is answered here, and who asks from which page is decided here.
const OF_THE_CLIENT: [HeaderName; 7] = [HOST, AUTHORIZATION, COOKIE, EXPECT, FORWARDED, ORIGIN, REFERER];
/// Of a request, by their beginning: what a proxy before Berth said of the connection, and Berth's own.
const OF_THE_CLIENT_PREFIXES: [&str; 3] = ["x-forwarded-", "x-real-ip", "x-berth-"];
/// Of an answer: what would speak for the origin that the client sees, which is Berth's.
const OF_THE_ORIGIN: [HeaderName; 5] =
    [SET_COOKIE, STRICT_TRANSPORT_SECURITY, ALT_SVC, LOCATION, HeaderName::from_static("clear-site-data")];
/// Of an answer, by their beginning.
const OF_THE_ORIGIN_PREFIXES: [&str; 2] = ["access-control-", "x-berth-"];

/// Leaves what an upstream may see of a request.
pub(crate) fn of_request(headers: &mut HeaderMap) {
    without(headers, &OF_THE_CLIENT, &OF_THE_CLIENT_PREFIXES);
    // Nothing is decoded here, so the client gets the coding that it asked for, or none.
    if !headers.contains_key(ACCEPT_ENCODING) {
        headers.insert(ACCEPT_ENCODING, reqwest::header::HeaderValue::from_static("identity"));
    }
}

/// Leaves what a client may see of an answer.
pub(crate) fn of_answer(headers: &mut HeaderMap) {
    without(headers, &OF_THE_ORIGIN, &OF_THE_ORIGIN_PREFIXES);
}

fn without(headers: &mut HeaderMap, names: &[HeaderName], prefixes: &[&str]) {
    let of_connection: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let begun = headers.keys().filter(|name| prefixes.iter().any(|prefix| name.as_str().starts_with(prefix)));
    let begun: Vec<HeaderName> = begun.cloned().collect();
    for name in of_connection.iter().chain(&HOP_BY_HOP).chain(names).chain(&begun) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), reqwest::header::HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_belongs_to_a_connection_or_to_berth_goes_no_further() {
        let mut request = headers(&[
            ("connection", "close, X-Hop"),
            ("connection", "x-second"),
            ("x-hop", "1"),
            ("x-second", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("host", "berth.example"),
            ("authorization", "Bearer of-berth"),
            ("cookie", "berth_session=1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-berth-deployment", "another"),
            ("content-type", "application/json"),
            ("content-length", "2"),
            ("user-agent", "a client"),
        ]);
        of_request(&mut request);
        assert_eq!(names(&request), ["accept-encoding", "content-length", "content-type", "user-agent"]);
    }

    #[test]
    fn an_answer_speaks_for_no_other_origin() {
        let mut answer = headers(&[
            ("content-type", "application/json"),
            ("etag", "1"),
            ("set-cookie", "berth_session=2"),
            ("access-control-allow-origin", "*"),
            ("x-berth-reason", "open"),
            ("location", "http://10.0.0.5:8080/elsewhere"),
            ("connection", "etag"),
        ]);
        of_answer(&mut answer);
        assert_eq!(names(&answer), ["content-type"]);
    }
}
