//! Keys, sealed values and keyed look-ups.
//!
//! One root secret wraps a data key for each owner (an instance or an account), and is itself wrapped with the master key that
//! the operator gives, which can so be replaced ([`MasterKey::rooted`]). Values are sealed with
//! AES-SIV (RFC 5297), whose nonce is made from the value itself: equal values of one owner and field
//! stay equal, which keeps decisions deterministic, and destroying the data key erases them all.
//! Subkeys come from HKDF-SHA-256 (RFC 5869) with their purpose as info; each is derived once and kept with its key.

use std::{fmt, sync::Arc};

use aes_siv::{KeyInit, siv::Aes256Siv};
use berth_proto::{CommandId, DirectoryId, Hash, Sealed};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{LogKey, Unique, UniqueInAccount, entropy::Entropy, unique::NAME_AT_UPSTREAM};

/// The value cannot be opened: another key, another owner or field, or damaged bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the sealed value cannot be opened with this key")]
pub struct OpenError;

/// The text is not a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a master key is 32 bytes in base64 (44 characters)")]
pub struct InvalidMasterKey;

/// A data key encrypted under the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey(pub Vec<u8>);

/// The key of the deployment: wraps data keys and keys the look-ups of tokens and numbers. What it does so rests on the root
/// secret; only what it signs and seals for a while ([`Self::derive`]) rests on what the operator gave.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    /// The root secret; before that was opened, and in deployments that began without one, what the operator gave.
    secret: [u8; 32],
    /// What the operator gave.
    given: [u8; 32],
    wrap: SivKey,
    directory: [u8; 32],
    digest: [u8; 32],
}

/// The key of one owner's personal data and secrets. Cheap to clone; its memory is wiped with the last clone.
#[derive(Clone)]
pub struct DataKey(Arc<Subkeys>);

/// A data key and what is derived from it.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Subkeys {
    secret: [u8; 32],
    seal: SivKey,
    directory: [u8; 32],
    command: [u8; 32],
}

/// The subkey of AES-256-SIV: one half authenticates, the other encrypts.
type SivKey = [u8; 64];

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(hidden)")
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(hidden)")
    }
}

// === impl MasterKey ===

impl MasterKey {
    /// A new random key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::of(entropy.bytes32())
    }

    fn of(secret: [u8; 32]) -> Self {
        Self {
            wrap: subkey(&secret, b"berth.v1.wrap"),
            directory: subkey(&secret, b"berth.v1.directory"),
            digest: subkey(&secret, b"berth.v1.digest"),
            given: secret,
            secret,
        }
    }

    /// The owner under which the key store has the root secret for this key: a name that only who has the key knows.
    pub fn root_owner(&self) -> [u8; 16] {
        subkey(&self.given, b"berth.v1.root")
    }

    /// The same key over a root secret: what it wraps, looks up and digests rests on that from then on.
    #[must_use]
    pub fn rooted(&self, root: &DataKey) -> Self {
        let mut rooted = Self::of(root.0.secret);
        rooted.given = self.given;
        rooted
    }

    /// The root secret, to be wrapped by another key.
    pub fn root(&self) -> DataKey {
        DataKey::of(self.secret)
    }

    /// Reads 32 bytes of standard base64.
    pub fn from_base64(text: &str) -> Result<Self, InvalidMasterKey> {
        let mut bytes = data_encoding::BASE64.decode(text.trim().as_bytes()).map_err(|_| InvalidMasterKey)?;
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| InvalidMasterKey);
        bytes.zeroize();
        key.map(Self::of)
    }

    /// What the operator gave as standard base64, for the file that it is kept in.
    pub fn to_base64(&self) -> String {
        data_encoding::BASE64.encode(&self.given)
    }

    /// A value that is the same for the same root secret and tells nothing of it.
    pub fn check_value(&self) -> Hash {
        Hash(subkey(&self.secret, b"berth.v1.check"))
    }

    /// Encrypts a data key for its owner.
    pub fn wrap(&self, owner: &[u8; 16], key: &DataKey) -> WrappedKey {
        WrappedKey(siv_seal(&self.wrap, &[owner], &key.0.secret))
    }

    /// Decrypts a data key of that owner.
    pub fn unwrap(&self, owner: &[u8; 16], wrapped: &WrappedKey) -> Result<DataKey, OpenError> {
        let mut bytes = siv_open(&self.wrap, &[owner], &wrapped.0)?;
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| OpenError);
        bytes.zeroize();
        key.map(DataKey::of)
    }

    /// The directory entry of a key that is unique in the deployment.
    pub fn entry(&self, kind: Unique, key: &str) -> DirectoryId {
        DirectoryId::from_bytes(keyed_hash16(&self.directory, &[kind.as_str(), key]))
    }

    /// The directory entry of the name that an instance has at an upstream.
    pub fn entry_at_upstream(&self, upstream: &str, name: &str) -> DirectoryId {
        DirectoryId::from_bytes(keyed_hash16(&self.directory, &[NAME_AT_UPSTREAM, upstream, name]))
    }

    /// The digest of a request: the same request gives the same digest, and nobody without the key can
    /// test a guess.
    pub fn request_digest(&self, parts: &[&[u8]]) -> Hash {
        Hash(keyed_hash(&self.digest, parts))
    }

    /// The key that tells commits of the deployment from what others put into its log.
    pub fn log_key(&self) -> LogKey {
        LogKey::of(subkey(&self.secret, b"berth.v1.log"))
    }

    /// A key for another purpose, such as the signature of JWTs: another one once the operator gives another master key.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        subkey(&self.given, purpose.as_bytes())
    }
}

// === impl DataKey ===

impl DataKey {
    /// A new random key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::of(entropy.bytes32())
    }

    fn of(secret: [u8; 32]) -> Self {
        Self(Arc::new(Subkeys {
            seal: subkey(&secret, b"berth.v1.seal"),
            directory: subkey(&secret, b"berth.v1.directory"),
            command: subkey(&secret, b"berth.v1.command"),
            secret,
        }))
    }

    /// Seals a value of a field of this key's owner.
    pub fn seal(&self, owner: &[u8; 16], field: &str, value: &[u8]) -> Sealed {
        Sealed(siv_seal(&self.0.seal, &[owner, field.as_bytes()], value))
    }

    /// Opens a value that [`Self::seal`] made for the same owner and field.
    pub fn open(&self, owner: &[u8; 16], field: &str, sealed: &Sealed) -> Result<Vec<u8>, OpenError> {
        siv_open(&self.0.seal, &[owner, field.as_bytes()], &sealed.0)
    }

    /// Opens a text.
    pub fn open_text(&self, owner: &[u8; 16], field: &str, sealed: &Sealed) -> Result<String, OpenError> {
        String::from_utf8(self.open(owner, field, sealed)?).map_err(|_| OpenError)
    }

    /// The directory entry of a key that is unique within the account whose data key this is.
    pub fn entry(&self, kind: UniqueInAccount, key: &str) -> DirectoryId {
        DirectoryId::from_bytes(keyed_hash16(&self.0.directory, &[kind.as_str(), key]))
    }

    /// The id of a command with an idempotency key in the account whose data key this is.
    pub fn command_id(&self, idempotency_key: &str) -> CommandId {
        CommandId::from_bytes(keyed_hash16(&self.0.command, &[idempotency_key]))
    }
}

/// Names of sealed fields: a value sealed as one cannot be opened as another.
pub mod field {
    /// An instance's or account's name.
    pub const NAME: &str = "name";
    /// An instance's or account's token.
    pub const TOKEN: &str = "token";
    /// The number that a pairing code is asked for.
    pub const PAIRING_PHONE: &str = "pairing_phone";
    /// A device's JID.
    pub const JID: &str = "jid";
    /// A device's LID.
    pub const LID: &str = "lid";
    /// A device's phone number.
    pub const PHONE: &str = "phone";
    /// The person's name.
    pub const PUSH_NAME: &str = "push_name";
    /// The business name.
    pub const BUSINESS_NAME: &str = "business_name";
    /// The picture's address.
    pub const PICTURE_URL: &str = "picture_url";
    /// A webhook's URL.
    pub const WEBHOOK_URL: &str = "webhook_url";
    /// A webhook's custom headers.
    pub const WEBHOOK_HEADERS: &str = "webhook_headers";
    /// A webhook's `Authorization` value.
    pub const WEBHOOK_AUTHORIZATION: &str = "webhook_authorization";
    /// A webhook's signing secret.
    pub const WEBHOOK_SECRET: &str = "webhook_secret";
    /// A webhook's format options.
    pub const WEBHOOK_OPTIONS: &str = "webhook_options";
    /// What the operator keeps with an account.
    pub const ATTRIBUTES: &str = "attributes";
    /// A block of settings.
    pub const SETTINGS: &str = "settings";
    /// A QR text or pairing code in the volatile store.
    pub const CODE: &str = "code";
    /// What an endpoint answered to a notice.
    pub const ANSWER: &str = "answer";
    /// The body of a notice on its way to whoever asked for it.
    pub const NOTICE: &str = "notice";
    /// A message event of an upstream that waits to be handed on.
    pub const LETTER: &str = "letter";
    /// Where a command came from.
    pub const CALLER: &str = "caller";
    /// Where a client was in the events of an account.
    pub const CURSOR: &str = "cursor";
    /// A device's key material.
    pub const DEVICE_KEYS: &str = "device_keys";
}

#[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes; we ask for 64 at most")]
fn subkey<const BYTES: usize>(secret: &[u8; 32], purpose: &[u8]) -> [u8; BYTES] {
    let mut key = [0; BYTES];
    Hkdf::<Sha256>::new(None, secret).expand(purpose, &mut key).expect("a short output");
    key
}

#[expect(clippy::expect_used, reason = "AES-SIV fails only for more than 126 associated parts")]
fn siv_seal(key: &SivKey, associated: &[&[u8]], value: &[u8]) -> Vec<u8> {
    Aes256Siv::new(key.into()).encrypt(associated, value).expect("few associated parts")
}

fn siv_open(key: &SivKey, associated: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    Aes256Siv::new(key.into()).decrypt(associated, sealed).map_err(|_| OpenError)
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn keyed_hash16(key: &[u8; 32], parts: &[&str]) -> [u8; 16] {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, ..] = keyed_hash(key, &parts);
    [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15]
}
