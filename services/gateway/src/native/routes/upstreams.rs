//! `GET /v1/upstreams` and `POST /v1/upstreams/{u}/adopt`: the operator's, with the root key.

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use berth_runtime::config::UpstreamHear;
use berth_upstreams::{Upstream, UpstreamError};
use futures::future::{join, join_all};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{Adopted, Adoption, App, Client, UpstreamFailure},
    native::{
        Code, Problem,
        body::Json,
        call::{Caller, Key},
        render::answer,
        words,
    },
};

/// Every upstream.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpstreamsBody {
    upstreams: Vec<UpstreamBody>,
}

/// An upstream, and how it answers at this moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "name": "evo1", "kind": "evolution", "mode": "drive", "url": "https://evolution.example.com/", "hear": "socket",
    "hear_trouble": null, "callback_url": "https://berth.example.com/", "accounts": ["default"], "healthy": true,
    "version": "2.3.7", "trouble": null
})))]
pub(super) struct UpstreamBody {
    /// Its name.
    name: String,
    /// Which product it is.
    #[schema(value_type = words::UpstreamKind)]
    kind: &'static str,
    /// What is done with it.
    #[schema(value_type = words::UpstreamMode)]
    mode: &'static str,
    /// Its address. Its key is never shown.
    url: String,
    /// How Berth hears that there is something to look at: `poll`, or `socket`, its Socket.IO beside polls.
    #[schema(value_type = words::UpstreamHear)]
    hear: &'static str,
    /// Why its Socket.IO is not heard although it is to be; polls go on.
    hear_trouble: Option<String>,
    /// Where it calls Berth, and so whether its webhooks are Berth's while it is driven; none if that is not configured.
    callback_url: Option<String>,
    /// Names or ids of the accounts that may have instances on it.
    accounts: Vec<String>,
    /// Whether it answers and takes the key.
    healthy: bool,
    /// The release that it says it is.
    version: Option<String>,
    /// What is wrong with it.
    trouble: Option<String>,
}

/// Shows every upstream with how it answers at this moment.
#[utoipa::path(
    get, operation_id = "list_upstreams", path = "/v1/upstreams", tag = "upstreams",
    responses((status = 200, body = UpstreamsBody))
)]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let upstreams = app.adoptions.all(&caller.principal)?.iter().map(async |upstream| {
        let (settings, health) = (&upstream.settings, upstream.client.health());
        let (health, unheard) = join(health, unheard(upstream)).await;
        UpstreamBody {
            name: settings.name.clone(),
            kind: settings.kind.as_str(),
            mode: settings.mode.as_str(),
            url: settings.url.to_string(),
            hear: settings.hear.as_str(),
            hear_trouble: unheard.map(|why| why.to_string()),
            callback_url: settings.callback.as_ref().map(ToString::to_string),
            accounts: settings.accounts.clone(),
            healthy: health.trouble.is_none(),
            version: health.version,
            trouble: health.trouble.map(|trouble| trouble.to_string()),
        }
    });
    Ok(answer(StatusCode::OK, UpstreamsBody { upstreams: join_all(upstreams).await }, false))
}

/// Why the socket of an upstream is not heard, if it is to be.
async fn unheard(upstream: &Upstream) -> Option<UpstreamError> {
    match upstream.settings.hear {
        UpstreamHear::Poll => None,
        UpstreamHear::Socket => upstream.client.ear().await.err(),
    }
}

/// What is adopted, and for whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"account": "06gvptn1m9vt9ademgnjm3g4ik", "dry_run": true})))]
pub(super) struct AdoptRequest {
    /// The id of the account that the instances shall belong to.
    account: String,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
    /// The names there of those that it is about; all of them if it is left out.
    only: Option<Vec<String>>,
    /// Adopt those again that were deleted here.
    #[serde(default)]
    deleted_too: bool,
}

/// What an adoption came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "adopted": 1, "present": 0, "deleted_here": 0, "refused": 1, "instances": [
        {"name": "shop", "outcome": "adopted", "reason": null},
        {"name": "till", "outcome": "refused", "reason": "name_taken"}
    ]
})))]
pub(super) struct AdoptBody {
    /// How many instances were adopted, or would be.
    adopted: usize,
    /// How many are here already.
    present: usize,
    /// How many were deleted here, and stay so.
    deleted_here: usize,
    /// How many are refused.
    refused: usize,
    /// Every instance of the upstream.
    instances: Vec<AdoptedBody>,
}

/// What an adoption came to for one instance.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AdoptedBody {
    /// Its name.
    name: String,
    /// `adopted`, or `to_adopt` if that is only said; `present`; `deleted_here`; `refused`.
    #[schema(value_type = words::AdoptionOutcome)]
    outcome: &'static str,
    /// Why it is refused.
    #[schema(value_type = Option<words::AdoptionReason>)]
    reason: Option<&'static str>,
}

/// Makes an instance here of each that is on the upstream, with its name and token; linked devices come over without a
/// new scan. A repeat changes nothing, and brings nothing back that was deleted here, unless it is asked for.
#[utoipa::path(
    post, operation_id = "adopt_instances", path = "/v1/upstreams/{u}/adopt", tag = "upstreams", request_body = AdoptRequest,
    params(("u" = String, Path, description = "Name of the upstream")),
    responses((status = 200, body = AdoptBody), (status = 502, body = Problem))
)]
pub(super) async fn adopt(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    Extension(client): Extension<Client>,
    body: Json<AdoptRequest>,
) -> Result<Response, Problem> {
    let account = body
        .value
        .account
        .parse()
        .map_err(|_| Problem::invalid("`account`: the id of an account is expected."))?;
    let AdoptRequest { dry_run, only, deleted_too, .. } = body.value;
    let asked = Adoption { account, dry_run, only, deleted_too };
    let told = app.adoptions.adopt(&caller.principal, &client, &key.0, &asked).await?;
    let count = |outcomes: &[&str]| told.iter().filter(|one| outcomes.contains(&one.outcome)).count();
    let body = AdoptBody {
        adopted: count(&["adopted", "to_adopt"]),
        present: count(&["present"]),
        deleted_here: count(&["deleted_here"]),
        refused: count(&["refused"]),
        instances: told.into_iter().map(AdoptedBody::of).collect(),
    };
    Ok(answer(StatusCode::OK, body, false))
}

impl AdoptedBody {
    fn of(adopted: Adopted) -> Self {
        let Adopted { name, outcome, reason } = adopted;
        Self { name, outcome, reason }
    }
}

impl From<UpstreamFailure> for Problem {
    fn from(failure: UpstreamFailure) -> Self {
        match failure {
            UpstreamFailure::Failed(failure) => failure.into(),
            UpstreamFailure::Upstream(error) => {
                Self::new(Code::UpstreamUnusable, format!("The upstream cannot be used: {error}."))
            }
        }
    }
}
