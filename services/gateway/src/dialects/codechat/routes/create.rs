//! `POST /api/v2/business/{businessId}/instance`

use axum::{Json, extract::Request, http::StatusCode};
use serde_json::json;

use crate::{
    app::{App, Failure, NewInstance, Record, check_foreign_id},
    dialects::codechat::{
        FORMAT,
        answers::InstanceCreated,
        bodies,
        call::{OnBusiness, object, text},
        error::{CodeChatError, ErrorBody},
        find, words,
    },
    http::time::iso_millis,
};

/// Creates an instance; its name is made up if there is none, and a foreign id is shown in the place of ours.
#[utoipa::path(
    post, operation_id = "create", path = "/api/v2/business/{businessId}/instance", tag = "business",
    request_body = bodies::Create,
    responses((status = 201, body = InstanceCreated), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnBusiness,
    request: Request,
) -> Result<(StatusCode, Json<InstanceCreated>), CodeChatError> {
    let body = object(request).await?;
    let external = text(&body, "externalId")?.filter(|id| !id.is_empty());
    if let Some(external) = &external {
        // It stands in paths, and what looks like an id of ours is one.
        let refused = |error| CodeChatError::Invalid(format!("externalId: like a name, {error}"));
        check_foreign_id(external).map_err(refused)?;
    }
    let new = NewInstance {
        name: text(&body, "instanceName")?.filter(|name| !name.is_empty()),
        settings: vec![(FORMAT, json!({"external_id": external, "active": true}))],
        alias: external,
        ..NewInstance::default()
    };
    let record = on.app.creator.create(&on.call, new).await.map_err(refused)?.record;
    Ok((StatusCode::CREATED, Json(created(&on.app, record))))
}

/// The instance as the answer to its creation shows it.
pub(super) fn created(app: &App, record: Record) -> InstanceCreated {
    InstanceCreated {
        instance_id: find::shown_id(&record),
        state: find::state(&record),
        connection: words::stored(&record.state.phase),
        created_at: iso_millis(record.state.created_at),
        deleted_at: None,
        business_business_id: record.state.account,
        auth: find::auth(app, &record),
        name: record.name,
    }
}

/// A create calls the name by another word.
fn refused(failure: Failure) -> CodeChatError {
    match failure {
        Failure::Invalid { field: "name", problem } => {
            CodeChatError::Invalid(format!("instanceName: {problem}"))
        }
        other => other.into(),
    }
}
