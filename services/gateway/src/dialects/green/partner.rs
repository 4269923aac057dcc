//! The partner API: creating, listing and deleting instances with an account's token.
//!
//! Its failures come with HTTP 200 and a compact body, which one SDK compares byte for byte.

use axum::{
    Json,
    extract::Request,
    http::Method,
    response::{IntoResponse, Response},
};
use berth_proto::{
    AccountId, Timestamp, command::DeleteV1, frame::RejectionCodeV1, instance::PhaseV1,
    query::InstanceQueryV1,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::{
    FORMAT,
    error::{ErrorBody, GreenError},
    methods::object,
    settings,
};
use crate::app::{App, Call, Failure, KeyKind, NewInstance, Principal, Rate, Record, check_name};

/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;
/// How long deleted instances are listed: three months.
const DELETED_SHOWN_SECONDS: i64 = 90 * 24 * 3_600;
/// What stands where an instance is not deleted.
const NEVER: &str = "0001-01-01T00:00:00";
/// When an instance expires: never, and clients expect a moment.
const FAR: &str = "9999-12-31T00:00:00";

/// Requests of one partner a second, for each method.
const RATE: Rate = Rate { requests: 1, window_seconds: 1 };

/// A failure that comes with HTTP 200.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refusal {
    code: u16,
    description: &'static str,
}

const UNAUTHORIZED: Refusal = Refusal { code: 401, description: "Unauthorized" };
const NOT_FOUND: Refusal = Refusal { code: 404, description: "Not found" };

/// What was asked for, or why not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum OrRefusal<T: ToSchema> {
    Done(T),
    Refused(Refusal),
}

/// A new instance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "they are this dialect's")]
pub(super) struct Created {
    id_instance: u64,
    api_token_instance: String,
    type_instance: &'static str,
}

/// An instance in the list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are this dialect's")]
pub(super) struct Row {
    id_instance: u64,
    /// Empty if it is deleted, like its token.
    name: String,
    type_instance: &'static str,
    type_account: &'static str,
    partner_user_uiid: &'static str,
    /// UTC, in seconds and without a zone.
    time_created: String,
    /// `0001-01-01T00:00:00` if it is not deleted.
    time_deleted: String,
    api_token_instance: String,
    deleted: bool,
    tariff: &'static str,
    is_free: bool,
    is_partner: bool,
    expiration_date: &'static str,
    is_expired: bool,
}

/// The instance is deleted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeletedInstance {
    delete_instance_account: bool,
}

/// The settings of a new instance and its name.
#[derive(Debug)]
pub(super) struct CreateRequest;

impl ToSchema for CreateRequest {}

impl PartialSchema for CreateRequest {
    fn schema() -> RefOr<Schema> {
        settings::settable().property("name", String::schema()).into()
    }
}

/// Which instance to delete.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it documents a body that is read field by field, for the texts of its errors")]
#[schema(rename_all = "camelCase")]
pub(super) struct DeleteRequest {
    id_instance: u64,
}

/// Answers a partner method; an error shows the path `shown`, which has no token.
pub(super) async fn answer(app: &App, method: &str, token: &str, shown: &str, request: Request) -> Response {
    run(app, method, token, request).await.unwrap_or_else(|error| error.into_response_at(shown, app.now()))
}

async fn run(app: &App, method: &str, token: &str, request: Request) -> Result<Response, GreenError> {
    let wanted = match method {
        "createinstance" | "deleteinstanceaccount" => Method::POST,
        "getinstances" => Method::GET,
        _ => return Err(GreenError::NotFound),
    };
    if request.method() != wanted {
        return Err(GreenError::NotFound);
    }
    let authenticated =
        app.principals.authenticate(token, crate::http::headers::peer(request.extensions())).await;
    let (principal, account) = match authenticated {
        Ok(principal @ Principal::Account { account, .. }) => (principal, account),
        Ok(_) | Err(Failure::Unauthorized) => return Ok(Json(UNAUTHORIZED).into_response()),
        Err(failure) => return Err(failure.into()),
    };
    if !app.counters.count(&format!("green-{method}"), &account.to_string(), RATE).await?.allowed {
        return Err(GreenError::Limited);
    }
    let call = Call::new(principal, "green", crate::http::headers::client(request.extensions()));
    Ok(match method {
        "createinstance" => Json(create(app, &call, object(request).await?).await?).into_response(),
        "getinstances" => Json(list(app, account).await?).into_response(),
        _ => Json(delete(app, &call, object(request).await?).await?).into_response(),
    })
}

/// Creates an instance. Everything is off that the body does not set.
#[utoipa::path(
    post, operation_id = "createInstance", tag = "partner", path = "/partner/createInstance/{partnerToken}",
    request_body = CreateRequest,
    responses((status = 200, body = OrRefusal<Created>), (status = 400, body = ErrorBody), (status = 413, body = ErrorBody))
)]
pub(super) async fn create(
    app: &App,
    call: &Call,
    body: Map<String, Value>,
) -> Result<OrRefusal<Created>, GreenError> {
    let given = settings::given(&body)?;
    let shown_name = match body.get("name") {
        None => None,
        Some(Value::String(name)) => Some(name.as_str()).filter(|name| !name.is_empty()),
        Some(_) => return Err(GreenError::Validation("'name' must be a string".to_owned())),
    };
    if given.is_empty() && shown_name.is_none() {
        return Err(GreenError::Validation("at least one parameter is required".to_owned()));
    }
    let mut block = given.clone();
    block.insert("name".to_owned(), json!(shown_name));
    let mut new = NewInstance {
        name: shown_name.and_then(|name| check_name(name).ok()),
        settings: vec![(FORMAT, Value::Object(block))],
        webhooks: vec![settings::endpoint(&given)],
        ..NewInstance::default()
    };
    let created = match app.creator.create_at_once(call, new.clone()).await {
        // Names are not unique in this dialect: the second of a name gets one of its own, and shows the given one.
        Err(Failure::Rejected(RejectionCodeV1::NameTaken | RejectionCodeV1::StillLeaving)) => {
            new.name = None;
            app.creator.create(call, new).await
        }
        other => other,
    };
    let record = created?.record;
    Ok(OrRefusal::Done(Created {
        id_instance: record.state.number,
        api_token_instance: record.token(),
        type_instance: "whatsapp",
    }))
}

/// Lists the instances, those among them that were deleted in the last three months.
#[utoipa::path(
    get, operation_id = "getInstances", tag = "partner", path = "/partner/getInstances/{partnerToken}",
    responses((status = 200, body = OrRefusal<Vec<Row>>))
)]
pub(super) async fn list(app: &App, account: AccountId) -> Result<OrRefusal<Vec<Row>>, GreenError> {
    let query = InstanceQueryV1 { with_deleted: true, ..InstanceQueryV1::default() };
    let records = app.lists.all(account, query, INSTANCES_MAX).await?;
    let oldest = app.now().plus_seconds(-DELETED_SHOWN_SECONDS);
    let shown = records.iter().filter(|record| deleted_at(record).is_none_or(|at| at >= oldest));
    Ok(OrRefusal::Done(shown.map(row).collect()))
}

/// Deletes an instance and unlinks its device.
#[utoipa::path(
    post, operation_id = "deleteInstanceAccount", tag = "partner",
    path = "/partner/deleteInstanceAccount/{partnerToken}", request_body = DeleteRequest,
    responses((status = 200, body = OrRefusal<DeletedInstance>), (status = 400, body = ErrorBody), (status = 413, body = ErrorBody))
)]
pub(super) async fn delete(
    app: &App,
    call: &Call,
    body: Map<String, Value>,
) -> Result<OrRefusal<DeletedInstance>, GreenError> {
    let number = match body.get("idInstance") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        None => return Err(GreenError::Validation("'idInstance' is required".to_owned())),
        Some(_) => return Err(GreenError::Validation("'idInstance' must be a number".to_owned())),
    };
    match app
        .finder
        .decide_on(call, &number, &[KeyKind::Number], DeleteV1 { only_without_session: false })
        .await
    {
        Ok(_) => Ok(OrRefusal::Done(DeletedInstance { delete_instance_account: true })),
        Err(Failure::NotFound | Failure::Rejected(RejectionCodeV1::Deleted | RejectionCodeV1::NotFound)) => {
            Ok(OrRefusal::Refused(NOT_FOUND))
        }
        Err(failure) => Err(failure.into()),
    }
}

const fn deleted_at(record: &Record) -> Option<Timestamp> {
    match record.state.phase {
        PhaseV1::Deleted { at } => Some(at),
        _ => None,
    }
}

/// A row; the name and the token of a deleted instance are empty, since they are erased.
fn row(record: &Record) -> Row {
    let deleted = deleted_at(record);
    let given = settings::block(record).remove("name").and_then(|name| name.as_str().map(str::to_owned));
    Row {
        id_instance: record.state.number,
        name: given.unwrap_or_else(|| record.name.clone()),
        type_instance: "whatsapp",
        type_account: "",
        partner_user_uiid: "",
        time_created: seconds(record.state.created_at),
        time_deleted: deleted.map_or_else(|| NEVER.to_owned(), seconds),
        api_token_instance: record.token(),
        deleted: deleted.is_some(),
        tariff: "PARTNER",
        is_free: false,
        is_partner: true,
        expiration_date: FAR,
        is_expired: false,
    }
}

/// A moment in UTC without fraction and zone, as this dialect writes it.
fn seconds(moment: Timestamp) -> String {
    crate::http::time::iso_millis(moment).chars().take(19).collect()
}
