//! `setSettings`

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::dialects::green::{
    FORMAT,
    call::OnInstance,
    error::{ErrorBody, GreenError},
    settings,
};

/// The settings are kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Saved {
    save_settings: bool,
}

/// Changes the settings that the body names; the others stay. Nothing is rebooted here, and the new values hold
/// at once.
#[utoipa::path(
    post, operation_id = "setSettings", tag = "account", request_body = settings::Settable,
    path = "/waInstance{idInstance}/setSettings/{apiTokenInstance}",
    responses((status = 200, body = Saved), (status = 400, body = ErrorBody), (status = 413, body = ErrorBody))
)]
pub(super) async fn run(on: &OnInstance, body: Map<String, Value>) -> Result<Saved, GreenError> {
    let given = settings::given(&body)?;
    if given.is_empty() {
        return Err(GreenError::Validation("at least one setting is required".to_owned()));
    }
    let record = on.read().await?;
    let mut wanted = settings::block(&record);
    wanted.extend(given.clone());
    // The endpoint first: a URL that is refused must not be kept as a setting.
    on.app.webhooks.configure(&on.call, &record, &settings::endpoint(&wanted), true, 0).await?;
    let merge = |present: Option<Value>| {
        let mut block = match present {
            Some(Value::Object(block)) => block,
            _ => Map::new(),
        };
        block.extend(given.clone());
        Value::Object(block)
    };
    on.app.blocks.change(&on.call, &record, FORMAT, merge).await?;
    Ok(Saved { save_settings: true })
}
