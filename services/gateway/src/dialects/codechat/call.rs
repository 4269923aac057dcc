//! Who asks, and for which instance or business.

use axum::{
    extract::{FromRequestParts, Path, Request},
    http::request::Parts,
};
use berth_proto::{AccountId, command::Command};
use serde_json::{Map, Value};

use super::{ORDER, error::CodeChatError, find};
use crate::{
    app::{Answer, App, Call, Failure, Principal, Record},
    http::{body, headers},
};

/// Who asks: with a JWT, an instance's token, a business token or the admin token.
async fn principal(parts: &Parts, app: &App) -> Result<Principal, CodeChatError> {
    let token = headers::bearer(&parts.headers).or_else(|| headers::text(&parts.headers, "apikey"));
    let token = token.ok_or(CodeChatError::Unauthorized)?;
    match app.tokens.authenticate_jwt(token).await? {
        Some(principal) => Ok(principal),
        None => Ok(app.principals.authenticate(token, headers::peer(&parts.extensions)).await?),
    }
}

/// The segments of the path that stand for something, in their order.
async fn segments(parts: &mut Parts, app: &App) -> Result<Vec<String>, CodeChatError> {
    match Path::<Vec<(String, String)>>::from_request_parts(parts, app).await {
        Ok(Path(segments)) => Ok(segments.into_iter().map(|(_, value)| value).collect()),
        Err(_) => Err(CodeChatError::NotFound),
    }
}

/// The caller of a route of an instance.
#[derive(Debug)]
pub(super) struct OnInstance {
    pub(super) app: App,
    pub(super) call: Call,
    pub(super) id: String,
    /// What stands behind the instance in the path, for example a webhook's id.
    pub(super) rest: Option<String>,
}

impl FromRequestParts<App> for OnInstance {
    type Rejection = CodeChatError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, CodeChatError> {
        let mut principal = principal(parts, app).await?;
        let mut segments = segments(parts, app).await?.into_iter();
        let id = segments.next().ok_or(CodeChatError::NotFound)?;
        if principal == Principal::Root {
            // Ids are unique over all businesses, names are not.
            let instance = find::of_any_business(app, &id, "instanceId").await?;
            let record = app.records.read_any(instance).await?.ok_or(CodeChatError::NotFound)?;
            principal = Principal::Operator { account: record.state.account };
        }
        let call = Call::new(principal, "codechat", headers::client(&parts.extensions));
        Ok(Self { app: app.clone(), call, id, rest: segments.next() })
    }
}

impl OnInstance {
    /// The instance as it is now, if it is switched on.
    pub(super) async fn read(&self) -> Result<Record, CodeChatError> {
        let record = self.map(self.app.finder.find(&self.call.principal, &self.id, &ORDER).await)?;
        if find::is_active(&record) { Ok(record) } else { Err(CodeChatError::Inactive) }
    }

    /// The instance after a command, if it is switched on.
    pub(super) async fn command(&self, command: impl Into<Command>) -> Result<Answer, CodeChatError> {
        let record = self.read().await?;
        self.map(self.app.commands.decide(&self.call, record.id, command).await)
    }

    /// An instance's token on another instance, existing or not, is forbidden.
    pub(super) fn map<T>(&self, result: Result<T, Failure>) -> Result<T, CodeChatError> {
        result.map_err(|failure| match failure {
            Failure::NotFound if !self.call.principal.is_account() => CodeChatError::Forbidden,
            other => other.into(),
        })
    }
}

/// The caller of a route of a business: with the business token or the admin token.
#[derive(Debug)]
pub(super) struct OnBusiness {
    pub(super) app: App,
    pub(super) call: Call,
    pub(super) account: AccountId,
    /// What stands behind the business in the path: an instance's id.
    pub(super) rest: Option<String>,
}

impl FromRequestParts<App> for OnBusiness {
    type Rejection = CodeChatError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, CodeChatError> {
        let mut principal = principal(parts, app).await?;
        if matches!(principal, Principal::Instance { .. }) {
            return Err(CodeChatError::Forbidden);
        }
        let mut segments = segments(parts, app).await?.into_iter();
        let id = segments.next();
        let account = match principal {
            Principal::Root => business(app, id.as_deref()).await?,
            _ => {
                let own = principal.account().filter(|own| id.as_deref() == Some(own.to_string().as_str()));
                own.ok_or(CodeChatError::Forbidden)?
            }
        };
        if principal == Principal::Root {
            principal = Principal::Operator { account };
        }
        let call = Call::new(principal, "codechat", headers::client(&parts.extensions));
        Ok(Self { app: app.clone(), call, account, rest: segments.next() })
    }
}

/// The business that the operator names.
async fn business(app: &App, id: Option<&str>) -> Result<AccountId, CodeChatError> {
    let account = id.and_then(|id| id.parse().ok()).ok_or(CodeChatError::BusinessNotFound)?;
    Ok(app.accounts.read(account).await.map_err(CodeChatError::of_business)?.id)
}

impl OnBusiness {
    /// The instance that the path or the query names, switched on or not.
    pub(super) async fn instance(&self, id: &str) -> Result<Record, CodeChatError> {
        Ok(self.app.finder.find(&self.call.principal, id, &ORDER).await?)
    }
}

/// The caller of an admin route: with the root key.
#[derive(Debug)]
pub(super) struct OnAdmin {
    pub(super) app: App,
    pub(super) call: Call,
    /// The business in the path.
    pub(super) rest: Option<String>,
}

impl FromRequestParts<App> for OnAdmin {
    type Rejection = CodeChatError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, CodeChatError> {
        if principal(parts, app).await? != Principal::Root {
            return Err(CodeChatError::Forbidden);
        }
        let segments = segments(parts, app).await.map_err(|_| CodeChatError::BusinessNotFound)?;
        let rest = segments.into_iter().next();
        let call = Call::new(Principal::Root, "codechat", headers::client(&parts.extensions));
        Ok(Self { app: app.clone(), call, rest })
    }
}

/// A body that is a JSON object; an empty one is `{}`.
pub(super) async fn object(request: Request) -> Result<Map<String, Value>, CodeChatError> {
    let bytes = body::read(request).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(CodeChatError::Invalid("the body must be an object".to_owned())),
        Err(_) => Err(CodeChatError::Invalid("The body is not valid JSON".to_owned())),
    }
}

/// A field that is a text, if it is there.
pub(super) fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, CodeChatError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(CodeChatError::Invalid(format!("{name} must be a string"))),
    }
}

/// A field that is a switch, if it is there.
pub(super) fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>, CodeChatError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(CodeChatError::Invalid(format!("{name} must be a boolean value"))),
    }
}
