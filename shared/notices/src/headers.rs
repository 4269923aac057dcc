//! What a customer may add to the headers of a notice (rule R12): the door that takes it and the sender that leaves out
//! what a dialect merely keeps have the same list.

/// Custom headers of one endpoint.
pub const HEADERS_MAX: usize = 20;
/// Bytes of one custom header's value.
pub const HEADER_BYTES_MAX: usize = 4 * 1024;
/// The sender's own, the connection's, and whatever could make a proxy on the way misread the request.
const RESERVED: [&str; 12] = [
    "host",
    "transfer-encoding",
    "connection",
    "te",
    "upgrade",
    "expect",
    "keep-alive",
    "trailer",
    "user-agent",
    "forwarded",
    "cookie",
    "authorization",
];
/// Beginnings of names that are reserved.
const RESERVED_PREFIXES: [&str; 4] = ["content-", "proxy-", "x-forwarded-", "webhook-"];

/// Whether a customer must not set this header.
pub fn is_reserved_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
