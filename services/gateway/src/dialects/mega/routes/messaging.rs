//! Every other `/rest/<group>/…`: the messaging methods of a gateway that stands beside this service.

use axum::extract::Request;
use berth_proto::instance::{ConnectionV1, PhaseV1};

use crate::{
    app::{App, Failure},
    dialects::mega::{
        ORDER,
        call::caller,
        error::{ErrorBody, MegaError},
    },
};

/// Groups that are this service's, and one that clients ask for by mistake: what they do not have is an unknown route.
const OURS: [&str; 4] = ["instance", "webhook", "config", "connectionStatus"];
/// Messaging methods that the product has among the routes of an instance.
const AMONG_OURS: [&str; 5] = ["isOnWhatsApp", "downloadMediaMessage", "chats", "contacts", "messages"];
/// Segments of a path that are tried as a key.
const SEGMENTS_MAX: usize = 4;

/// Says that a logged-out instance is not connected, as the product does for every method after a logout; a
/// connected one is told that messages are not handled here.
#[utoipa::path(
    method(get, post, put, patch, delete), path = "/rest/{group}/{rest}", tag = "messaging",
    params(
        ("group" = String, Path, description = "For example `sendMessage`"),
        ("rest" = String, Path, description = "The rest of the path, with the instance's key in one of its segments")
    ),
    responses(
        (status = 400, body = ErrorBody, description = "The instance is not connected."),
        (status = 501, body = ErrorBody, description = "It is, but messages are not handled by this service.")
    )
)]
pub(in crate::dialects::mega) async fn handler(app: &App, request: Request) -> Result<(), MegaError> {
    let (parts, _body) = request.into_parts();
    let path = parts.uri.path().strip_prefix("/rest/").and_then(|path| path.split_once('/'));
    let is_ours = |group: &str, rest: &str| {
        let method = rest.split('/').next().unwrap_or_default();
        OURS.contains(&group) && !(group == "instance" && AMONG_OURS.contains(&method))
    };
    let Some((_, rest)) = path.filter(|(group, rest)| !rest.is_empty() && !is_ours(group, rest)) else {
        return Err(MegaError::UnknownRoute);
    };
    let call = caller(&parts, app).await?;
    for segment in rest.split('/').take(SEGMENTS_MAX) {
        let Some(key) = crate::http::percent_decoded(segment) else { continue };
        match app.finder.find(&call.principal, &key, &ORDER).await {
            Ok(record) => {
                return match &record.state.phase {
                    PhaseV1::Linked(link) if link.connection == ConnectionV1::Open => Err(MegaError::NotOurs),
                    _ => Err(MegaError::NotConnected),
                };
            }
            Err(Failure::NotFound) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(if call.principal.is_account() { MegaError::NotFound } else { MegaError::Unauthorized })
}
