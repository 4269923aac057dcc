//! A request of somebody who is signed in, and one of anybody.

use axum::{
    extract::{FromRequestParts, OriginalUri, Path},
    http::{HeaderMap, HeaderValue, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use berth_gateway::{
    App,
    app::{Call, Client, Failure, Idempotency, Principal, Spending},
    http::headers,
};
use berth_proto::InstanceId;

use crate::{
    Console,
    guard::{below, is_live, way_up},
    refusal::Refusal,
    session::{Ticket, Transport},
    shell::see,
    texts::{Language, Texts},
};

/// The door, as receipts name it.
const DOOR: &str = "console";

/// Where a request stands, whoever sent it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) texts: Texts,
    /// The way from the page to the console's first one.
    pub(crate) root: String,
    /// The page below the console, with its query.
    pub(crate) path: String,
    pub(crate) transport: Transport,
    pub(crate) headers: HeaderMap,
    pub(crate) client: Client,
}

impl<S: Sync> FromRequestParts<S> for Place {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let uri = parts.extensions.get::<OriginalUri>().cloned();
        let uri = uri.unwrap_or_else(|| OriginalUri(parts.uri.clone()));
        let query = uri.0.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Self {
            texts: Texts(Language::of(&parts.headers)),
            root: way_up(&uri),
            path: format!("{}{query}", below(uri.0.path())),
            transport: parts.extensions.get().copied().unwrap_or(Transport::Secure),
            headers: parts.headers.clone(),
            client: headers::client(&parts.extensions),
        })
    }
}

/// A request of somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) app: App,
    pub(crate) place: Place,
    pub(crate) principal: Principal,
    pub(crate) ticket: Ticket,
}

impl Visit {
    /// The call of a form. What is sent twice is done once: `key` stands in the form.
    pub(crate) fn call(&self, route: &'static str, key: &str, body: &[u8]) -> Call {
        let key = (!key.is_empty() && key.len() <= 128 && key.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| Idempotency { key: key.to_owned(), route, body: body.to_vec() });
        Call::new(self.principal, DOOR, self.place.client.clone()).with_idempotency(key)
    }

    /// A failure as a page of this visit; the token that has just ended is asked for anew.
    pub(crate) fn refuse(&self, failure: Failure) -> Response {
        match failure {
            Failure::Unauthorized => sign_in(&self.place),
            other => Refusal::of(other).page(self),
        }
    }

    /// Whether the operator is signed in, in an account or in none.
    pub(crate) const fn is_operator(&self) -> bool {
        matches!(self.principal, Principal::Root | Principal::Operator { .. })
    }
}

impl FromRequestParts<Console> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let Ok(place) = Place::from_request_parts(parts, console).await;
        let ticket = parts.extensions.get::<Ticket>().copied();
        let Some(ticket) = ticket else { return Err(sign_in(&place)) };
        let principal = match console.app.principals.recognise(ticket.signed_in).await {
            Ok(Principal::Root) => match ticket.account {
                Some(account) => Principal::Operator { account },
                None => Principal::Root,
            },
            Ok(principal) => principal,
            Err(Failure::Unauthorized) => return Err(sign_in(&place)),
            Err(failure) => return Err(Refusal::of(failure).bare(&place)),
        };
        let on = if parts.method.is_safe() { Spending::Read } else { Spending::Command };
        if on == Spending::Read
            && let Err(failure) =
                console.app.counters.spend(&console.app.counters.tally(&principal, on)).await
        {
            return Err(Refusal::of(failure).bare(&place));
        }
        Ok(Self { app: console.app.clone(), place, principal, ticket })
    }
}

/// Sends somebody to sign in, and then back to where they were. A part of an open page has its whole page loaded anew.
fn sign_in(place: &Place) -> Response {
    if is_live(&place.headers) {
        let refresh = [("hx-refresh", HeaderValue::from_static("true"))];
        return (StatusCode::UNAUTHORIZED, refresh).into_response();
    }
    let next: String = form_urlencoded::byte_serialize(place.path.as_bytes()).collect();
    let next = if place.path.is_empty() { String::new() } else { format!("?next={next}") };
    see(&format!("{}sign-in{next}", place.root))
}

/// The instance that a path names by its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named(pub(crate) InstanceId);

impl FromRequestParts<Console> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let values = Path::<Vec<(String, String)>>::from_request_parts(parts, console).await;
        let id = values.ok().and_then(|Path(values)| values.into_iter().next()?.1.parse().ok());
        match id {
            Some(id) => Ok(Self(id)),
            None => {
                let Ok(place) = Place::from_request_parts(parts, console).await;
                Err(Refusal::of(Failure::NotFound).bare(&place))
            }
        }
    }
}
