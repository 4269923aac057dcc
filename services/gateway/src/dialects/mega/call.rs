//! Who asks, and for which instance.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use berth_proto::command::Command;

use super::{ORDER, error::MegaError};
use crate::{
    app::{Answer, App, Call, Failure, Principal, Record},
    http::headers,
};

/// The caller of a route that has an instance's key.
#[derive(Debug)]
pub(super) struct OnInstance {
    pub(super) app: App,
    pub(super) call: Call,
    pub(super) key: String,
}

impl FromRequestParts<App> for OnInstance {
    type Rejection = MegaError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, MegaError> {
        let call = caller(parts, app).await?;
        let Path(key) =
            Path::<String>::from_request_parts(parts, app).await.map_err(|_| MegaError::NotFound)?;
        Ok(Self { app: app.clone(), call, key })
    }
}

impl OnInstance {
    /// The instance as it is now.
    pub(super) async fn read(&self) -> Result<Record, MegaError> {
        self.map(self.app.finder.find(&self.call.principal, &self.key, &ORDER).await)
    }

    /// The instance after a command.
    pub(super) async fn command(&self, command: impl Into<Command>) -> Result<Answer, MegaError> {
        self.map(self.app.finder.decide_on(&self.call, &self.key, &ORDER, command).await)
    }

    /// An instance's token on another instance is a wrong token, whether that instance exists or not.
    pub(super) fn map<T>(&self, result: Result<T, Failure>) -> Result<T, MegaError> {
        result.map_err(|failure| match failure {
            Failure::NotFound if !self.call.principal.is_account() => MegaError::Unauthorized,
            other => other.into(),
        })
    }
}

/// The caller of a route for the host only: an account token.
#[derive(Debug)]
pub(super) struct OnHost {
    pub(super) app: App,
    pub(super) call: Call,
}

impl FromRequestParts<App> for OnHost {
    type Rejection = MegaError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, MegaError> {
        let call = caller(parts, app).await?;
        if !call.principal.is_account() {
            return Err(MegaError::Unauthorized);
        }
        Ok(Self { app: app.clone(), call })
    }
}

/// The caller of any route: the root key is nobody here.
pub(super) async fn caller(parts: &Parts, app: &App) -> Result<Call, MegaError> {
    let token = headers::bearer(&parts.headers).ok_or(MegaError::Unauthorized)?;
    match app.principals.authenticate(token, headers::peer(&parts.extensions)).await? {
        Principal::Root => Err(MegaError::Unauthorized),
        principal => Ok(Call::new(principal, "mega", headers::client(&parts.extensions))),
    }
}
