//! Who asks, and for which instance.

use axum::{
    extract::{FromRequestParts, Path, Request},
    http::request::Parts,
};
use berth_proto::command::Command;
use serde_json::{Map, Value};

use super::{ORDER, error::EvolutionError};
use crate::{
    app::{Answer, App, Call, Failure, Principal, Record},
    http::{body, headers},
};

/// The caller of any route: an account or an instance. The root key is nobody here.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) app: App,
    pub(super) call: Call,
}

impl FromRequestParts<App> for Caller {
    type Rejection = EvolutionError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, EvolutionError> {
        let key = headers::text(&parts.headers, "apikey").ok_or(EvolutionError::Unauthorized)?;
        match app.principals.authenticate(key, headers::peer(&parts.extensions)).await {
            Ok(Principal::Root) => Err(EvolutionError::Unauthorized),
            Ok(principal) => {
                let client = headers::client(&parts.extensions);
                Ok(Self { app: app.clone(), call: Call::new(principal, "evolution", client) })
            }
            Err(failure) => Err(EvolutionError::of("", failure)),
        }
    }
}

/// The caller of a route that has an instance's name.
#[derive(Debug)]
pub(super) struct OnInstance {
    pub(super) app: App,
    pub(super) call: Call,
    pub(super) name: String,
}

impl FromRequestParts<App> for OnInstance {
    type Rejection = EvolutionError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, EvolutionError> {
        let Caller { app, call } = Caller::from_request_parts(parts, app).await?;
        match Path::<String>::from_request_parts(parts, &app).await {
            Ok(Path(name)) => Ok(Self { app, call, name }),
            Err(_) => Err(EvolutionError::unknown_route(&parts.method, &parts.uri)),
        }
    }
}

impl OnInstance {
    /// The instance as it is now.
    pub(super) async fn read(&self) -> Result<Record, EvolutionError> {
        self.map(self.app.finder.find(&self.call.principal, &self.name, &ORDER).await)
    }

    /// The instance after a command.
    pub(super) async fn command(&self, command: impl Into<Command>) -> Result<Answer, EvolutionError> {
        self.map(self.app.finder.decide_on(&self.call, &self.name, &ORDER, command).await)
    }

    /// An instance's token on another instance is a wrong key, whether that instance exists or not.
    pub(super) fn map<T>(&self, result: Result<T, Failure>) -> Result<T, EvolutionError> {
        result.map_err(|failure| refused_on(&self.call.principal, &self.name, failure))
    }
}

/// What a failure on an instance comes to for this caller: to an instance's token every other one is a wrong key.
pub(super) fn refused_on(principal: &Principal, name: &str, failure: Failure) -> EvolutionError {
    match failure {
        Failure::NotFound if !principal.is_account() => EvolutionError::Unauthorized,
        other => EvolutionError::of(name, other),
    }
}

/// A body that is a JSON object; an empty one is `{}`.
pub(super) async fn object(request: Request) -> Result<Map<String, Value>, EvolutionError> {
    let bytes = body::read(request).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes).map_err(|_| EvolutionError::Malformed)? {
        Value::Object(object) => Ok(object),
        _ => Err(EvolutionError::Validation("instance is not of a type(s) object".to_owned())),
    }
}

/// The first of some spellings of a field that the body has.
pub(super) fn field<'a>(body: &'a Map<String, Value>, spellings: &[&str]) -> Option<&'a Value> {
    spellings.iter().find_map(|name| body.get(*name)).filter(|value| !value.is_null())
}

/// A field that is a string.
pub(super) fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, EvolutionError> {
    match field(body, &[name]) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(EvolutionError::Validation(format!("{name} is not of a type(s) string"))),
    }
}
