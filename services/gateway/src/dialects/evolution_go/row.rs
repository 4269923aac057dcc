//! An instance as this dialect shows it.

use berth_proto::instance::{ConnectionV1, PauseReasonV1, PhaseV1};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    kept::{self, AdvancedSettings},
    webhook,
};
use crate::{app::Record, http::time::iso_millis};

/// An instance, as a row of the product's database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceRow {
    /// The id that the create gave, or ours as a hyphenated UUID.
    id: String,
    name: String,
    /// The instance's own token.
    token: String,
    /// The URL of the webhook; empty while there is none, or it is switched off.
    webhook: String,
    /// As the last connect gave it; it has no effect here. So have the next two.
    rabbitmq_enable: String,
    websocket_enable: String,
    nats_enable: String,
    /// The device that is linked, or was last.
    jid: String,
    /// Empty: ask `qr`.
    qrcode: &'static str,
    /// Whether a device is linked and its connection open.
    connected: bool,
    /// 0.
    expiration: u8,
    /// Why it is not connected, where something ended it.
    #[serde(rename = "disconnect_reason")]
    disconnect_reason: &'static str,
    /// The events that the webhook is told, with commas between them.
    events: String,
    #[serde(rename = "os_name")]
    os_name: &'static str,
    /// Empty: proxies are not shown.
    proxy: &'static str,
    #[serde(rename = "client_name")]
    client_name: &'static str,
    created_at: String,
    #[serde(flatten)]
    settings: AdvancedSettings,
}

impl InstanceRow {
    pub(super) fn of(record: Record) -> Self {
        let webhook = webhook::present(&record);
        Self {
            id: kept::id(&record),
            webhook: webhook::shown_url(webhook.as_ref()),
            rabbitmq_enable: kept::transport(&record, "rabbitmqEnable"),
            websocket_enable: kept::transport(&record, "websocketEnable"),
            nats_enable: kept::transport(&record, "natsEnable"),
            jid: jid(&record),
            qrcode: "",
            connected: is_open(&record),
            expiration: 0,
            disconnect_reason: disconnect_reason(&record.state.phase),
            events: webhook::shown_events(webhook.as_ref()),
            os_name: "berth",
            proxy: "",
            client_name: "berth",
            created_at: iso_millis(record.state.created_at),
            settings: kept::settings(&record),
            token: record.token(),
            name: record.name,
        }
    }
}

/// The device that is linked, or was last; empty if there never was one.
pub(super) fn jid(record: &Record) -> String {
    record.device().map(|device| device.jid).unwrap_or_default()
}

/// Whether a device is linked and its connection open.
pub(super) fn is_open(record: &Record) -> bool {
    matches!(&record.state.phase, PhaseV1::Linked(link) if link.connection == ConnectionV1::Open)
}

const fn disconnect_reason(phase: &PhaseV1) -> &'static str {
    match phase {
        PhaseV1::LoggedOut { .. } => "Logged out",
        PhaseV1::Paused(pause) => match pause.reason {
            PauseReasonV1::Asked => "Disconnected",
            PauseReasonV1::Replaced => "Stream replaced",
            PauseReasonV1::Banned => "Temporarily banned",
            PauseReasonV1::Outdated => "Client outdated",
            PauseReasonV1::Refused => "Connection refused",
        },
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::Linked(_)
        | PhaseV1::Deleted { .. } => "",
    }
}
