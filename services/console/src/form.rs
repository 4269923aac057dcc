//! The fields of a query or a form.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, request::Parts},
};

use crate::Console;

/// Bytes of a form at most: more than any page of ours sends.
const BYTES_MAX: usize = 64 * 1024;

/// Fields as they came, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn read(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// A field without the space around it; empty if it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field as it came.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find_map(|(key, value)| (key == name).then_some(value.as_str())).unwrap_or_default()
    }

    /// Every value of a field: of boxes that are ticked.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// A field that says something.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// The query of a page.
#[derive(Debug)]
pub(crate) struct QueryFields(pub(crate) Fields);

impl<S: Sync> FromRequestParts<S> for QueryFields {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Fields::read(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

/// The body of a form, and its fields.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) fields: Fields,
    pub(crate) bytes: Vec<u8>,
}

impl Form {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { fields: Fields::read(bytes), bytes: bytes.to_vec() }
    }
}

impl FromRequest<Console> for Form {
    type Rejection = StatusCode;

    async fn from_request(request: Request, console: &Console) -> Result<Self, StatusCode> {
        let bytes = Bytes::from_request(request, console).await.map_err(|_| StatusCode::BAD_REQUEST)?;
        if bytes.len() > BYTES_MAX {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Ok(Self::of(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_absent_ones_empty() {
        let fields = Fields::read(b"name=+a%20b+&events=x&events=y&empty=");
        assert_eq!(fields.get("name"), "a b");
        assert_eq!(fields.raw("name"), " a b ");
        assert_eq!(fields.all("events"), ["x", "y"]);
        assert_eq!(fields.given("empty"), None);
        assert_eq!(fields.get("absent"), "");
    }
}
