//! `updateApiToken`

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::green::{call::OnInstance, error::GreenError};

/// The new token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Renewed {
    api_token_instance: String,
}

/// Gives the instance another token; the old one ends at once.
#[utoipa::path(
    get, operation_id = "updateApiToken", tag = "account",
    path = "/waInstance{idInstance}/updateApiToken/{apiTokenInstance}",
    responses((status = 200, body = Renewed))
)]
pub(super) async fn run(on: &OnInstance) -> Result<Renewed, GreenError> {
    let record = on.read().await?;
    let answer = on.app.tokens.rotate(&on.call, &record, None).await?;
    Ok(Renewed { api_token_instance: answer.record.token() })
}
