//! One request: what is asked for, and whether asking twice is harmless.

use rand::{TryRng, rngs::SysRng};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use crate::failure::Failure;

/// Bytes of a key that is made up.
const KEY_BYTES: usize = 16;

/// A request that can be sent, and sent again.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: Method,
    /// Segments of the path below the address, not encoded.
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
    /// Whether it takes an `Idempotency-Key`.
    keyed: bool,
    key: Option<String>,
    /// Whether it is sent without a token.
    open: bool,
    /// A status beside the good ones whose body is wanted as it is.
    takes: Option<StatusCode>,
}

// === impl Ask ===

impl Ask {
    fn new(method: Method, path: &[&str], keyed: bool) -> Self {
        let path = path.iter().map(|segment| (*segment).to_owned()).collect();
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method, path, query, headers, body: None, keyed, key: None, open: false, takes: None }
    }

    /// A read.
    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path, false)
    }

    /// A command.
    pub(crate) fn post(path: &[&str], body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path, true) }
    }

    /// A change.
    pub(crate) fn patch(path: &[&str], body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, path, true) }
    }

    /// A removal.
    pub(crate) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path, true)
    }

    /// Something that takes no key, and so must not be done twice.
    pub(crate) fn post_once(path: &[&str], body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path, false) }
    }

    /// With this in the query, if there is any.
    #[must_use]
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// With this header.
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    /// Without a token.
    #[must_use]
    pub(crate) fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// With this status as good as a good one.
    #[must_use]
    pub(crate) fn taking(self, status: StatusCode) -> Self {
        Self { takes: Some(status), ..self }
    }

    /// Under this key.
    #[must_use]
    pub(crate) fn with_key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }.header("idempotency-key", key)
    }

    /// Under a key of its own.
    pub(crate) fn with_new_key(self) -> Result<Self, Failure> {
        let mut bytes = [0; KEY_BYTES];
        SysRng.try_fill_bytes(&mut bytes).map_err(|error| Failure::System {
            what: "to give randomness",
            source: std::io::Error::other(error),
        })?;
        Ok(self.with_key(&data_encoding::BASE32HEX_NOPAD.encode(&bytes).to_lowercase()))
    }

    /// Whether it takes a key.
    pub(super) const fn is_keyed(&self) -> bool {
        self.keyed
    }

    /// Whether sending it again does nothing twice.
    pub(super) fn is_safe_to_repeat(&self) -> bool {
        self.keyed || self.method == Method::GET
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn takes(&self, status: StatusCode) -> bool {
        self.takes == Some(status)
    }

    pub(super) const fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub(super) fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    pub(super) const fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// Puts path and query behind the address, whatever path that has.
    pub(super) fn address(&self, url: &mut Url) -> Result<(), ()> {
        url.path_segments_mut()?.pop_if_empty().extend(&self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(base: &str, ask: &Ask) -> String {
        let mut url = Url::parse(base).unwrap();
        ask.address(&mut url).unwrap();
        url.to_string()
    }

    #[test]
    fn names_are_encoded_and_a_prefix_is_kept() {
        let ask = Ask::get(&["v1", "instances", "loja 1/ção?#"]).query("q", Some("a&b"));
        assert_eq!(
            address("https://example.com/berth/", &ask),
            "https://example.com/berth/v1/instances/loja%201%2F%C3%A7%C3%A3o%3F%23?q=a%26b"
        );
        assert_eq!(address("http://127.0.0.1:8480", &Ask::get(&["readyz"])), "http://127.0.0.1:8480/readyz");
    }

    #[test]
    fn keys_differ_and_are_what_the_service_takes() {
        let key = || Ask::delete(&["v1"]).with_new_key().unwrap().key().unwrap().to_owned();
        let (one, other) = (key(), key());
        assert_ne!(one, other);
        assert!(one.len() == 26 && one.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
