//! `POST /v1/instances`

use axum::{extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::webhooks::{WebhookRequest, Whose};
use crate::{
    app::{App, NewInstance, WantedLink},
    native::{
        body::{Json, Object},
        call::Caller,
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// What a new instance shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"name": "shop", "webhooks": [{"url": "https://example.com/hook"}]})))]
pub(super) struct CreateRequest {
    /// Its name, unique in the account: 1 to 128 characters; made up if it is left out.
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    /// Its token: 1 to 256 visible ASCII characters, unique in the deployment; made up if it is left out.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
    token: Option<String>,
    /// Settings that are kept as given.
    settings: Option<Map<String, Value>>,
    /// Where its link shall be; left out, on the upstream that was chosen for the account, or at the deployment's own driver.
    #[schema(value_type = Option<LinkRequest>)]
    link: Option<Object<LinkRequest>>,
    /// Webhook endpoints.
    #[serde(default)]
    #[schema(value_type = Vec<WebhookRequest>)]
    webhooks: Vec<Object<WebhookRequest>>,
}

/// Where the link of a new instance shall be, for life.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LinkRequest {
    /// The name of an upstream that the account was granted.
    Upstream(String),
    /// The WhatsApp library that its worker shall have, such as `baileys`.
    Worker(String),
}

/// A created instance.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedBody {
    #[serde(flatten)]
    instance: InstanceBody,
    /// Its token: shown here and never again, but to a repeat with the same Idempotency-Key.
    token: String,
    /// Ids and signing secrets of its webhooks, in the order in which they were given.
    webhook_secrets: Vec<SecretBody>,
}

/// The signing secret of an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretBody {
    /// The endpoint.
    id: String,
    /// `whsec_` and base64: shown here and never again, but to a repeat with the same Idempotency-Key.
    secret: String,
}

/// Creates an instance.
#[utoipa::path(
    post, operation_id = "create_instance", path = "/v1/instances", tag = "instances", request_body = CreateRequest,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = CreatedBody), (status = 409, body = Problem), (status = 410, body = Problem))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    body: Json<CreateRequest>,
) -> Result<Response, Problem> {
    let Json { value: request, bytes } = body;
    let mut webhooks = Vec::with_capacity(request.webhooks.len());
    for Object(webhook) in request.webhooks {
        webhooks.push(webhook.into_new(Whose::Instance)?);
    }
    let wanted: Option<WantedLink> = request.link.map(|Object(wanted)| wanted.into());
    let new = NewInstance {
        name: request.name,
        token: request.token,
        settings: request.settings.map(|settings| ("native", Value::Object(settings))).into_iter().collect(),
        webhooks,
        ..NewInstance::default()
    };
    let call = caller.call("POST /v1/instances", &bytes);
    let created = app.adoptions.create(&call, wanted.as_ref(), new).await?;
    let secrets =
        created.secrets.into_iter().map(|it| SecretBody { id: it.id.to_string(), secret: it.secret });
    let body = CreatedBody {
        instance: InstanceBody::of(&created.record),
        token: created.record.token(),
        webhook_secrets: secrets.collect(),
    };
    Ok(answer(StatusCode::CREATED, body, created.replayed))
}

impl From<LinkRequest> for WantedLink {
    fn from(link: LinkRequest) -> Self {
        match link {
            LinkRequest::Upstream(name) => Self::Upstream(name),
            LinkRequest::Worker(library) => Self::Worker(library),
        }
    }
}
