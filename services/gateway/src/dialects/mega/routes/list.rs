//! `GET /rest/instance/list`

use axum::Json;
use berth_proto::query::InstanceQueryV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Record,
    dialects::mega::{call::OnHost, error::MegaError, words},
};

/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;

/// The instances of the host.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListAnswer {
    /// `false`.
    error: bool,
    message: &'static str,
    data: Vec<Row>,
}

/// An instance.
#[derive(Debug, Serialize, ToSchema)]
struct Row {
    instance_key: String,
    /// The instance's own token.
    token: String,
    /// `connected`, `connecting` or `disconnected`.
    status: &'static str,
    /// The linked device.
    jid: Option<String>,
}

impl Row {
    fn of(record: Record) -> Self {
        Self {
            status: words::status(&record.state.phase),
            token: record.token(),
            jid: record.device().map(|device| device.jid),
            instance_key: record.name,
        }
    }
}

/// Lists the instances of the host; only its token may.
#[utoipa::path(
    get, operation_id = "list", path = "/rest/instance/list", tag = "instance",
    responses((status = 200, body = ListAnswer))
)]
pub(super) async fn handler(on: OnHost) -> Result<Json<ListAnswer>, MegaError> {
    let account = on.call.principal.account().ok_or(MegaError::Unauthorized)?;
    let records = on.app.lists.all(account, InstanceQueryV1::default(), INSTANCES_MAX).await?;
    let data = records.into_iter().map(Row::of).collect();
    Ok(Json(ListAnswer { error: false, message: "Instances fetched", data }))
}
