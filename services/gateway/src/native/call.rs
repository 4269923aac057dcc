//! Who calls the native API: the bearer token and the idempotency key of a request.

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, request::Parts},
};
use berth_proto::limits::IDEMPOTENCY_KEY_CHARS_MAX;
use serde::de::DeserializeOwned;

use super::{door::Visitor, problem::Problem, quota};
use crate::{
    app::{App, Call, Client, Failure, Idempotency, Principal},
    http::headers,
};

/// The caller of a request.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) principal: Principal,
    /// The door that it came through.
    via: &'static str,
    client: Client,
    key: Option<String>,
}

impl Caller {
    /// The call of a command; `body` is what was sent.
    pub(super) fn call(self, route: &'static str, body: &[u8]) -> Call {
        let idempotency = self.key.map(|key| Idempotency { key, route, body: body.to_vec() });
        Call::counted(self.principal, self.via, self.client).with_idempotency(idempotency)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (principal, via) = match parts.extensions.get() {
            Some(Visitor(principal)) => (*principal, "nats"),
            None => {
                let token = headers::bearer(&parts.headers).ok_or(Failure::Unauthorized)?;
                (app.principals.authenticate(token, headers::peer(&parts.extensions)).await?, "native")
            }
        };
        quota::count(app, &principal, &parts.method, &parts.extensions).await?;
        let client = headers::client(&parts.extensions);
        Ok(Self { principal, via, client, key: idempotency_key(&parts.headers)? })
    }
}

/// The key of a request; two of them are a mistake, and either choice would be a guess.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let is_visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if values.next().is_some() || !is_visible || text.len() > IDEMPOTENCY_KEY_CHARS_MAX {
        return Err(Problem::invalid(
            "`Idempotency-Key`: once, and 1 to 128 visible ASCII characters are expected.",
        ));
    }
    Ok(Some(text.to_owned()))
}

/// The `{i}` of a path.
#[derive(Debug)]
pub(super) struct Key(pub(super) String);

impl FromRequestParts<App> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let values = Path::<Vec<(String, String)>>::from_request_parts(parts, app)
            .await
            .map_err(|_| Problem::invalid("The path is not valid percent-encoded UTF-8."))?;
        let key = values.0.into_iter().next().map(|(_, value)| value);
        key.map(Self).ok_or_else(|| Failure::NotFound.into())
    }
}

/// The `{i}`, the `{w}` and the `{d}` of a path.
#[derive(Debug)]
pub(super) struct KeyWebhookAndDelivery(
    pub(super) String,
    pub(super) berth_proto::EndpointId,
    pub(super) String,
);

impl FromRequestParts<App> for KeyWebhookAndDelivery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let PathOf((key, webhook, delivery)) =
            PathOf::<(String, String, String)>::from_request_parts(parts, app).await?;
        let webhook = webhook.parse().map_err(|_| Failure::NotFound)?;
        Ok(Self(key, webhook, delivery))
    }
}

/// What stands in a path. One that is none is a problem like any other.
#[derive(Debug)]
pub(super) struct PathOf<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for PathOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(path) = Path::<T>::from_request_parts(parts, app)
            .await
            .map_err(|_| Problem::invalid("The path is not valid percent-encoded UTF-8."))?;
        Ok(Self(path))
    }
}

/// The `{i}` and the `{w}` of a path.
#[derive(Debug)]
pub(super) struct KeyAndWebhook(pub(super) String, pub(super) berth_proto::EndpointId);

impl FromRequestParts<App> for KeyAndWebhook {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let PathOf((key, webhook)) = PathOf::<(String, String)>::from_request_parts(parts, app).await?;
        let webhook = webhook.parse().map_err(|_| Failure::NotFound)?;
        Ok(Self(key, webhook))
    }
}
