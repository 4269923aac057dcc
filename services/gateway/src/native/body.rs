//! JSON bodies of the native API: unknown fields and wrong types are refused with the place of the mistake.

use std::{fmt, marker::PhantomData};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Query},
    http::{Request, request::Parts},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{code::Code, problem::Problem};
use crate::{app::App, http::body};

/// The bytes of a body and what they say. An empty body counts as `{}`.
#[derive(Debug)]
pub(super) struct Json<T> {
    pub(super) value: T,
    pub(super) bytes: Bytes,
}

/// A JSON object and nothing else: a struct that serde derives also takes an array of its fields' values, whose
/// order is no part of the API.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _app: &App) -> Result<Self, Problem> {
        let bytes = body::read(request).await.map_err(|error| match error {
            body::BodyError::TooLarge => Problem::new(Code::BodyTooLarge, "The body is larger than 1 MiB."),
            body::BodyError::Broken => Problem::invalid("The body could not be read."),
            body::BodyError::Busy => body::BodyError::busy().into(),
        })?;
        let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { &bytes };
        let Object(value) = serde_json::from_slice(text).map_err(|error| {
            Problem::invalid(format!(
                "The body is not as expected at line {}, column {}: {}.",
                error.line(),
                error.column(),
                reason(&error)
            ))
        })?;
        Ok(Self { value, bytes })
    }
}

/// What is wrong with the JSON, without any value of it: serde quotes values, which may be secrets.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if error.is_data() {
        let known = ["missing field", "unknown field", "duplicate field"];
        if known.iter().any(|start| text.starts_with(start)) {
            return text.to_owned();
        }
        let expected = text.rsplit_once("expected ").map_or("another value", |(_, expected)| expected);
        return format!("a value of another type or form; expected {expected}");
    }
    "it is not well-formed JSON".to_owned()
}

/// The query of a request.
#[derive(Debug)]
pub(super) struct QueryOf<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, app).await.map_err(|rejection| {
            let text = rejection.body_text();
            let reason = text.rsplit(": ").next().unwrap_or_default();
            Problem::invalid(format!("The query is not as expected: {reason}."))
        })?;
        Ok(Self(query.0))
    }
}
