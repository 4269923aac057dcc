//! What every answer of the console carries, and which requests are refused before a page sees them.

use axum::{
    extract::{OriginalUri, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{
            ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, SET_COOKIE,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use berth_gateway::http::headers::peer;

use crate::{Console, session::Transport};

/// Everything comes from here, nothing runs that stands in a page, and no other page frames this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Whether an open page asks by itself, for a part of it or to hear of changes: such a request is no use of the session by a
/// person.
pub(crate) fn is_live(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request") || headers.get(ACCEPT).is_some_and(|it| it == "text/event-stream")
}

/// Opens the cookie, refuses what another page sent, and adds the headers.
pub(crate) async fn layer(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let transport = transport(&console, &request);
    request.extensions_mut().insert(transport);
    if !request.method().is_safe() && !is_from_here(&console, request.headers()) {
        return secured(refused().into_response());
    }
    let now = console.app.now();
    let ticket = console.seal.open(request.headers(), transport, now);
    if let Some(ticket) = ticket {
        request.extensions_mut().insert(ticket);
    }
    let noted = ticket.filter(|_| !is_live(request.headers())).and_then(|ticket| ticket.noted(now));
    let mut answer = next.run(request).await;
    if let Some(cookie) = noted.and_then(|ticket| console.seal.cookie(ticket, transport))
        && !answer.headers().contains_key(SET_COOKIE)
    {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    secured(answer)
}

fn secured(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: a form of such a page has the origin `null`.
        (REFERRER_POLICY, "same-origin"),
        (OPENER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn refused() -> (StatusCode, &'static str) {
    (StatusCode::FORBIDDEN, "This form was sent by another page. Open the console and try again there.\n")
}

/// Whether a page of the console sent a form: by what the browser says of it. A request without any word of a browser is
/// refused, since it may be one that is too old to tell.
fn is_from_here(console: &Console, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
    let of_host = host(headers).is_some_and(|host| {
        origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
    });
    of_host || origin_of(&console.app.settings().public_url).is_some_and(|own| own == origin)
}

/// The address of this gateway as the browser of a form has it: the public one if that is where the form came from.
pub(crate) fn seen_address(console: &Console, headers: &HeaderMap) -> String {
    let public = &console.app.settings().public_url;
    match headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) {
        Some(origin) if origin != "null" && origin_of(public).is_none_or(|own| own != origin) => {
            origin.to_owned()
        }
        _ => public.clone(),
    }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

/// In clear only where both ends are this machine and nothing says that TLS is between.
fn transport(console: &Console, request: &Request) -> Transport {
    let headers = request.headers();
    let here = peer(request.extensions()).is_some_and(|address| address.to_canonical().is_loopback());
    let named = host(headers).is_some_and(is_loopback_name);
    let tls = console.app.settings().public_url.starts_with("https://")
        || headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
        || headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    if here && named && !tls { Transport::Loopback } else { Transport::Secure }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}

/// Whether a `Host` names this machine.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a browser would keep no session here: it speaks in clear with another machine.
pub(crate) fn is_in_clear(transport: Transport, headers: &HeaderMap) -> bool {
    // Browsers send it over TLS and to this machine only.
    transport == Transport::Secure && !headers.contains_key("sec-fetch-site")
}

/// The way from a page back to the console's first one: pages name each other by relative paths, so that the console works
/// under any prefix that a proxy puts before it.
pub(crate) fn way_up(uri: &OriginalUri) -> String {
    match below(uri.0.path()).matches('/').count() {
        0 => "./".to_owned(),
        depth => "../".repeat(depth),
    }
}

/// A path as it stands below the console.
pub(crate) fn below(path: &str) -> &str {
    path.strip_prefix("/console/").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for name in ["localhost", "LOCALHOST:8480", "127.0.0.1", "127.8.8.8:1", "[::1]:8480"] {
            assert!(is_loopback_name(name), "{name}");
        }
        for name in ["localhost.example", "128.0.0.1", "[::2]:8480", "", "example.com:127"] {
            assert!(!is_loopback_name(name), "{name}");
        }
    }

    #[test]
    fn what_an_open_page_asks_by_itself_is_no_use() {
        let asked = |name: &'static str, value: &'static str| {
            is_live(&HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]))
        };
        assert!(asked("hx-request", "true") && asked("accept", "text/event-stream"));
        assert!(!asked("accept", "text/html") && !is_live(&HeaderMap::new()));
    }

    #[test]
    fn pages_find_back_from_any_depth() {
        let up = |path: &'static str| way_up(&OriginalUri(Uri::from_static(path)));
        assert_eq!(up("/console/"), "./");
        assert_eq!(up("/console/new"), "./");
        assert_eq!(up("/console/i/abc"), "../");
        assert_eq!(up("/console/i/abc/timeline"), "../../");
    }
}
