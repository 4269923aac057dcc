//! `POST /instance/create`

use axum::{Json, extract::Request, http::StatusCode};
use serde_json::{Map, Value, json};

use super::connect::{code_of, connect};
use crate::{
    app::{NewInstance, Record},
    dialects::evolution::{
        FORMAT,
        call::{Caller, OnInstance, field, object},
        error::EvolutionError,
        kept, webhook, words,
    },
};

/// The channels that a create may name; they are shown again and all work alike here.
const INTEGRATIONS: [&str; 3] = ["WHATSAPP-BAILEYS", "WHATSAPP-BUSINESS", "EVOLUTION"];

/// Creates an instance; with `qrcode` it connects at once and waits for the code.
pub(super) async fn handler(
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Value>), EvolutionError> {
    if !caller.call.principal.is_account() {
        return Err(EvolutionError::Unauthorized);
    }
    let body = object(request).await?;
    let name = name(&body)?;
    let integration = integration(&body)?;
    let number = number(&body)?;
    let wants_code = match field(&body, &["qrcode"]) {
        None => false,
        Some(Value::Bool(wants)) => *wants,
        Some(_) => {
            return Err(EvolutionError::Validation("qrcode is not of a type(s) boolean".to_owned()));
        }
    };
    let new = NewInstance {
        name: Some(name.clone()),
        token: text(&body, "token")?.filter(|token| !token.is_empty()),
        settings: vec![(FORMAT, kept_of(&body, &integration, number.as_deref())?)],
        webhooks: webhook::of_create(&body)?.into_iter().collect(),
        ..NewInstance::default()
    };
    let created =
        caller.app.create(&caller.call, new).await.map_err(|failure| EvolutionError::of(&name, failure))?;
    let Caller { app, call } = caller;
    let mut record = created.record;
    let mut qrcode = None;
    if wants_code && integration == "WHATSAPP-BAILEYS" {
        let on = OnInstance { app, call, name };
        let connected = connect(&on, number.as_deref()).await?;
        qrcode = Some(code_of(&connected.codes));
        record = connected.record;
    }
    Ok((StatusCode::CREATED, Json(answer(&record, &integration, qrcode))))
}

fn answer(record: &Record, integration: &str, qrcode: Option<Value>) -> Value {
    let mut answer = json!({
        "instance": {
            "instanceName": record.name,
            "instanceId": record.id.to_uuid().to_string(),
            "integration": integration,
            "webhookWaBusiness": null,
            "accessTokenWaBusiness": "",
            "status": words::state(&record.state.phase),
        },
        "hash": record.token,
        "webhook": webhook::of_answer(webhook::present(record).as_ref()),
        "websocket": enabled(record, "websocket"),
        "rabbitmq": enabled(record, "rabbitmq"),
        "nats": enabled(record, "nats"),
        "sqs": enabled(record, "sqs"),
        "settings": kept::settings(record),
    });
    if let (Some(qrcode), Value::Object(answer)) = (qrcode, &mut answer) {
        answer.insert("qrcode".to_owned(), qrcode);
    }
    answer
}

fn enabled(record: &Record, transport: &str) -> Value {
    let on = kept::row(record, transport).and_then(|row| row.get("enabled").cloned()) == Some(json!(true));
    if on { json!({"enabled": true}) } else { json!({}) }
}

/// What is kept as given.
fn kept_of(
    body: &Map<String, Value>,
    integration: &str,
    number: Option<&str>,
) -> Result<Value, EvolutionError> {
    let mut block = Map::new();
    block.insert("integration".to_owned(), json!(integration));
    block.insert("number".to_owned(), json!(number));
    block.insert("businessId".to_owned(), body.get("businessId").cloned().unwrap_or_default());
    block.insert("settings".to_owned(), Value::Object(kept::given_settings(body)?));
    for transport in kept::TRANSPORTS {
        if let Some(Value::Object(given)) = body.get(transport) {
            block.insert(transport.to_owned(), Value::Object(given.clone()));
        }
    }
    let proxy: Map<String, Value> = [
        ("proxyHost", "host"),
        ("proxyPort", "port"),
        ("proxyProtocol", "protocol"),
        ("proxyUsername", "username"),
        ("proxyPassword", "password"),
    ]
    .iter()
    .filter_map(|(from, to)| Some(((*to).to_owned(), field(body, &[from])?.clone())))
    .collect();
    if proxy.contains_key("host") {
        block.insert("proxy".to_owned(), Value::Object(proxy));
    }
    Ok(Value::Object(block))
}

fn name(body: &Map<String, Value>) -> Result<String, EvolutionError> {
    let name = text(body, "instanceName")?.ok_or_else(|| {
        EvolutionError::Validation("instance requires property \"instanceName\"".to_owned())
    })?;
    let name = name.trim();
    if name.is_empty() {
        return Err(EvolutionError::Validation("The \"instanceName\" cannot be empty".to_owned()));
    }
    Ok(name.to_owned())
}

fn integration(body: &Map<String, Value>) -> Result<String, EvolutionError> {
    match field(body, &["integration"]) {
        None => Ok("WHATSAPP-BAILEYS".to_owned()),
        Some(Value::String(name)) if INTEGRATIONS.contains(&name.as_str()) => Ok(name.clone()),
        Some(_) => Err(EvolutionError::Refused("Invalid integration".to_owned())),
    }
}

/// The number: the pattern is the product's, `^\d+[\.@\w-]+`.
fn number(body: &Map<String, Value>) -> Result<Option<String>, EvolutionError> {
    let Some(number) = text(body, "number")?.filter(|number| !number.is_empty()) else { return Ok(None) };
    let starts = number.starts_with(|c: char| c.is_ascii_digit());
    if !starts
        || number.chars().count() < 2
        || !number.chars().all(|c| c.is_alphanumeric() || ".@_-".contains(c))
    {
        let text = r#"number does not match pattern "^\\d+[\\.@\\w-]+""#;
        return Err(EvolutionError::Validation(text.to_owned()));
    }
    Ok(Some(number))
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, EvolutionError> {
    match field(body, &[name]) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(EvolutionError::Validation(format!("{name} is not of a type(s) string"))),
    }
}
