//! The lines of a whole export: JSON, one object each. This is a format that files are kept in: never edit, add.

use berth_evidence::Told;
use berth_proto::{Hash, InstanceId};
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The version of the format of whole exports.
pub(super) const FORMAT: u64 = 2;
/// The version of exports for audits, which have the histories of instances and proofs, and nothing else.
pub(super) const AUDIT_FORMAT: u64 = 1;
/// Bytes of the longest line: a commit has 256 KiB, in base64.
pub(super) const LINE_BYTES_MAX: usize = 1_024 * 1_024;
/// What digests of lines begin with.
const DIGEST_DOMAIN: &[u8] = b"berth.v1.export";

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one.
    Export(Header),
    /// The root secret, wrapped with the master key that the export was made with.
    Root {
        /// As the key store has it.
        wrapped: Base64,
    },
    /// An entry of the list of keys that sign.
    Announcement(Told),
    /// An entry of the list of lives of the log.
    Life(Told),
    /// An entry of the list of checkpoints of a shard. One of the present life stands right behind the last commit that it
    /// attests to.
    Checkpoint {
        /// The shard.
        shard: u8,
        /// The entry.
        #[serde(flatten)]
        told: Told,
    },
    /// A commit.
    Commit {
        /// Its shard.
        shard: u8,
        /// Its place there, from 0.
        index: u64,
        /// The subject of its stream.
        subject: String,
        /// Exactly as it is stored.
        bytes: Base64,
        /// Whether somebody else than the deployment put it there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forged: bool,
    },
    /// What a key store has of an owner.
    Key {
        /// Which store.
        store: Store,
        /// Whose key.
        owner: InstanceId,
        /// As the store has it; none if it was destroyed.
        wrapped: Option<Base64>,
    },
    /// The sealed key material of a device.
    Device {
        /// The instance.
        instance: InstanceId,
        /// The attempt that linked it.
        attempt: u32,
        /// As the store has it.
        sealed: Base64,
    },
    /// The last one.
    End(End),
}

/// What the first line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// [`FORMAT`].
    pub(super) version: u64,
    /// The id of the deployment.
    pub(super) deployment: String,
    /// Which generation of formats it writes.
    pub(super) write_version: u16,
    /// How many shards its log has.
    pub(super) shards: u8,
    /// The life of the log, whose checkpoints are of these commits.
    pub(super) life: u64,
    /// How many commits each shard has.
    pub(super) ends: Vec<u64>,
    /// The keyed digest of the root key, if the deployment keeps one.
    pub(super) root_key_digest: Option<Hash>,
}

/// What the last line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// How many commits there are.
    pub(super) commits: u64,
    /// How many keys.
    pub(super) keys: u64,
    /// How many devices.
    pub(super) devices: u64,
    /// The digest of all lines before.
    pub(super) digest: Hash,
}

/// A key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Store {
    /// That of instances and accounts.
    Data,
    /// That of last notices.
    Deliveries,
}

/// Bytes, in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map(Self).map_err(D::Error::custom)
    }
}

/// The digest of all lines so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest(pub(super) Hash);

impl Default for Digest {
    fn default() -> Self {
        Self(Hash([0; 32]))
    }
}

impl Digest {
    /// Goes on with a line, without its line feed.
    pub(super) fn add(&mut self, line: &[u8]) {
        self.0 = Hash::over(DIGEST_DOMAIN, &[&self.0.0, line]);
    }
}
