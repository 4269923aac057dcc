//! `POST /api/v2/business/{businessId}/instance`

use axum::{Json, extract::Request, http::StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{NewInstance, check_name},
    dialects::codechat::{
        FORMAT,
        call::{OnBusiness, object, text},
        error::CodeChatError,
        find,
    },
};

/// Creates an instance; its name is made up if there is none, and a foreign id is shown in the place of ours.
pub(super) async fn handler(
    on: OnBusiness,
    request: Request,
) -> Result<(StatusCode, Json<Value>), CodeChatError> {
    let body = object(request).await?;
    let external = text(&body, "externalId")?.filter(|id| !id.is_empty());
    if let Some(external) = &external {
        // It stands in paths, and what looks like an id of ours is one.
        let refused = |error| CodeChatError::Invalid(format!("externalId: like a name, {error}"));
        check_name(external).map_err(refused)?;
    }
    let new = NewInstance {
        name: text(&body, "instanceName")?.filter(|name| !name.is_empty()),
        settings: vec![(FORMAT, json!({"external_id": external, "active": true}))],
        alias: external,
        ..NewInstance::default()
    };
    let record = on.app.create(&on.call, new).await?.record;
    let mut shown = find::head(&record, None);
    shown.insert("businessBusinessId".to_owned(), json!(on.account));
    shown.insert("Auth".to_owned(), find::auth(&on.app, &record));
    Ok((StatusCode::CREATED, Json(Value::Object(shown))))
}
