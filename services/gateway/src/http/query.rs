//! A query that cannot make a request fail.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

/// The query of a request; the default where it is not well formed, as gateways that ignore what they do not
/// understand do.
#[derive(Debug)]
pub struct LenientQuery<T>(pub T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequestParts<S> for LenientQuery<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(Query::<T>::try_from_uri(&parts.uri).map(|query| query.0).unwrap_or_default()))
    }
}
