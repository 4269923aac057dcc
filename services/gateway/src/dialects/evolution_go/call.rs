//! Who asks, for which instance, and with what.

use std::time::Duration;

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
};
use berth_proto::command::Command;
use serde_json::{Map, Value};

use super::{FORMAT, error::GoError};
use crate::{
    app::{Answer, App, Call, Connected, Failure, KeyKind, Principal, Record, as_uuid},
    http::{body, headers, percent_decoded},
};

/// What the id in a path may be, in this order: the product knows ids alone.
const ORDER: [KeyKind; 5] = [KeyKind::Alias, KeyKind::Uuid, KeyKind::Id, KeyKind::Name, KeyKind::Number];
/// What names the instance whose token is shown.
const OWN: [KeyKind; 1] = [KeyKind::Id];

/// The caller of a route for the account only.
#[derive(Debug)]
pub(super) struct OnAccount {
    pub(super) app: App,
    pub(super) call: Call,
}

impl FromRequestParts<App> for OnAccount {
    type Rejection = GoError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, GoError> {
        let call = caller(parts, app).await?;
        if !call.principal.is_account() {
            return Err(GoError::Unauthorized);
        }
        Ok(Self { app: app.clone(), call })
    }
}

/// The caller of a route for the account only, whose path ends with the id of an instance.
#[derive(Debug)]
pub(super) struct OnOne {
    account: OnAccount,
    id: String,
}

impl FromRequestParts<App> for OnOne {
    type Rejection = GoError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, GoError> {
        let account = OnAccount::from_request_parts(parts, app).await?;
        // Not by axum's parameters: a request that was claimed has those of another dialect's route as well.
        let segment = parts.uri.path().rsplit('/').next().unwrap_or_default();
        let id = percent_decoded(segment).ok_or(GoError::NotFound)?;
        Ok(Self { account, id: canonical(id) })
    }
}

impl OnOne {
    /// The instance as it is now.
    pub(super) async fn read(&self) -> Result<Record, GoError> {
        let OnAccount { app, call } = &self.account;
        Ok(app.finder.find(&call.principal, &self.id, &ORDER).await?)
    }

    /// The instance after a command.
    pub(super) async fn command(&self, command: impl Into<Command>) -> Result<Answer, GoError> {
        let OnAccount { app, call } = &self.account;
        Ok(app.finder.decide_on(call, &self.id, &ORDER, command).await?)
    }
}

/// The caller of a route that acts on the instance whose token is shown.
#[derive(Debug)]
pub(super) struct OnInstance {
    pub(super) app: App,
    pub(super) call: Call,
    key: String,
}

impl FromRequestParts<App> for OnInstance {
    type Rejection = GoError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, GoError> {
        let call = caller(parts, app).await?;
        let Principal::Instance { instance, .. } = call.principal else {
            return Err(GoError::Unauthorized);
        };
        Ok(Self { app: app.clone(), call, key: instance.to_string() })
    }
}

impl OnInstance {
    /// The instance as it is now.
    pub(super) async fn read(&self) -> Result<Record, GoError> {
        own(self.app.records.read_own(&self.call.principal).await)
    }

    /// The instance after a command.
    pub(super) async fn command(&self, command: impl Into<Command>) -> Result<Answer, GoError> {
        own(self.app.finder.decide_on(&self.call, &self.key, &OWN, command).await)
    }

    /// Connects, by a pairing code for a phone, and waits up to `wait` for the code.
    pub(super) async fn connect(&self, phone: Option<&str>, wait: Duration) -> Result<Connected, GoError> {
        own(self.app.finder.connect(&self.call, &self.key, &OWN, phone, wait).await)
    }
}

/// The token of an instance that is gone is a wrong key.
pub(super) fn own<T>(result: Result<T, Failure>) -> Result<T, GoError> {
    result.map_err(|failure| match failure {
        Failure::NotFound => GoError::Unauthorized,
        other => other.into(),
    })
}

/// The caller of any route: the root key is nobody here.
async fn caller(parts: &Parts, app: &App) -> Result<Call, GoError> {
    let key = headers::text(&parts.headers, "apikey").ok_or(GoError::Unauthorized)?;
    let principal = app.principals.authenticate(key, headers::peer(&parts.extensions)).await?;
    Ok(Call::new(principal, FORMAT, headers::client(&parts.extensions)))
}

/// A UUID in any case is the same id.
pub(super) fn canonical(id: String) -> String {
    as_uuid(&id).map_or(id, |uuid| uuid.hyphenated().to_string())
}

/// A body that is a JSON object; an empty one is `{}`.
pub(super) async fn object(request: Request) -> Result<Map<String, Value>, GoError> {
    let bytes = body::read(request).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    serde_json::from_slice(&bytes).map_err(|_| GoError::Invalid("the body is not a JSON object".to_owned()))
}

/// A field that is a text; none if it is left out, `null` or empty.
pub(super) fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, GoError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(GoError::field(name, "a text is expected")),
    }
}
