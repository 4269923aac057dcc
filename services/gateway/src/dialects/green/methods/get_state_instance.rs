//! `getStateInstance`

use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::green::{
    call::OnInstance,
    error::GreenError,
    words::{self, StateInstance},
};

/// The state of an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    state_instance: StateInstance,
}

/// Shows the state of the account.
#[utoipa::path(
    get, operation_id = "getStateInstance", tag = "account",
    path = "/waInstance{idInstance}/getStateInstance/{apiTokenInstance}",
    responses((status = 200, body = State))
)]
pub(super) async fn run(on: &OnInstance) -> Result<State, GreenError> {
    let record = on.read().await?;
    Ok(State { state_instance: words::state(&record.state.phase) })
}
