//! The wire contract: ids, subjects, frozen commands, events and states, and their codec.
//!
//! Everything that leaves a process is described here and nowhere else. A struct whose name ends in
//! `V1` is *frozen*: its fields are never edited, because postcard would decode old bytes into
//! something else without an error. A change is a `V2` beside it and a `From<V1> for V2`. The shape of
//! every frozen type is recorded in `schema.lock` and the bytes of examples in `vectors/`.
//!
//! The other crates match on [`event::Event`], [`command::Command`] and the states; those enums are
//! never serialized themselves, a [`codec::RecordV1`] with an explicit type id is.

pub mod account;
pub mod attempt;
mod byte_string;
pub mod codec;
pub mod command;
pub mod commit;
pub mod deliveries;
pub mod delivery;
pub mod directory;
pub mod event;
pub mod evidence;
pub mod frame;
pub mod ids;
pub mod instance;
pub mod letter;
pub mod limits;
pub mod public;
pub mod pull;
pub mod query;
pub mod redelivery;
pub mod subject;
pub mod time;
pub mod views;
pub mod worker;
pub mod write_version;

pub use codec::{DecodeError, EncodeError, RecordV1};
pub use commit::{CommitV1, CommitV2, Hash};
pub use ids::{AccountId, CommandId, DirectoryId, EndpointId, InstanceId, Sealed, StreamId};
pub use subject::{Kind, Partition, StreamKey};
pub use time::Timestamp;
pub use write_version::WriteVersion;
