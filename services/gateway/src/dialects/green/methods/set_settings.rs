//! `setSettings`

use serde_json::{Map, Value, json};

use crate::dialects::green::{FORMAT, call::OnInstance, error::GreenError, settings};

/// Changes the settings that the body names; the others stay. Nothing is rebooted here, and the new values hold
/// at once.
pub(super) async fn run(on: &OnInstance, body: Map<String, Value>) -> Result<Value, GreenError> {
    let given = settings::given(&body)?;
    if given.is_empty() {
        return Err(GreenError::Validation("at least one setting is required".to_owned()));
    }
    let record = on.read().await?;
    let mut wanted = settings::block(&record);
    wanted.extend(given.clone());
    // The endpoint first: a URL that is refused must not be kept as a setting.
    on.app.configure_webhook(&on.call, &record, &settings::endpoint(&wanted), true, 0).await?;
    let merge = |present: Option<Value>| {
        let mut block = match present {
            Some(Value::Object(block)) => block,
            _ => Map::new(),
        };
        block.extend(given.clone());
        Value::Object(block)
    };
    on.app.change_settings(&on.call, &record, FORMAT, merge).await?;
    Ok(json!({"saveSettings": true}))
}
