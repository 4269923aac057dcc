//! Commands: what is asked of an instance, by clients, by the connector and by the clock.

use serde::{Deserialize, Serialize};

use crate::{
    codec::wire_enum,
    commit::Hash,
    event::{AbandonReasonV1, EndReasonV1, LogoutOriginV1, NewTokenV1},
    ids::{AccountId, DirectoryId, EndpointId, Sealed},
    instance::{DeviceV1, EntriesV1, MethodV1, OldSecretV1, PauseReasonV1, SettingsBlockV1, WebhookV1},
    limits,
    time::Timestamp,
};

wire_enum!(
    /// Something that is asked of an instance.
    Command, max limits::FRAME_BYTES_MAX, {
        /// Create the instance.
        2001 v 1 => CreateInstance(CreateInstanceV1),
        /// Link a device, or open the link that there is.
        2002 v 1 => Connect(ConnectV1),
        /// Open the link that there is; refused without one.
        2003 v 1 => Reconnect(ReconnectV1),
        /// Close the connection and open it again.
        2004 v 1 => Restart(RestartV1),
        /// Close the connection and keep the link.
        2005 v 1 => Disconnect(DisconnectV1),
        /// End the session.
        2006 v 1 => Logout(LogoutV1),
        /// Delete the instance.
        2007 v 1 => Delete(DeleteV1),
        /// Add or replace a webhook endpoint.
        2008 v 1 => ConfigureWebhook(ConfigureWebhookV1),
        /// Remove a webhook endpoint.
        2009 v 1 => RemoveWebhook(RemoveWebhookV1),
        /// Change the signing secret of an endpoint.
        2010 v 1 => RotateWebhookSecret(RotateWebhookSecretV1),
        /// Change the token, or end the JWTs issued so far.
        2011 v 1 => RotateToken(RotateTokenV1),
        /// Change a block of opaque settings.
        2012 v 1 => ChangeSettings(ChangeSettingsV1),
        /// Change a block of opaque settings that switches the instance on or off for its clients.
        2013 v 1 => Switch(SwitchV1),
        /// Give the instance to another account.
        2014 v 1 => Move(MoveV1),
        /// Replace a webhook endpoint that is still as it was seen.
        2034 v 1 => ReplaceWebhook(ReplaceWebhookV1),
        /// Give the instance another name.
        2065 v 1 => Rename(RenameV1),
        /// A QR code is shown.
        2101 v 1 => ReportQr(ReportQrV1),
        /// A pairing code is shown.
        2102 v 1 => ReportPairingCode(ReportPairingCodeV1),
        /// WhatsApp refused a pairing code.
        2103 v 1 => ReportPairingCodeRefused(ReportPairingCodeRefusedV1),
        /// An attempt ended without a device.
        2104 v 1 => ReportAttemptEnded(ReportAttemptEndedV1),
        /// A device was linked.
        2105 v 1 => ReportLinked(ReportLinkedV1),
        /// The connection is open.
        2106 v 1 => ReportOpen(ReportOpenV1),
        /// The connection is lost for longer than the grace.
        2107 v 1 => ReportLost(ReportLostV1),
        /// The link is stopped.
        2108 v 1 => ReportPaused(ReportPausedV1),
        /// The session was ended from outside.
        2109 v 1 => ReportLoggedOut(ReportLoggedOutV1),
        /// An unlink was confirmed or given up.
        2110 v 1 => ReportUnlinked(ReportUnlinkedV1),
        /// The webhook that the instance has at its upstream is Berth's from now on.
        2111 v 1 => ReportWebhookTaken(ReportWebhookTakenV1),
        /// The webhook that the instance has at its upstream is the user's again.
        2112 v 1 => ReportWebhookGivenBack(ReportWebhookGivenBackV1),
        /// The deadline of an attempt passed.
        2201 v 1 => ExpireAttempt(ExpireAttemptV1),
        /// The deadline of an unlink passed.
        2202 v 1 => AbandonUnlink(AbandonUnlinkV1),
        /// A ban ended.
        2203 v 1 => EndBan(EndBanV1),
        /// Give up a create: tombstones an empty stream.
        2204 v 1 => AbandonCreate(AbandonCreateV1),
        /// An endpoint answered that it wants nothing more.
        2205 v 1 => DisableWebhook(DisableWebhookV1),
    }
);

/// See [`Command::CreateInstance`]. Reservations in the directory come first; the session-aggregate makes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateInstanceV1 {
    /// The account that will own it.
    pub account: AccountId,
    /// Ten digits, free in the directory.
    pub number: u64,
    /// Its name.
    pub name: Sealed,
    /// Its token.
    pub token: Sealed,
    /// Its directory entries.
    pub entries: EntriesV1,
    /// Settings given with the creation.
    pub settings: Vec<SettingsBlockV1>,
    /// Webhooks given with the creation.
    pub webhooks: Vec<WebhookV1>,
}

/// See [`Command::Connect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectV1 {
    /// How the device is to be linked.
    pub method: MethodV1,
}

/// See [`Command::Reconnect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectV1 {}

/// See [`Command::Restart`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartV1 {}

/// See [`Command::Disconnect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisconnectV1 {}

/// See [`Command::Logout`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutV1 {}

/// See [`Command::Delete`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteV1 {
    /// Refuse instead of logging out first if there is a session or an attempt.
    pub only_without_session: bool,
}

/// See [`Command::ConfigureWebhook`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigureWebhookV1 {
    /// The endpoint; its times are set by the decision. An endpoint with the same id is replaced, and so is
    /// one with the same format and label if `upsert` says so; what is replaced keeps its secrets.
    pub webhook: WebhookV1,
    /// Replace the endpoint with this format and label, keeping its id and secret.
    pub upsert: bool,
    /// Refuse if more endpoints of this format than that would be enabled; 0 is no limit.
    pub enabled_max: u8,
}

/// See [`Command::ReplaceWebhook`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaceWebhookV1 {
    /// The endpoint that the change was made from. If it is another one now, the change is refused as
    /// [`Changed`](crate::frame::RejectionCodeV1::Changed): it would undo what somebody else changed meanwhile.
    pub seen: Box<WebhookV1>,
    /// The endpoint as it shall be, with the same id; its secrets and times are set by the decision.
    pub webhook: WebhookV1,
}

/// See [`Command::RemoveWebhook`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveWebhookV1 {
    /// The endpoint.
    pub id: EndpointId,
}

/// See [`Command::RotateWebhookSecret`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateWebhookSecretV1 {
    /// The endpoint.
    pub id: EndpointId,
    /// The new secret.
    pub secret: Sealed,
    /// Until when the present secret still signs.
    pub keep_until: Timestamp,
    /// Carried so that the record of rotated secrets has one shape.
    pub old_secrets: Vec<OldSecretV1>,
}

/// See [`Command::RotateToken`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateTokenV1 {
    /// The new token, reserved in the directory; none to end only the JWTs.
    pub token: Option<NewTokenV1>,
}

/// See [`Command::ChangeSettings`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSettingsV1 {
    /// The block as it shall be.
    pub block: SettingsBlockV1,
    /// Refuse unless the present block is this one: whoever merges reads first.
    pub expected: Option<Sealed>,
}

/// See [`Command::Switch`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchV1 {
    /// The change.
    pub change: ChangeSettingsV1,
    /// Whether the instance is on with it: the block is opaque.
    pub on: bool,
}

/// What every report of the connector says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportV1 {
    /// The attempt that the report is about.
    pub attempt: u32,
    /// The fencing epoch of the connector.
    pub epoch: u64,
    /// Its number, from 1: higher than that of every earlier report on the attempt in the same epoch.
    pub number: u64,
}

/// See [`Command::Move`]. Reservations in the directory come first; the session-aggregate makes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveV1 {
    /// The account that will own it.
    pub account: AccountId,
    /// The entry of its name in that account.
    pub name_entry: DirectoryId,
    /// The entry of its foreign id in that account, if it has one.
    pub alias_entry: Option<DirectoryId>,
    /// Endpoints of that account, sealed for the instance. The session-aggregate puts them in: whoever asks leaves
    /// them out.
    pub webhooks: Vec<WebhookV1>,
}

/// See [`Command::Rename`]. The reservation in the directory comes first; the session-aggregate makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameV1 {
    /// The name that it shall have.
    pub name: Sealed,
    /// The entry of that name in its account.
    pub name_entry: DirectoryId,
}

/// See [`Command::ReportQr`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportQrV1 {
    /// Which report.
    pub report: ReportV1,
    /// The index of the code in the attempt, from 1.
    pub index: u32,
    /// Digest of its text.
    pub digest: Hash,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// See [`Command::ReportPairingCode`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPairingCodeV1 {
    /// Which report.
    pub report: ReportV1,
    /// The index of the code in the attempt, from 1.
    pub index: u32,
    /// Digest of its text.
    pub digest: Hash,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// See [`Command::ReportPairingCodeRefused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPairingCodeRefusedV1 {
    /// Which report.
    pub report: ReportV1,
    /// WhatsApp's code: 400, 403, 429, 452 or 500.
    pub code: u16,
    /// Seconds to wait before another try, 0 if not said.
    pub backoff_seconds: u32,
}

/// See [`Command::ReportAttemptEnded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportAttemptEndedV1 {
    /// Which report.
    pub report: ReportV1,
    /// Why it ended.
    pub reason: EndReasonV1,
    /// WhatsApp's code, 0 if there is none.
    pub code: u16,
}

/// See [`Command::ReportLinked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLinkedV1 {
    /// Which report.
    pub report: ReportV1,
    /// The device.
    pub device: DeviceV1,
}

/// See [`Command::ReportOpen`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportOpenV1 {
    /// Which report.
    pub report: ReportV1,
}

/// See [`Command::ReportLost`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLostV1 {
    /// Which report.
    pub report: ReportV1,
    /// WhatsApp's code, 0 if there is none.
    pub code: u16,
    /// The code of the driver's library, opaque, at most 64 characters.
    pub source_code: String,
}

/// See [`Command::ReportPaused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPausedV1 {
    /// Which report.
    pub report: ReportV1,
    /// Why.
    pub reason: PauseReasonV1,
    /// WhatsApp's code, 0 if there is none.
    pub code: u16,
    /// When a ban ends.
    pub until: Option<Timestamp>,
}

/// See [`Command::ReportLoggedOut`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLoggedOutV1 {
    /// Which report.
    pub report: ReportV1,
    /// The phone or the server.
    pub origin: LogoutOriginV1,
    /// WhatsApp's code.
    pub code: u16,
}

/// See [`Command::ReportUnlinked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportUnlinkedV1 {
    /// Which report; its attempt is the one that had linked the device.
    pub report: ReportV1,
    /// None if confirmed, else why it was given up.
    pub abandoned: Option<AbandonReasonV1>,
}

/// See [`Command::ReportWebhookTaken`]. Reported before anything is changed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportWebhookTakenV1 {
    /// How it was configured there until now: JSON, sealed like a block of settings.
    pub kept: Sealed,
    /// The endpoint that is told here what it was told there; none if it was told nothing. One that has the same format and
    /// label here already stays as it is.
    pub webhook: Option<WebhookV1>,
}

/// See [`Command::ReportWebhookGivenBack`]. Reported after that was done there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportWebhookGivenBackV1 {
    /// The endpoint that was made of it; it is told by the upstream again, and not from here.
    pub endpoint: EndpointId,
}

/// See [`Command::ExpireAttempt`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpireAttemptV1 {
    /// The attempt.
    pub attempt: u32,
}

/// See [`Command::AbandonUnlink`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonUnlinkV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
}

/// See [`Command::EndBan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndBanV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
}

/// See [`Command::AbandonCreate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonCreateV1 {
    /// The account whose create is given up.
    pub account: AccountId,
    /// The entry that was reserved first.
    pub entry: DirectoryId,
}

/// See [`Command::DisableWebhook`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisableWebhookV1 {
    /// The endpoint as it was when the notice was sent that it answered to. One that was changed since is another
    /// one: the answer says nothing of it, and it stays as it is.
    pub seen: WebhookV1,
}
