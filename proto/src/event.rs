//! The events of an instance. Names and ids are the storage format: add, never edit.

use serde::{Deserialize, Serialize};

use crate::{
    codec::wire_enum,
    commit::Hash,
    ids::{AccountId, DirectoryId, EndpointId, Sealed},
    instance::{DeviceV1, EntriesV1, MethodV1, OldSecretV1, PauseReasonV1, SettingsBlockV1, WebhookV1},
    limits,
    time::Timestamp,
};

wire_enum!(
    /// Something that happened to an instance.
    Event, max limits::STATE_BYTES_MAX, {
        /// The instance exists.
        1 v 1 => InstanceCreated(InstanceCreatedV1),
        /// An attempt to link a device began.
        2 v 1 => ConnectRequested(ConnectRequestedV1),
        /// A QR code was shown.
        3 v 1 => QrIssued(QrIssuedV1),
        /// A pairing code was shown.
        4 v 1 => PairingCodeIssued(PairingCodeIssuedV1),
        /// WhatsApp refused a pairing code.
        5 v 1 => PairingCodeRefused(PairingCodeRefusedV1),
        /// An attempt ended without a device.
        6 v 1 => ConnectEnded(ConnectEndedV1),
        /// A device was linked.
        7 v 1 => DeviceLinked(DeviceLinkedV1),
        /// A stopped or lost link is to be opened again.
        8 v 1 => ResumeRequested(ResumeRequestedV1),
        /// An open link is to be closed and kept.
        9 v 1 => StopRequested(StopRequestedV1),
        /// The connection is open.
        10 v 1 => ConnectionOpened(ConnectionOpenedV1),
        /// The connection was lost for longer than the grace.
        11 v 1 => ConnectionLost(ConnectionLostV1),
        /// The link was stopped.
        12 v 1 => LinkPaused(LinkPausedV1),
        /// The session is gone.
        13 v 1 => LoggedOut(LoggedOutV1),
        /// WhatsApp confirmed that a device is unlinked.
        14 v 1 => DeviceUnlinked(DeviceUnlinkedV1),
        /// An unlink was given up.
        15 v 1 => UnlinkAbandoned(UnlinkAbandonedV1),
        /// Webhooks fall silent.
        16 v 1 => WebhooksSuspended(WebhooksSuspendedV1),
        /// Webhooks may be told of codes.
        17 v 1 => QrWebhooksAllowed(QrWebhooksAllowedV1),
        /// Webhooks may be told everything.
        18 v 1 => WebhooksResumed(WebhooksResumedV1),
        /// A webhook endpoint was added or replaced.
        19 v 1 => WebhookConfigured(WebhookConfiguredV1),
        /// A webhook endpoint was removed.
        20 v 1 => WebhookRemoved(WebhookRemovedV1),
        /// The signing secret of an endpoint changed.
        21 v 1 => WebhookSecretRotated(WebhookSecretRotatedV1),
        /// The token changed, or the JWTs issued so far ended.
        22 v 1 => TokenRotated(TokenRotatedV1),
        /// A block of opaque settings changed.
        23 v 1 => SettingsChanged(SettingsChangedV1),
        /// The instance is deleted.
        24 v 1 => InstanceDeleted(InstanceDeletedV1),
        /// A create was given up before the instance existed; written to an empty stream.
        25 v 1 => Abandoned(AbandonedV1),
        /// The instance was switched on or off for its clients, by a block of settings; the link stays.
        26 v 1 => Switched(SwitchedV1),
        /// The instance belongs to another account.
        27 v 1 => InstanceMoved(InstanceMovedV1),
        /// The instance has another name.
        78 v 1 => InstanceRenamed(InstanceRenamedV1),
        /// The instance is on an upstream, for life.
        38 v 1 => LinkBound(LinkBoundV1),
    }
);

/// Which report of the connector an event records: the state keeps the highest one, so that a fold of the
/// events knows what it has seen already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedV1 {
    /// The fencing epoch of the connector.
    pub epoch: u64,
    /// The number of the report within the attempt and epoch.
    pub number: u64,
}

/// See [`Event::InstanceCreated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceCreatedV1 {
    /// The account that owns it.
    pub account: AccountId,
    /// Ten digits, unique in the deployment.
    pub number: u64,
    /// Its name.
    pub name: Sealed,
    /// Its token.
    pub token: Sealed,
    /// Its directory entries.
    pub entries: EntriesV1,
    /// Settings given with the creation.
    pub settings: Vec<SettingsBlockV1>,
}

/// See [`Event::ConnectRequested`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectRequestedV1 {
    /// The number of the attempt.
    pub attempt: u32,
    /// How the device is to be linked.
    pub method: MethodV1,
    /// When it counts as ended although nobody said so.
    pub deadline: Timestamp,
}

/// See [`Event::QrIssued`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrIssuedV1 {
    /// The attempt.
    pub attempt: u32,
    /// The index of the code in the attempt, from 1.
    pub index: u32,
    /// Digest of its text.
    pub digest: Hash,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The new deadline of the attempt.
    pub deadline: Timestamp,
    /// Which report said so.
    pub reported: ReportedV1,
}

/// See [`Event::PairingCodeIssued`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingCodeIssuedV1 {
    /// The attempt.
    pub attempt: u32,
    /// The index of the code in the attempt, from 1.
    pub index: u32,
    /// Digest of its text.
    pub digest: Hash,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The new deadline of the attempt.
    pub deadline: Timestamp,
    /// Which report said so.
    pub reported: ReportedV1,
}

/// See [`Event::PairingCodeRefused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingCodeRefusedV1 {
    /// The attempt.
    pub attempt: u32,
    /// WhatsApp's code: 400, 403, 429, 452 or 500.
    pub code: u16,
    /// Seconds to wait before another try, 0 if not said.
    pub backoff_seconds: u32,
    /// Which report said so.
    pub reported: ReportedV1,
}

/// See [`Event::ConnectEnded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectEndedV1 {
    /// The attempt.
    pub attempt: u32,
    /// Why it ended.
    pub reason: EndReasonV1,
    /// WhatsApp's code, 0 if there is none.
    pub code: u16,
}

/// Why an attempt ended without a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReasonV1 {
    /// WhatsApp could not be reached.
    Unreachable,
    /// All codes were shown and none was used.
    CodesExhausted,
    /// A wrong HMAC or signature at the end of pairing.
    PairError,
    /// The process that ran it is gone.
    OwnerLost,
    /// Its deadline passed and nobody reported.
    Expired,
    /// A command ended it.
    Cancelled,
    /// Another phone number or method took its place.
    Replaced,
    /// WhatsApp refused the client; the code says why.
    Refused,
}

/// See [`Event::DeviceLinked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLinkedV1 {
    /// The attempt that linked it.
    pub attempt: u32,
    /// The device.
    pub device: DeviceV1,
    /// Which report said so.
    pub reported: ReportedV1,
}

/// See [`Event::ResumeRequested`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeRequestedV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
    /// Why.
    pub cause: ResumeCauseV1,
}

/// Why a link is opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeCauseV1 {
    /// A connect or reconnect command.
    Reconnect,
    /// A restart command: the connection is closed first.
    Restart,
    /// A ban ended.
    BanEnded,
}

/// See [`Event::StopRequested`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRequestedV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
}

/// See [`Event::ConnectionOpened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionOpenedV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
    /// Which report said so.
    pub reported: ReportedV1,
}

/// See [`Event::ConnectionLost`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionLostV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
    /// WhatsApp's code, 0 if there is none.
    pub code: u16,
    /// The code of the driver's library, opaque.
    pub source_code: String,
    /// Which report said so.
    pub reported: ReportedV1,
}

/// See [`Event::LinkPaused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPausedV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
    /// Why.
    pub reason: PauseReasonV1,
    /// WhatsApp's code, 0 if there is none.
    pub code: u16,
    /// When a ban ends.
    pub until: Option<Timestamp>,
    /// Which report said so; none if a command asked for it.
    pub reported: Option<ReportedV1>,
}

/// See [`Event::LoggedOut`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedOutV1 {
    /// The session that ended.
    pub session: u32,
    /// Who ended it.
    pub origin: LogoutOriginV1,
    /// WhatsApp's code: 401 for a logout.
    pub code: u16,
    /// The device that is now to be unlinked, if there was one and we have to.
    pub unlink: Option<PendingUnlinkV1>,
}

/// Who ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoutOriginV1 {
    /// A logout command.
    Command,
    /// The person removed the device on the phone.
    Phone,
    /// WhatsApp ended the session.
    Server,
    /// The instance was deleted.
    Delete,
}

/// A device that is to be unlinked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUnlinkV1 {
    /// The attempt that had linked it.
    pub attempt: u32,
    /// When it is given up.
    pub deadline: Timestamp,
}

/// See [`Event::DeviceUnlinked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceUnlinkedV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
}

/// See [`Event::UnlinkAbandoned`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlinkAbandonedV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
    /// Why it was given up.
    pub reason: AbandonReasonV1,
}

/// Why an unlink was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbandonReasonV1 {
    /// Its deadline passed.
    Deadline,
    /// The keys of the device are lost.
    KeysLost,
    /// More unlinks were asked for than are pursued at once.
    Crowded,
}

/// See [`Event::WebhooksSuspended`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksSuspendedV1 {
    /// The session that begins with the silence.
    pub session: u32,
}

/// See [`Event::QrWebhooksAllowed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrWebhooksAllowedV1 {
    /// The session.
    pub session: u32,
}

/// See [`Event::WebhooksResumed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksResumedV1 {
    /// The session.
    pub session: u32,
}

/// See [`Event::WebhookConfigured`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookConfiguredV1 {
    /// The endpoint as it is from now on.
    pub webhook: WebhookV1,
}

/// See [`Event::WebhookRemoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRemovedV1 {
    /// The endpoint.
    pub id: EndpointId,
}

/// See [`Event::WebhookSecretRotated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecretRotatedV1 {
    /// The endpoint.
    pub id: EndpointId,
    /// The new secret.
    pub secret: Sealed,
    /// The secrets that still sign beside it.
    pub old_secrets: Vec<OldSecretV1>,
}

/// See [`Event::TokenRotated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRotatedV1 {
    /// The version of the token from now on.
    pub credential_version: u32,
    /// The version of JWTs from now on.
    pub jwt_version: u32,
    /// The new token and its directory entry; none if only the JWTs end.
    pub token: Option<NewTokenV1>,
}

/// A new token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTokenV1 {
    /// The token.
    pub token: Sealed,
    /// Its entry in the directory.
    pub entry: DirectoryId,
}

/// See [`Event::SettingsChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChangedV1 {
    /// The block as it is from now on.
    pub block: SettingsBlockV1,
}

/// See [`Event::InstanceDeleted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceDeletedV1 {
    /// The session that ended with it.
    pub session: u32,
}

/// See [`Event::Abandoned`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonedV1 {
    /// The account whose create was given up.
    pub account: AccountId,
}

/// See [`Event::Switched`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchedV1 {
    /// Whether it is switched on.
    pub on: bool,
}

/// See [`Event::InstanceRenamed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRenamedV1 {
    /// Its name from now on.
    pub name: Sealed,
    /// The entry of that name in its account.
    pub name_entry: DirectoryId,
}

/// See [`Event::InstanceMoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceMovedV1 {
    /// The account that owns it from now on.
    pub account: AccountId,
    /// The entry of its name in that account.
    pub name_entry: DirectoryId,
    /// The entry of its foreign id in that account, if it has one.
    pub alias_entry: Option<DirectoryId>,
    /// JWTs of this version count from now on: the ones before name the former account.
    pub jwt_version: u32,
}

/// See [`Event::LinkBound`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkBoundV1 {
    /// The kind of driver, such as `evolution`.
    pub kind: String,
    /// The name of the upstream in the configuration.
    pub upstream: String,
    /// The instance's name there.
    pub name: Sealed,
}
