//! Canonical postcard behind a prelude.
//!
//! A stored or sent value starts with ten bytes: magic, codec, type id, version and length. The payload
//! must be used up entirely, since postcard's own `from_bytes` ignores what is left over.
//!
//! Some types end with a checksum of everything before it (another codec byte says so): a value that no other
//! value's hash covers yet would else be read with a flipped bit in it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::byte_string;

/// First bytes of everything we encode.
const MAGIC: [u8; 2] = [0xBE, 0x27];
/// The codec that follows: postcard 1, canonical.
const CODEC_POSTCARD: u8 = 1;
/// The codec that follows: postcard 1, canonical, and a checksum behind it.
const CODEC_POSTCARD_CHECKED: u8 = 2;
/// Bytes of a checksum: the first of a SHA-256.
const CHECKSUM_BYTES: usize = 16;
/// Bytes before the payload.
pub const PRELUDE_BYTES: usize = 10;
/// Room that is made for a value before it is written: most commits fit in.
const ENCODED_BYTES_EXPECTED: usize = 1_024;

/// A type that is written as it stands, for ever.
pub trait Frozen: Serialize + DeserializeOwned {
    /// The number of the type in the table of [`crate::codec::types`]; never reused.
    const TYPE: u16;
    /// The version of its shape.
    const VERSION: u8;
    /// Bound of the payload in bytes.
    const BYTES_MAX: usize;
    /// The first version of its shape that ends with a checksum; none unless told otherwise.
    const CHECKED_SINCE: u8 = u8::MAX;

    /// Reads the payload of an earlier version of the shape: a `V2` reads a `V1` and converts it. None if there
    /// is no such version.
    fn from_earlier(_version: u8, _payload: &[u8]) -> Option<Result<Self, DecodeError>> {
        None
    }
}

/// Numbers of the types that are no event and no command.
pub mod types {
    /// A commit.
    pub const COMMIT: u16 = 1000;
    /// The state of an instance.
    pub const INSTANCE_STATE: u16 = 1001;
    /// The state of an account.
    pub const ACCOUNT_STATE: u16 = 1002;
    /// The state of a directory entry.
    pub const DIRECTORY_STATE: u16 = 1003;
    /// The state of a delivery stream.
    pub const DELIVERY_STATE: u16 = 1004;
    /// A command on its way.
    pub const COMMAND_REQUEST: u16 = 3001;
    /// The answer to a command.
    pub const COMMAND_REPLY: u16 = 3002;
    /// A query of the record view.
    pub const QUERY: u16 = 3003;
    /// The answer to a query.
    pub const QUERY_REPLY: u16 = 3004;
    /// A question to a queue of notices.
    pub const PULL_REQUEST: u16 = 3005;
    /// The answer to it.
    pub const PULL_REPLY: u16 = 3006;
    /// An attempt to deliver a notice.
    pub const ATTEMPT: u16 = 3026;
    /// A question about deliveries.
    pub const DELIVERIES_REQUEST: u16 = 3027;
    /// The answer to it.
    pub const DELIVERIES_REPLY: u16 = 3028;
    /// A question to whoever dispatches.
    pub const REDELIVERY_REQUEST: u16 = 3029;
    /// The answer to it.
    pub const REDELIVERY_REPLY: u16 = 3030;
    /// A message event of an upstream that is handed on.
    pub const LETTER: u16 = 3061;
    /// What becomes of it.
    pub const LETTER_REPLY: u16 = 3062;
    /// A question to the evidence service.
    pub const EVIDENCE_QUERY: u16 = 3047;
    /// The answer to it.
    pub const EVIDENCE_REPLY: u16 = 3048;
}

/// A value could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The value is larger than its bound.
    #[error("{bytes} bytes are more than the bound of {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// The serializer refused the value.
    #[error("the value cannot be serialized")]
    Serialize(#[source] postcard::Error),
}

/// Bytes are not the value that they should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Shorter than the prelude, or another magic number or codec.
    #[error("the bytes do not start with our prelude")]
    Prelude,
    /// Of another type than expected.
    #[error("type {found} where type {expected} was expected")]
    WrongType {
        /// The type in the prelude.
        found: u16,
        /// The type that was asked for.
        expected: u16,
    },
    /// Of a type or version that this release does not know.
    #[error("type {type_id} version {version} is not known to this release")]
    Unknown {
        /// Its type.
        type_id: u16,
        /// Its version.
        version: u8,
    },
    /// The length in the prelude is not the length of the payload.
    #[error("the length in the prelude is {stated}, the payload has {actual} bytes")]
    Length {
        /// The length in the prelude.
        stated: u32,
        /// The bytes that are there.
        actual: usize,
    },
    /// Larger than its bound.
    #[error("{bytes} bytes are more than the bound of {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// The checksum at the end is not that of the bytes before it.
    #[error("the checksum does not match: the bytes were changed")]
    Checksum,
    /// Bytes were left over after the value.
    #[error("{0} bytes are left over after the value")]
    LeftOver(usize),
    /// The value would be written with another number of bytes: we never wrote these.
    #[error("{found} bytes hold a value that takes {canonical}")]
    NotCanonical {
        /// The bytes of the payload.
        found: usize,
        /// The bytes that we write it with.
        canonical: usize,
    },
    /// The payload is not that type's.
    #[error("the payload is damaged")]
    Payload(#[source] postcard::Error),
}

/// A value with its type and version: how an event, a state or a command stands inside another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordV1 {
    /// The number of its type.
    pub type_id: u16,
    /// The version of its shape.
    pub version: u8,
    /// Its canonical postcard bytes.
    #[serde(with = "byte_string")]
    pub body: Vec<u8>,
}

impl RecordV1 {
    /// The record of a frozen value.
    pub fn of<T: Frozen>(value: &T) -> Result<Self, EncodeError> {
        Ok(Self { type_id: T::TYPE, version: T::VERSION, body: to_payload(value)? })
    }

    /// The frozen value, if the record is of that type and of its version or one that it converts.
    pub fn open<T: Frozen>(&self) -> Result<T, DecodeError> {
        if self.type_id != T::TYPE {
            return Err(DecodeError::WrongType { found: self.type_id, expected: T::TYPE });
        }
        of_version(self.version, &self.body)
    }
}

/// Writes a value behind its prelude.
pub fn encode<T: Frozen>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let checked = T::VERSION >= T::CHECKED_SINCE;
    let mut bytes = Vec::with_capacity(ENCODED_BYTES_EXPECTED);
    bytes.extend_from_slice(&prelude(checked, T::TYPE, T::VERSION, 0));
    let mut bytes = postcard::to_extend(value, bytes).map_err(EncodeError::Serialize)?;
    let payload_bytes = bytes.len() - PRELUDE_BYTES;
    let too_large = EncodeError::TooLarge { bytes: payload_bytes, max: T::BYTES_MAX };
    let length = u32::try_from(payload_bytes).map_err(|_| too_large.clone())?;
    if payload_bytes > T::BYTES_MAX {
        return Err(too_large);
    }
    // The length is known only now.
    bytes.splice(..PRELUDE_BYTES, prelude(checked, T::TYPE, T::VERSION, length));
    if checked {
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
    }
    Ok(bytes)
}

fn prelude(checked: bool, type_id: u16, version: u8, length: u32) -> [u8; PRELUDE_BYTES] {
    let [m0, m1] = MAGIC;
    let codec = if checked { CODEC_POSTCARD_CHECKED } else { CODEC_POSTCARD };
    let ([t0, t1], [l0, l1, l2, l3]) = (type_id.to_be_bytes(), length.to_be_bytes());
    [m0, m1, codec, t0, t1, version, l0, l1, l2, l3]
}

/// The type and version that stand in the prelude, without looking at the payload.
pub fn peek(bytes: &[u8]) -> Result<(u16, u8), DecodeError> {
    let Prelude { type_id, version, .. } = split(bytes)?;
    Ok((type_id, version))
}

/// Reads a value behind its prelude: the right type, its version or one that it converts, its checksum if it has
/// one, nothing left over, and written as we write it.
pub fn decode<T: Frozen>(bytes: &[u8]) -> Result<T, DecodeError> {
    let Prelude { codec, type_id, version, stated, payload } = split(bytes)?;
    if type_id != T::TYPE {
        return Err(DecodeError::WrongType { found: type_id, expected: T::TYPE });
    }
    if (codec == CODEC_POSTCARD_CHECKED) != (version >= T::CHECKED_SINCE) {
        return Err(DecodeError::Prelude);
    }
    if u32::try_from(payload.len()) != Ok(stated) {
        return Err(DecodeError::Length { stated, actual: payload.len() });
    }
    of_version(version, payload)
}

/// The bytes that a value takes when encoded, without its prelude: for bounds on parts of a state.
pub fn encoded_len<T: Serialize>(value: &T) -> Result<usize, EncodeError> {
    postcard::serialize_with_flavor(value, postcard::ser_flavors::Size::default())
        .map_err(EncodeError::Serialize)
}

/// What stands in a prelude, and the payload between it and the checksum.
struct Prelude<'a> {
    codec: u8,
    type_id: u16,
    version: u8,
    stated: u32,
    payload: &'a [u8],
}

/// Takes bytes apart; those with a checksum are the ones that were written.
fn split(bytes: &[u8]) -> Result<Prelude<'_>, DecodeError> {
    let Some((prelude, rest)) = bytes.split_first_chunk::<PRELUDE_BYTES>() else {
        return Err(DecodeError::Prelude);
    };
    let [m0, m1, codec, t0, t1, version, l0, l1, l2, l3] = *prelude;
    let payload = match codec {
        _ if [m0, m1] != MAGIC => return Err(DecodeError::Prelude),
        CODEC_POSTCARD => rest,
        CODEC_POSTCARD_CHECKED => unchanged(bytes).ok_or(DecodeError::Checksum)?,
        _ => return Err(DecodeError::Prelude),
    };
    let (type_id, stated) = (u16::from_be_bytes([t0, t1]), u32::from_be_bytes([l0, l1, l2, l3]));
    Ok(Prelude { codec, type_id, version, stated, payload })
}

/// The payload of a whole value that ends with the checksum of everything before it.
fn unchanged(bytes: &[u8]) -> Option<&[u8]> {
    let (before, stated) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    (checksum(before) == *stated).then(|| before.get(PRELUDE_BYTES..))?
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let mut first = [0; CHECKSUM_BYTES];
    first.copy_from_slice(hash.split_at(CHECKSUM_BYTES).0);
    first
}

fn to_payload<T: Frozen>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let bytes = postcard::to_allocvec(value).map_err(EncodeError::Serialize)?;
    if bytes.len() > T::BYTES_MAX {
        return Err(EncodeError::TooLarge { bytes: bytes.len(), max: T::BYTES_MAX });
    }
    Ok(bytes)
}

fn of_version<T: Frozen>(version: u8, payload: &[u8]) -> Result<T, DecodeError> {
    if version == T::VERSION {
        return from_payload(payload);
    }
    let unknown = DecodeError::Unknown { type_id: T::TYPE, version };
    T::from_earlier(version, payload).unwrap_or(Err(unknown))
}

/// Reads the payload of a frozen value, all of it.
pub(crate) fn from_payload<T: Frozen>(payload: &[u8]) -> Result<T, DecodeError> {
    if payload.len() > T::BYTES_MAX {
        return Err(DecodeError::TooLarge { bytes: payload.len(), max: T::BYTES_MAX });
    }
    let (value, rest) = postcard::take_from_bytes(payload).map_err(DecodeError::Payload)?;
    if !rest.is_empty() {
        return Err(DecodeError::LeftOver(rest.len()));
    }
    // postcard also reads numbers with zeros at their end. Nothing else of it can be written in two ways, and those
    // zeros make the value longer, so its length tells.
    match encoded_len(&value) {
        Ok(canonical) if canonical == payload.len() => Ok(value),
        Ok(canonical) => Err(DecodeError::NotCanonical { found: payload.len(), canonical }),
        Err(EncodeError::Serialize(error)) => Err(DecodeError::Payload(error)),
        Err(EncodeError::TooLarge { bytes, max }) => Err(DecodeError::TooLarge { bytes, max }),
    }
}

/// Declares an enum over frozen payloads with explicit type ids.
///
/// The enum itself is never serialized: [`RecordV1`] is, with the id from this table.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $enum:ident, max $max:expr, { $( $(#[$vdoc:meta])* $id:literal v $version:literal => $variant:ident($payload:ident) ),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $enum {
            $( $(#[$vdoc])* $variant($payload) ),+
        }

        $(
            impl $crate::codec::Frozen for $payload {
                const TYPE: u16 = $id;
                const VERSION: u8 = $version;
                const BYTES_MAX: usize = $max;
            }

            impl From<$payload> for $enum {
                fn from(payload: $payload) -> Self {
                    Self::$variant(payload)
                }
            }
        )+

        impl $enum {
            /// Every name and type id, in the order of the table.
            pub const TABLE: &'static [(&'static str, u16)] = &[ $( (stringify!($variant), $id) ),+ ];

            /// Its name, as documented.
            pub const fn name(&self) -> &'static str {
                match self { $( Self::$variant(_) => stringify!($variant) ),+ }
            }

            /// The number of its type.
            pub const fn type_id(&self) -> u16 {
                match self { $( Self::$variant(_) => $id ),+ }
            }

            /// Writes it as a record.
            pub fn to_record(&self) -> Result<$crate::codec::RecordV1, $crate::codec::EncodeError> {
                match self { $( Self::$variant(payload) => $crate::codec::RecordV1::of(payload) ),+ }
            }

            /// Reads a record; a type that this release does not know is an error that names it.
            pub fn from_record(record: &$crate::codec::RecordV1) -> Result<Self, $crate::codec::DecodeError> {
                match record.type_id {
                    $( $id => record.open::<$payload>().map(Self::$variant), )+
                    type_id => Err($crate::codec::DecodeError::Unknown { type_id, version: record.version }),
                }
            }
        }
    };
}
pub(crate) use wire_enum;
