//! The carried state of an instance.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, types},
    commit::{CarriedState, Hash, OutcomeV1, SinceV1},
    ids::{AccountId, CommandId, DirectoryId, EndpointId, Sealed},
    limits,
    time::Timestamp,
};

/// The state of an instance after a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStateV1 {
    /// The account that owns it.
    pub account: AccountId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// Ten random digits, unique in the deployment.
    pub number: u64,
    /// Its name, unique in the account.
    pub name: Sealed,
    /// Its token.
    pub token: Sealed,
    /// Its entries in the directory.
    pub entries: EntriesV1,
    /// Raised when the token changes; a request that shows an older one is refused.
    pub credential_version: u32,
    /// Raised when JWTs issued so far must end.
    pub jwt_version: u32,
    /// Where its session stands.
    pub phase: PhaseV1,
    /// Raised by each logout: the number of the session that is to come or that runs.
    pub session: u32,
    /// The number of the last attempt to link a device, 0 if there was none.
    pub attempt: u32,
    /// What webhooks may be told.
    pub permission: PermissionV1,
    /// The last device that was linked; it stays after a logout.
    pub last_device: Option<DeviceV1>,
    /// How the last session or link ended.
    pub last_end: Option<EndedV1>,
    /// Devices that are still to be unlinked.
    pub unlinks: Vec<UnlinkV1>,
    /// Webhook endpoints.
    pub webhooks: Vec<WebhookV1>,
    /// Opaque settings, one block for each vocabulary that set any.
    pub settings: Vec<SettingsBlockV1>,
    /// The last keyed commands, oldest first.
    pub keyed: Vec<RememberedV1>,
    /// The last commands without a key, oldest first.
    pub unkeyed: Vec<RememberedV1>,
}

impl InstanceStateV1 {
    /// The endpoints that the instance has itself: a copy of one of its account's is none, since what the account says of that counts.
    pub fn own_webhooks(&self) -> impl Iterator<Item = &WebhookV1> {
        self.webhooks.iter().filter(|webhook| !webhook.is_of_account())
    }
}

impl Frozen for InstanceStateV1 {
    const TYPE: u16 = types::INSTANCE_STATE;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::STATE_BYTES_MAX;
}

impl CarriedState for InstanceStateV1 {
    fn since(&self, version: u64, revision: u64) -> Option<SinceV1> {
        let later =
            |ring: &[RememberedV1]| ring.iter().filter(|one| one.version > version).cloned().collect();
        Some(SinceV1 { version, revision, keyed: later(&self.keyed), unkeyed: later(&self.unkeyed) })
    }

    fn remember_since(&mut self, since: &SinceV1) -> bool {
        remember_in(&mut self.keyed, limits::KEYED_RECEIPTS_MAX, &since.keyed);
        remember_in(&mut self.unkeyed, limits::UNKEYED_RECEIPTS_MAX, &since.unkeyed);
        true
    }
}

/// Puts later commands into a ring of remembered ones, which keeps the last `max`.
pub fn remember_in(ring: &mut Vec<RememberedV1>, max: usize, later: &[RememberedV1]) {
    let forgotten = (ring.len() + later.len()).saturating_sub(max);
    ring.drain(..forgotten.min(ring.len()));
    ring.extend_from_slice(later.get(later.len().saturating_sub(max)..).unwrap_or_default());
}

/// The directory entries of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntriesV1 {
    /// Of its name.
    pub name: DirectoryId,
    /// Of its token.
    pub token: DirectoryId,
    /// Of its number.
    pub number: DirectoryId,
    /// Of a foreign id, if it has one.
    pub alias: Option<DirectoryId>,
    /// Of the idempotency key that created it, if there was one.
    pub creation: Option<DirectoryId>,
}

/// Where the session of an instance stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseV1 {
    /// Never linked.
    Created,
    /// An attempt runs and no code is shown yet.
    Connecting(AttemptV1),
    /// A QR or pairing code is or was shown.
    Pairing(AttemptV1),
    /// A device is linked.
    Linked(LinkV1),
    /// Linked but stopped.
    Paused(PauseV1),
    /// The session is gone.
    LoggedOut {
        /// Since when.
        at: Timestamp,
    },
    /// A tombstone.
    Deleted {
        /// Since when.
        at: Timestamp,
    },
}

/// A running attempt to link a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptV1 {
    /// Its number.
    pub number: u32,
    /// How the device is to be linked.
    pub method: MethodV1,
    /// When it began.
    pub started_at: Timestamp,
    /// When it counts as ended although nobody said so.
    pub deadline: Timestamp,
    /// Where the instance returns to if the attempt ends without a device.
    pub prior: PriorV1,
    /// The highest epoch that reported on it.
    pub epoch: u64,
    /// The highest report number in that epoch.
    pub report: u64,
    /// The last QR code that was shown.
    pub qr: Option<CodeV1>,
    /// The last pairing code that was shown.
    pub pairing_code: Option<CodeV1>,
}

/// How a device is to be linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodV1 {
    /// By scanning a QR code.
    Qr,
    /// By typing a pairing code on the phone with this number.
    PairingCode {
        /// The digits of the number.
        phone: Sealed,
    },
}

/// Where an attempt started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriorV1 {
    /// Never linked.
    Created,
    /// Logged out at that moment.
    LoggedOut {
        /// Since when.
        at: Timestamp,
    },
}

/// A code that was shown. Its text is in the volatile store only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeV1 {
    /// Its index in the attempt, from 1.
    pub index: u32,
    /// Digest of its text.
    pub digest: Hash,
    /// When it was shown.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A linked device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceV1 {
    /// Its JID.
    pub jid: Sealed,
    /// Its LID, if known.
    pub lid: Option<Sealed>,
    /// The digits of its phone number.
    pub phone: Sealed,
    /// The person's name.
    pub push_name: Option<Sealed>,
    /// The name of a business.
    pub business_name: Option<Sealed>,
    /// The address of its picture.
    pub picture_url: Option<Sealed>,
    /// The platform of the phone, as WhatsApp names it.
    pub platform: String,
}

/// A linked device and its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkV1 {
    /// The attempt that linked it.
    pub attempt: u32,
    /// When the device was linked.
    pub linked_at: Timestamp,
    /// How its connection stands.
    pub connection: ConnectionV1,
    /// Since when.
    pub since: Timestamp,
    /// The device.
    pub device: DeviceV1,
    /// The highest epoch that reported on it.
    pub epoch: u64,
    /// The highest report number in that epoch.
    pub report: u64,
}

/// How the connection of a linked device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionV1 {
    /// Being opened.
    Opening,
    /// Open.
    Open,
    /// Lost; the link reconnects by itself.
    Lost,
}

/// A linked device that is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseV1 {
    /// The link as it was.
    pub link: LinkV1,
    /// Why it is stopped.
    pub reason: PauseReasonV1,
    /// WhatsApp's code, 0 if there is none.
    pub code: u16,
    /// When a ban ends.
    pub until: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
}

/// Why a link is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReasonV1 {
    /// A command asked for it.
    Asked,
    /// Another client took the session over.
    Replaced,
    /// The number is banned.
    Banned,
    /// The client version is too old.
    Outdated,
    /// WhatsApp refused the client.
    Refused,
}

/// What webhooks may be told: a fold of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionV1 {
    /// Everything.
    Open,
    /// Nothing but the disconnection that is still unsettled.
    Silent,
    /// QR notices only.
    QrOnly,
}

/// How a session or an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedV1 {
    /// When.
    pub at: Timestamp,
    /// Who or what ended it.
    pub cause: EndCauseV1,
    /// WhatsApp's code (401 for a logout), 0 if there is none.
    pub code: u16,
}

/// Who or what ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCauseV1 {
    /// A logout command.
    Command,
    /// The person removed the device on the phone.
    Phone,
    /// WhatsApp ended the session.
    Server,
    /// The instance was deleted.
    Delete,
    /// An attempt ended without a device.
    Attempt,
    /// The link was stopped.
    Pause,
}

/// A device that is still to be unlinked, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlinkV1 {
    /// The attempt that had linked the device.
    pub attempt: u32,
    /// How far it is.
    pub status: UnlinkStatusV1,
    /// When it is given up.
    pub deadline: Timestamp,
}

/// How far an unlink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlinkStatusV1 {
    /// Pursued.
    Pending,
    /// WhatsApp confirmed it.
    Confirmed,
    /// Given up: the person must remove the device on the phone.
    Abandoned,
}

/// A webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookV1 {
    /// Its id.
    pub id: EndpointId,
    /// The format of its bodies: `native` or a dialect's name; opaque to the domain.
    pub format: String,
    /// Its label or name, unique in the format.
    pub label: String,
    /// Whether it receives anything.
    pub enabled: bool,
    /// Where notices are sent.
    pub url: Sealed,
    /// Custom headers: a JSON object of strings.
    pub headers: Option<Sealed>,
    /// The value of the `Authorization` header.
    pub authorization: Option<Sealed>,
    /// The signing secret.
    pub secret: Sealed,
    /// Secrets that still sign beside it after a rotation.
    pub old_secrets: Vec<OldSecretV1>,
    /// Names of the events it wants, in the vocabulary of its format; empty is all.
    pub events: Vec<String>,
    /// Whether it is told of attempts after a logout too (rule R8a).
    pub after_logout_all: bool,
    /// Options of its format, opaque: JSON.
    pub options: Option<Sealed>,
    /// When it was first configured.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How the format ends of which an account has one endpoint, for a dialect. A deployment that writes the formats of release 0.1.0
/// gives each instance a copy of it, with the same id; a newer one takes these copies back.
pub const ACCOUNT_FORMAT_SUFFIX: &str = ".business";

impl WebhookV1 {
    /// Whether the endpoint is one of the account's, which no instance has or changes by itself: in the state of an instance it is
    /// a copy.
    pub fn is_of_account(&self) -> bool {
        self.format.ends_with(ACCOUNT_FORMAT_SUFFIX)
    }
}

/// A rotated secret that still signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecretV1 {
    /// The secret.
    pub secret: Sealed,
    /// Until when it signs.
    pub until: Timestamp,
}

/// The opaque settings of one vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsBlockV1 {
    /// Whose vocabulary.
    pub owner: String,
    /// The settings: JSON, sealed as one block.
    pub body: Sealed,
}

/// A command that the instance remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedV1 {
    /// The command.
    pub command_id: CommandId,
    /// Its digest: the same id with another digest is another request under a used key.
    pub digest: Hash,
    /// The version of the commit that answers it.
    pub version: u64,
    /// What it came to.
    pub outcome: OutcomeV1,
}
