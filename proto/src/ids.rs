//! Opaque 128-bit ids and sealed values.
//!
//! Ids that we make are `UUIDv7`; ids that name a directory entry are keyed hashes. Both are written as 26
//! lower-case base32 characters (RFC 4648 section 7, "extended hex", which sorts like the bytes).

use std::{fmt, str::FromStr};

use data_encoding::BASE32_DNSSEC;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

use crate::byte_string;

/// Characters in the text of an id.
pub const ID_CHARS: usize = 26;

/// The text is not 26 lower-case base32 characters that encode 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an id: 26 characters of 0-9 and a-v are expected")]
pub struct InvalidId;

fn decode(text: &str) -> Result<[u8; 16], InvalidId> {
    // The encoding itself takes capitals for their small letters.
    if text.len() != ID_CHARS || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(InvalidId);
    }
    let bytes = BASE32_DNSSEC.decode(text.as_bytes()).map_err(|_| InvalidId)?;
    bytes.try_into().map_err(|_| InvalidId)
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The id with these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes of the id.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                BASE32_DNSSEC.encode_display(&self.0).fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                decode(text).map(Self)
            }
        }

        // Text where a person reads it (JSON), 16 bytes where a machine does (postcard).
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    decode(&text).map(Self).map_err(D::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

opaque_id!(
    /// An instance: one registration of a WhatsApp gateway client. `UUIDv7`.
    InstanceId
);
opaque_id!(
    /// An account: the owner of instances and of one account token. `UUIDv7`.
    AccountId
);
opaque_id!(
    /// A webhook endpoint of an instance. `UUIDv7`.
    EndpointId
);
opaque_id!(
    /// A command: random, or derived from the account and the `Idempotency-Key`.
    CommandId
);
opaque_id!(
    /// An entry of the directory: the keyed hash of a unique key (a name, a token, a number, an alias).
    DirectoryId
);

opaque_id!(
    /// What names a stream among those of its kind: the id of an instance, an account or a directory entry, or the
    /// number of a partition.
    StreamId
);

impl From<InstanceId> for StreamId {
    fn from(id: InstanceId) -> Self {
        Self(id.0)
    }
}

impl From<AccountId> for StreamId {
    fn from(id: AccountId) -> Self {
        Self(id.0)
    }
}

impl StreamId {
    /// The instance, where the stream is one of an instance.
    pub const fn instance(self) -> InstanceId {
        InstanceId(self.0)
    }

    /// The account, where the stream is one of an account.
    pub const fn account(self) -> AccountId {
        AccountId(self.0)
    }
}

impl InstanceId {
    /// The same 128 bits as a hyphenated UUID, as some dialects write ids.
    pub fn to_uuid(self) -> uuid::Uuid {
        uuid::Uuid::from_bytes(self.0)
    }

    /// The id that [`Self::to_uuid`] wrote.
    pub fn from_uuid(uuid: uuid::Uuid) -> Self {
        Self(uuid.into_bytes())
    }
}

/// A value encrypted under the data key of its owner (an instance or an account).
///
/// Its associated data are the owner and the field, so that it cannot be moved to another place. An
/// erased owner's values stay in the log as bytes that nobody can open.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&data_encoding::HEXLOWER.encode(&self.0))
        } else {
            byte_string::serialize(&self.0, serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            data_encoding::HEXLOWER.decode(text.as_bytes()).map(Self).map_err(D::Error::custom)
        } else {
            byte_string::deserialize(deserializer).map(Self)
        }
    }
}
