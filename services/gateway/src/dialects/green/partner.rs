//! The partner API: creating, listing and deleting instances with an account's token.
//!
//! Its failures come with HTTP 200 and a compact body, which one SDK compares byte for byte.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_proto::{AccountId, Timestamp, command::DeleteV1, frame::RejectionCodeV1, instance::PhaseV1};
use serde_json::{Map, Value, json};

use super::{FORMAT, error::GreenError, methods::object, settings};
use crate::app::{App, Call, Failure, KeyKind, ListQuery, NewInstance, Principal, Record, check_name};

/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;
/// How long deleted instances are listed: three months.
const DELETED_SHOWN_SECONDS: i64 = 90 * 24 * 3_600;
/// What stands where an instance is not deleted.
const NEVER: &str = "0001-01-01T00:00:00";
/// When an instance expires: never, and clients expect a moment.
const FAR: &str = "9999-12-31T00:00:00";

/// Answers a partner method; an error shows the path `shown`, which has no token.
pub(super) async fn answer(app: &App, method: &str, token: &str, shown: &str, request: Request) -> Response {
    let now = app.now();
    match run(app, method, token, request).await {
        Ok(body) => Json(body).into_response(),
        Err(Refused::Compact(body)) => compact(body),
        Err(Refused::Plain(error)) => error.into_response_at(shown, now),
    }
}

enum Refused {
    /// HTTP 200 with this body.
    Compact(&'static str),
    /// An ordinary error.
    Plain(GreenError),
}

impl<E: Into<GreenError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Plain(error.into())
    }
}

const UNAUTHORIZED: &str = r#"{"code":401,"description":"Unauthorized"}"#;
const NOT_FOUND: &str = r#"{"code":404,"description":"Not found"}"#;

fn compact(body: &'static str) -> Response {
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (StatusCode::OK, [json], body).into_response()
}

async fn run(app: &App, method: &str, token: &str, request: Request) -> Result<Value, Refused> {
    let account = match app.authenticate(token).await {
        Ok(Principal::Account { account }) => account,
        Ok(_) | Err(Failure::Unauthorized) => return Err(Refused::Compact(UNAUTHORIZED)),
        Err(failure) => return Err(failure.into()),
    };
    let call = Call::new(Principal::Account { account }, "green");
    match (method, request.method()) {
        ("createinstance", &Method::POST) => create(app, &call, object(request).await?).await,
        ("getinstances", &Method::GET) => list(app, account).await,
        ("deleteinstanceaccount", &Method::POST) => delete(app, &call, object(request).await?).await,
        _ => Err(GreenError::NotFound.into()),
    }
}

async fn create(app: &App, call: &Call, body: Map<String, Value>) -> Result<Value, Refused> {
    let given = settings::given(&body)?;
    let shown_name = body.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    if given.is_empty() && shown_name.is_none() {
        return Err(GreenError::Validation("at least one parameter is required".to_owned()).into());
    }
    let mut block = given.clone();
    block.insert("name".to_owned(), json!(shown_name));
    let mut new = NewInstance {
        name: shown_name.and_then(|name| check_name(name).ok()),
        settings: vec![(FORMAT, Value::Object(block))],
        webhooks: vec![settings::endpoint(&given)],
        ..NewInstance::default()
    };
    let created = match app.create(call, new.clone()).await {
        // Names are not unique in this dialect: the second of a name gets one of its own, and shows the given one.
        Err(Failure::Rejected { code: RejectionCodeV1::NameTaken, .. }) => {
            new.name = None;
            app.create(call, new).await
        }
        other => other,
    };
    let record = created?.record;
    Ok(json!({
        "idInstance": record.state.number,
        "apiTokenInstance": record.token,
        "typeInstance": "whatsapp",
    }))
}

async fn list(app: &App, account: AccountId) -> Result<Value, Refused> {
    let query = ListQuery { with_deleted: true, ..ListQuery::default() };
    let records = app.list_all(account, query, INSTANCES_MAX).await?;
    let oldest = app.now().plus_seconds(-DELETED_SHOWN_SECONDS);
    Ok(records.iter().filter(|record| deleted_at(record).is_none_or(|at| at >= oldest)).map(row).collect())
}

async fn delete(app: &App, call: &Call, body: Map<String, Value>) -> Result<Value, Refused> {
    let number = match body.get("idInstance") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        _ => return Err(GreenError::Validation("'idInstance' is required".to_owned()).into()),
    };
    match app.command_on(call, &number, &[KeyKind::Number], DeleteV1 { only_without_session: false }).await {
        Ok(_) => Ok(json!({"deleteInstanceAccount": true})),
        Err(
            Failure::NotFound
            | Failure::Rejected { code: RejectionCodeV1::Deleted | RejectionCodeV1::NotFound, .. },
        ) => Err(Refused::Compact(NOT_FOUND)),
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
fn row(record: &Record) -> Value {
    let deleted = deleted_at(record);
    let given = settings::block(record).remove("name").and_then(|name| name.as_str().map(str::to_owned));
    json!({
        "idInstance": record.state.number,
        "name": given.unwrap_or_else(|| record.name.clone()),
        "typeInstance": "whatsapp",
        "typeAccount": "",
        "partnerUserUiid": "",
        "timeCreated": seconds(record.state.created_at),
        "timeDeleted": deleted.map_or_else(|| NEVER.to_owned(), seconds),
        "apiTokenInstance": record.token,
        "deleted": deleted.is_some(),
        "tariff": "PARTNER",
        "isFree": false,
        "isPartner": true,
        "expirationDate": FAR,
        "isExpired": false,
    })
}

/// A moment in UTC without fraction and zone, as this dialect writes it.
fn seconds(moment: Timestamp) -> String {
    crate::http::time::iso_millis(moment).chars().take(19).collect()
}
