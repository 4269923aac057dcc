//! `POST /rest/instance/init`

use axum::{
    Json,
    extract::{Query, Request, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::webhook_configure::{MessageData, endpoint, message_data};
use crate::{
    app::NewInstance,
    dialects::mega::{
        call::OnHost,
        error::{ErrorBody, MegaError},
    },
    http::{body, percent_decoded},
};

/// The query of a create.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Init {
    /// The instance's name, unique in the account; made up if it is left out.
    instance_key: Option<String>,
    /// `true` leaves the webhook of the body out.
    disable_webhook: Option<String>,
}

/// A new instance.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InitAnswer {
    /// `false`.
    error: bool,
    message: &'static str,
    instance: NewRow,
}

/// The new instance itself.
#[derive(Debug, Serialize, ToSchema)]
struct NewRow {
    key: String,
    /// The instance's own token.
    token: String,
    /// `disconnected`.
    status: &'static str,
}

/// Creates an instance; only the host's token may.
#[utoipa::path(
    post, operation_id = "init", path = "/rest/instance/init", tag = "instance",
    params(Init), request_body = MessageData,
    responses(
        (status = 200, body = InitAnswer), (status = 400, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The key is taken.")
    )
)]
pub(super) async fn handler(
    on: OnHost,
    query: Result<Query<Init>, QueryRejection>,
    request: Request,
) -> Result<Json<InitAnswer>, MegaError> {
    let invalid = || MegaError::Invalid("The query is not valid".to_owned());
    let Query(query) = query.map_err(|_| invalid())?;
    // The reader of queries puts U+FFFD where a text is not UTF-8, and would so make a name that nobody gave.
    percent_decoded(request.uri().query().unwrap_or_default()).ok_or_else(invalid)?;
    let body = body::read(request).await?;
    let webhook = message_data(&body)?;
    let disabled = query.disable_webhook.as_deref() == Some("true");
    let webhooks = webhook.filter(|_| !disabled).map(endpoint).transpose()?.into_iter().collect();
    let new = NewInstance { name: query.instance_key, webhooks, ..NewInstance::default() };
    let created = on.app.creator.create(&on.call, new).await?;
    let (token, key) = (created.record.token(), created.record.name);
    let instance = NewRow { key, token, status: "disconnected" };
    Ok(Json(InitAnswer { error: false, message: "Instance initialized", instance }))
}
