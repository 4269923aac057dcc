//! Who asks, and for which instance.

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::{Extensions, HeaderMap, Uri, request::Parts},
};
use berth_proto::command::Command;
use serde::Deserialize;

use super::{ORDER, error::RyzeError};
use crate::{
    app::{Answer, App, Call, Failure, Principal, Record},
    http::headers,
};

/// The token of a request, in the order of the carriers: header, bearer, query.
pub(super) fn token(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    #[derive(Deserialize)]
    struct Carrier {
        token: Option<String>,
    }
    let header = headers::text(headers, "token").map(str::trim).filter(|token| !token.is_empty());
    if let Some(token) = header.or_else(|| headers::bearer(headers)) {
        return Some(token.to_owned());
    }
    Query::<Carrier>::try_from_uri(uri).ok().and_then(|query| query.0.token).filter(|token| !token.is_empty())
}

/// Who the rate limit found behind the token; set before any route runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known(pub(super) Option<Principal>);

/// The caller of any route.
pub(super) fn caller(extensions: &Extensions) -> Result<Call, RyzeError> {
    let known = extensions.get::<Known>().and_then(|known| known.0);
    known
        .map(|principal| Call::new(principal, "ryze", headers::client(extensions)))
        .ok_or(RyzeError::Unauthorized)
}

/// The caller of a route that has an instance's name.
#[derive(Debug)]
pub(super) struct OnInstance {
    pub(super) app: App,
    pub(super) call: Call,
    pub(super) name: String,
}

impl FromRequestParts<App> for OnInstance {
    type Rejection = RyzeError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, RyzeError> {
        let call = caller(&parts.extensions)?;
        let Path(name) =
            Path::<String>::from_request_parts(parts, app).await.map_err(|_| RyzeError::NotFound)?;
        Ok(Self { app: app.clone(), call, name })
    }
}

impl OnInstance {
    /// The instance as it is now; `what` names the general failure of the route.
    pub(super) async fn read(&self, what: &'static str) -> Result<Record, RyzeError> {
        let result = self.app.finder.find(&self.call.principal, &self.name, &ORDER).await;
        self.own(what, result).await
    }

    /// The instance after a command.
    pub(super) async fn command(
        &self,
        what: &'static str,
        command: impl Into<Command>,
    ) -> Result<Answer, RyzeError> {
        let result = self.app.finder.decide_on(&self.call, &self.name, &ORDER, command).await;
        self.own(what, result).await
    }

    /// An instance's token on another instance of its account is told so; on none, that there is none.
    pub(super) async fn own<T>(
        &self,
        what: &'static str,
        result: Result<T, Failure>,
    ) -> Result<T, RyzeError> {
        match result {
            Err(Failure::NotFound) => {
                if let Principal::Instance { instance, .. } = self.call.principal
                    && let Err(Failure::Unauthorized) =
                        self.app.records.read(&self.call.principal, instance).await
                {
                    return Err(RyzeError::Unauthorized);
                }
                if let Principal::Instance { instance, .. } = self.call.principal
                    && let Ok(other) =
                        self.app.resolver.resolve(&self.call.principal, &self.name, &ORDER).await
                    && other != instance
                {
                    return Err(RyzeError::OtherInstance);
                }
                Err(RyzeError::NotFound)
            }
            other => other.map_err(|failure| RyzeError::of(what, failure)),
        }
    }
}

/// The caller of a route for the account only.
#[derive(Debug)]
pub(super) struct OnAccount {
    pub(super) app: App,
    pub(super) call: Call,
}

impl FromRequestParts<App> for OnAccount {
    type Rejection = RyzeError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, RyzeError> {
        let call = caller(&parts.extensions)?;
        if !call.principal.is_account() {
            return Err(RyzeError::Unauthorized);
        }
        Ok(Self { app: app.clone(), call })
    }
}
