//! How the native API shows instances and webhooks.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use berth_domain::instance::{connection_word, pause_word, state_word};
use berth_notices::{pace::Pace, retries::Retries};
use berth_proto::{
    Timestamp,
    deliveries::FailingEndpointV1,
    instance::{EndCauseV1, PermissionV1, PhaseV1, UnlinkStatusV1},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::words;
use crate::app::{Erasure, Record, Webhook};

/// A moment as RFC 3339 in UTC with microseconds.
pub(super) fn time(moment: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(moment.0).map(|it| format!("{it:.6}")).unwrap_or_default()
}

/// An instance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "id": "06gvptn6stt118p4mhs3rj6adk", "name": "shop", "number": "3971370741", "state": "linked",
    "connection": "open", "session": 1, "attempt": 1, "webhooks": "open",
    "device": {
        "jid": "5511987654321@s.whatsapp.net", "lid": "1234567891155@lid", "phone": "5511987654321",
        "push_name": "Ana", "business_name": null, "picture_url": null, "platform": "android"
    },
    "pause": null, "last_end": null, "unlinks": [], "erasure": null,
    "created_at": "2026-11-21T10:07:36.001314Z", "updated_at": "2026-11-21T10:07:37.500000Z", "version": 5
})))]
pub(super) struct InstanceBody {
    /// Its id: 26 characters.
    id: String,
    /// Its name, unique in the account; empty once it is erased.
    name: String,
    /// Ten digits, unique in the deployment.
    number: String,
    /// `created`, `connecting`, `pairing`, `linked`, `paused`, `logged_out` or `deleted`.
    #[schema(value_type = words::State)]
    state: &'static str,
    /// Of a linked instance: `opening`, `open` or `lost`.
    #[schema(value_type = Option<words::Connection>)]
    connection: Option<&'static str>,
    /// Raised by each logout.
    session: u32,
    /// The number of the last attempt to link a device; 0 if there was none.
    attempt: u32,
    /// What webhooks are told: `open`, `silent` or `qr_only`.
    #[schema(value_type = words::Permission)]
    webhooks: &'static str,
    /// The last device that was linked; it stays after a logout.
    device: Option<DeviceBody>,
    /// Why a paused instance is stopped.
    pause: Option<PauseBody>,
    /// How the last session, link or attempt ended.
    last_end: Option<EndBody>,
    /// Devices that are or were to be unlinked.
    unlinks: Vec<UnlinkBody>,
    /// Of a deleted instance: `pending` or `done`.
    #[schema(value_type = Option<words::Erasing>)]
    erasure: Option<&'static str>,
    /// Where its link is, if not at the deployment's own driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkBody>,
    /// When it was created.
    created_at: String,
    /// When it last changed.
    updated_at: String,
    /// The version of its history that this shows.
    version: u64,
}

/// Where the link of an instance is that has not the deployment's own driver.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkBody {
    /// The kind of the upstream, such as `evolution`, or `worker`.
    kind: String,
    /// The name of the upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
    /// The WhatsApp library of its worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<String>,
}

impl LinkBody {
    fn of(binding: berth_domain::instance::Binding<'_>) -> Self {
        let upstream = binding.on_upstream().map(str::to_owned);
        let worker = upstream.is_none().then(|| binding.upstream.to_owned());
        Self { kind: binding.kind.to_owned(), upstream, worker }
    }
}

/// A linked device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceBody {
    jid: String,
    lid: Option<String>,
    phone: String,
    push_name: Option<String>,
    business_name: Option<String>,
    picture_url: Option<String>,
    platform: String,
}

/// Why an instance is stopped.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PauseBody {
    /// `asked`, `replaced`, `banned`, `outdated` or `refused`.
    #[schema(value_type = words::PauseReason)]
    reason: &'static str,
    /// WhatsApp's code, 0 if there is none.
    code: u16,
    /// When a ban ends.
    until: Option<String>,
    /// Since when.
    since: String,
}

/// How something ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EndBody {
    /// When.
    at: String,
    /// `command`, `phone`, `server`, `delete`, `attempt` or `pause`.
    #[schema(value_type = words::EndCause)]
    cause: &'static str,
    /// WhatsApp's code, 0 if there is none.
    code: u16,
}

/// A device that is or was to be unlinked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnlinkBody {
    /// The attempt that had linked it.
    attempt: u32,
    /// `pending`, `confirmed` or `abandoned`.
    #[schema(value_type = words::UnlinkStatus)]
    status: &'static str,
    /// When it is given up.
    deadline: String,
}

impl InstanceBody {
    pub(super) fn of(record: &Record) -> Self {
        let state = &record.state;
        Self {
            id: record.id.to_string(),
            name: record.name.clone(),
            number: state.number.to_string(),
            state: state_word(&state.phase),
            connection: connection_word(&state.phase),
            session: state.session,
            attempt: state.attempt,
            webhooks: match state.permission {
                PermissionV1::Open => "open",
                PermissionV1::Silent => "silent",
                PermissionV1::QrOnly => "qr_only",
            },
            device: record.device().map(|device| DeviceBody {
                jid: device.jid,
                lid: device.lid,
                phone: device.phone,
                push_name: device.push_name,
                business_name: device.business_name,
                picture_url: device.picture_url,
                platform: device.platform,
            }),
            pause: pause(state),
            last_end: state.last_end.as_ref().map(|end| EndBody {
                at: time(end.at),
                cause: cause(end.cause),
                code: end.code,
            }),
            unlinks: state
                .unlinks
                .iter()
                .map(|unlink| UnlinkBody {
                    attempt: unlink.attempt,
                    status: match unlink.status {
                        UnlinkStatusV1::Pending => "pending",
                        UnlinkStatusV1::Confirmed => "confirmed",
                        UnlinkStatusV1::Abandoned => "abandoned",
                    },
                    deadline: time(unlink.deadline),
                })
                .collect(),
            erasure: record.erasure().map(|erasure| match erasure {
                Erasure::Pending => "pending",
                Erasure::Done => "done",
            }),
            link: berth_domain::instance::binding(&record.state).map(LinkBody::of),
            created_at: time(state.created_at),
            updated_at: time(state.updated_at),
            version: record.version,
        }
    }
}

fn pause(state: &berth_domain::instance::State) -> Option<PauseBody> {
    let PhaseV1::Paused(pause) = &state.phase else { return None };
    Some(PauseBody {
        reason: pause_word(pause.reason),
        code: pause.code,
        until: pause.until.map(time),
        since: time(pause.since),
    })
}

const fn cause(cause: EndCauseV1) -> &'static str {
    match cause {
        EndCauseV1::Command => "command",
        EndCauseV1::Phone => "phone",
        EndCauseV1::Server => "server",
        EndCauseV1::Delete => "delete",
        EndCauseV1::Attempt => "attempt",
        EndCauseV1::Pause => "pause",
    }
}

/// A webhook endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "id": "06gvptn9v9fgnegm0h3rvk4m6g", "format": "native", "label": "orders", "enabled": true,
    "url": "https://example.com/hook", "headers": {"X-Tenant": "acme"}, "authorization": false,
    "events": ["instance.linked", "instance.logged_out"], "after_logout": "silent", "ed25519": false,
    "created_at": "2026-11-30T12:00:00Z", "updated_at": "2026-11-30T12:00:00Z"
})))]
pub(super) struct WebhookBody {
    /// Its id.
    id: String,
    /// The format of its bodies: `native` or a dialect's name.
    format: String,
    /// A text of the client's own, or empty.
    label: String,
    /// Whether it receives anything.
    enabled: bool,
    /// Where notices are sent.
    url: String,
    /// Custom headers.
    headers: BTreeMap<String, String>,
    /// Whether an `Authorization` header is sent; its value is not shown.
    authorization: bool,
    /// Names of the events it wants; empty is all.
    events: Vec<String>,
    /// `silent` (default) or `all`.
    #[schema(value_type = words::Silence)]
    after_logout: &'static str,
    /// Whether an ed25519 signature (`v1a`) stands beside each usual one.
    ed25519: bool,
    /// Notices that it is sent in a second at most; null without a bound of its own.
    rate: Option<u32>,
    /// Notices that it is sent at the same time at most; null without a bound of its own.
    concurrency: Option<u32>,
    /// Seconds after which it is tried again, one after the other; null is the usual schedule.
    retries: Option<Vec<u32>>,
    /// When it was first configured.
    created_at: String,
    /// When it last changed.
    updated_at: String,
    /// While it takes nothing: since when. Not in answers to changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<FailingBody>,
    /// The signing secret; only in the answer that creates the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl WebhookBody {
    pub(super) fn of(webhook: Webhook, secret: Option<String>) -> Self {
        let Pace { rate, concurrency } = Pace::of_options(webhook.options.as_ref());
        Self {
            id: webhook.id.to_string(),
            format: webhook.format,
            label: webhook.label,
            enabled: webhook.enabled,
            url: webhook.url,
            headers: webhook.headers,
            authorization: webhook.authorization.is_some(),
            events: webhook.events,
            after_logout: if webhook.after_logout_all { "all" } else { "silent" },
            ed25519: webhook
                .options
                .as_ref()
                .and_then(serde_json::Value::as_object)
                .is_some_and(berth_notices::asymmetric::is_wanted),
            rate,
            concurrency,
            retries: Retries::of_options(webhook.options.as_ref()).map(Retries::into_seconds),
            created_at: time(webhook.created_at),
            updated_at: time(webhook.updated_at),
            failing: None,
            secret,
        }
    }

    /// The same with what is known of how it fares.
    pub(super) fn faring(self, failing: Option<&FailingEndpointV1>) -> Self {
        let failing = failing.map(|failing| FailingBody {
            since: time(failing.since),
            failures: failing.failures,
            left_alone_until: failing.left_alone_until.map(time),
        });
        Self { failing, ..self }
    }
}

/// How an endpoint fares that takes nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FailingBody {
    /// When the first of the attempts that failed ended.
    since: String,
    /// Attempts that failed since the last that did not.
    failures: u32,
    /// When the next notice may try whether it takes something again; null while it is not left alone.
    left_alone_until: Option<String>,
}

/// An answer that says whether it is the first one again.
pub(super) fn answer(status: StatusCode, body: impl Serialize, replayed: bool) -> Response {
    marked((status, Json(body)).into_response(), replayed)
}

/// The answer that something was removed, which says whether it is the first one again.
pub(super) fn removed(replayed: bool) -> Response {
    marked(StatusCode::NO_CONTENT.into_response(), replayed)
}

fn marked(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}
