//! Every other `/rest/<group>/…`: the messaging methods of a gateway that stands beside this service.

use axum::extract::{Request, State};
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
pub(super) async fn handler(State(app): State<App>, request: Request) -> Result<(), MegaError> {
    let (parts, _body) = request.into_parts();
    let path = parts.uri.path().trim_start_matches("/rest/");
    let mut segments = path.split('/');
    let group = segments.next().unwrap_or_default();
    let method = segments.clone().next().unwrap_or_default();
    if OURS.contains(&group) && !(group == "instance" && AMONG_OURS.contains(&method)) {
        return Err(MegaError::UnknownRoute);
    }
    let call = caller(&parts, &app).await?;
    for segment in segments.take(SEGMENTS_MAX) {
        let Some(key) = crate::http::percent_decoded(segment) else { continue };
        match app.find(&call.principal, &key, &ORDER).await {
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
