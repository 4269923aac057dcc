//! `POST /instance/create`

use axum::{Json, extract::Request, http::StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::connect::{CodeAnswer, connect, phone};
use crate::{
    app::{NewInstance, Record, WantedLink},
    dialects::evolution::{
        FORMAT, bodies,
        call::{Caller, OnInstance, field, object, text},
        error::{ErrorBody, EvolutionError},
        kept::{self, Settings},
        webhook::{self, CreatedWebhook},
        words,
    },
};

/// The channels that a create may name; they are shown again and work alike here.
const INTEGRATIONS: [&str; 3] = ["WHATSAPP-BAILEYS", BUSINESS, "EVOLUTION"];
/// The channel whose `number` is an id that it cannot be without, and which has no presence.
pub(super) const BUSINESS: &str = "WHATSAPP-BUSINESS";
/// The fields of a create that make a proxy, and the proxy's own names of them.
const PROXY: [(&str, &str); 5] = [
    ("proxyHost", "host"),
    ("proxyPort", "port"),
    ("proxyProtocol", "protocol"),
    ("proxyUsername", "username"),
    ("proxyPassword", "password"),
];

/// A new instance.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreateAnswer {
    instance: CreatedInstance,
    /// The instance's token.
    hash: String,
    webhook: CreatedWebhook,
    websocket: CreatedTransport,
    rabbitmq: CreatedTransport,
    nats: CreatedTransport,
    sqs: CreatedTransport,
    settings: Settings,
    /// The code to scan, if the create asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    qrcode: Option<CodeAnswer>,
}

/// The instance itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CreatedInstance {
    instance_name: String,
    /// A hyphenated UUID.
    instance_id: String,
    integration: String,
    webhook_wa_business: Option<String>,
    access_token_wa_business: &'static str,
    /// `connecting` or `close`.
    status: &'static str,
}

/// A way to send events: `{}` if it is off.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedTransport {
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

/// Creates an instance; with `qrcode` it connects at once and waits for the code.
#[utoipa::path(
    post, operation_id = "create", path = "/instance/create", tag = "instance",
    request_body = bodies::Create,
    responses(
        (status = 201, body = CreateAnswer), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)
    )
)]
pub(super) async fn handler(
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<CreateAnswer>), EvolutionError> {
    if !caller.call.principal.is_account() {
        return Err(EvolutionError::Unauthorized);
    }
    let body = object(request).await?;
    let name = name(&body)?;
    let integration = integration(&body)?;
    let number = number(&body)?;
    if integration == BUSINESS && number.is_none() {
        return Err(EvolutionError::Refused("number is required".to_owned()));
    }
    let wants_code = match field(&body, &["qrcode"]) {
        None => false,
        Some(Value::Bool(wants)) => *wants && integration == "WHATSAPP-BAILEYS",
        Some(_) => {
            return Err(EvolutionError::Validation("qrcode is not of a type(s) boolean".to_owned()));
        }
    };
    let phone = number.as_deref().filter(|_| wants_code).map(phone).transpose()?;
    let wanted = wanted_link(&body)?;
    let token = text(&body, "token")?.filter(|token| !token.is_empty());
    let new = NewInstance {
        name: Some(name.clone()),
        token: Some(token.unwrap_or_else(|| format!("{:X}", caller.app.tokens.random_uuid().hyphenated()))),
        settings: vec![(FORMAT, kept_of(&body, &integration, number.as_deref())?)],
        webhooks: webhook::of_create(&body)?.into_iter().collect(),
        ..NewInstance::default()
    };
    let created = caller
        .app
        .adoptions
        .create(&caller.call, wanted.as_ref(), new)
        .await
        .map_err(|failure| EvolutionError::of(&name, failure))?;
    let Caller { app, call } = caller;
    let mut record = created.record;
    let mut qrcode = None;
    if wants_code {
        let on = OnInstance { app, call, name };
        // The instance is there: a code that cannot be had at this moment is asked for by a connect.
        match connect(&on, phone.as_deref()).await {
            Ok(connected) => {
                qrcode = Some(CodeAnswer::of(&connected.codes).await);
                record = connected.record;
            }
            Err(_) => qrcode = Some(CodeAnswer::none()),
        }
    }
    Ok((StatusCode::CREATED, Json(answer(record, integration, qrcode))))
}

fn answer(record: Record, integration: String, qrcode: Option<CodeAnswer>) -> CreateAnswer {
    let transport = |name: &str| {
        let is_on = kept::row(&record, name).is_some_and(|row| row.is_enabled());
        CreatedTransport { enabled: is_on.then_some(true) }
    };
    CreateAnswer {
        webhook: webhook::present(&record).as_ref().map(CreatedWebhook::of).unwrap_or_default(),
        websocket: transport("websocket"),
        rabbitmq: transport("rabbitmq"),
        nats: transport("nats"),
        sqs: transport("sqs"),
        settings: kept::settings(&record),
        hash: record.token(),
        instance: CreatedInstance {
            instance_id: record.id.to_uuid().to_string(),
            integration,
            webhook_wa_business: None,
            access_token_wa_business: "",
            status: words::state(&record.state.phase),
            instance_name: record.name,
        },
        qrcode,
    }
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
    block.insert("businessId".to_owned(), json!(text(body, "businessId")?));
    block.insert("settings".to_owned(), Value::Object(kept::given_settings(body)?));
    for transport in kept::TRANSPORTS {
        match field(body, &[transport]) {
            None => {}
            Some(Value::Object(given)) => {
                let given = kept::created_transport(transport, given)?;
                block.insert(transport.to_owned(), Value::Object(given));
            }
            Some(_) => {
                return Err(EvolutionError::Validation(format!("{transport} is not of a type(s) object")));
            }
        }
    }
    let mut proxy = Map::new();
    for (from, to) in PROXY {
        if let Some(given) = text(body, from)? {
            proxy.insert(to.to_owned(), json!(given));
        }
    }
    if proxy.contains_key("host") {
        proxy.insert("enabled".to_owned(), json!(true));
        block.insert("proxy".to_owned(), Value::Object(proxy));
    }
    Ok(Value::Object(block))
}

/// Where the instance shall be, a field that the product does not know: `{"upstream": "evo1"}` or `{"worker": "baileys"}`.
fn wanted_link(body: &Map<String, Value>) -> Result<Option<WantedLink>, EvolutionError> {
    let unclear = || {
        EvolutionError::Validation(
            "link is not one of {\"upstream\": name}, {\"worker\": library}".to_owned(),
        )
    };
    let Some(link) = field(body, &["link"]) else { return Ok(None) };
    let mut fields = link.as_object().ok_or_else(unclear)?.iter();
    let (Some((kind, Value::String(name))), None) = (fields.next(), fields.next()) else {
        return Err(unclear());
    };
    match kind.as_str() {
        "upstream" => Ok(Some(WantedLink::Upstream(name.clone()))),
        "worker" => Ok(Some(WantedLink::Worker(name.clone()))),
        _ => Err(unclear()),
    }
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
