//! Message events that wait to be handed on, beside the log: each is kept until it is delivered, and then erased.
//!
//! What is kept is sealed under the data key of its instance by whoever puts it here, so it can be read by nobody any more once
//! that key is destroyed. Nothing rests on it: what is lost of it are messages that the endpoint is not told, as with the upstream
//! itself.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use berth_proto::{InstanceId, Partition};
use bytes::Bytes;
use thiserror::Error;

use crate::port::Source;

/// How long a letter is kept: as long as a notice is tried.
pub const LETTER_AGE_MAX: Duration = Duration::from_hours(76);

/// The postbag does not work at this moment; a retry helps when it does.
#[derive(Debug, Error)]
#[error("the store of messages that wait to be handed on is not available")]
pub struct PostbagError(#[source] pub Source);

/// A letter that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Whose it is.
    pub instance: InstanceId,
    /// Its place: later letters of an instance have greater ones.
    pub place: u64,
    /// Its bytes.
    pub bytes: usize,
}

/// See the module.
#[async_trait]
pub trait Postbag: fmt::Debug + Send + Sync + 'static {
    /// Keeps a letter durably behind those that its instance has, and gives its place.
    async fn put(&self, instance: InstanceId, letter: Bytes) -> Result<u64, PostbagError>;

    /// The instances of a partition for which letters are kept, and how many for each. No letter is read for it.
    async fn holders(&self, partition: Partition) -> Result<Vec<(InstanceId, usize)>, PostbagError>;

    /// Everything that is kept for an instance, in the order of places. It may take as long as reading all of it.
    async fn list(&self, instance: InstanceId) -> Result<Vec<Kept>, PostbagError>;

    /// A letter; none if it was erased.
    async fn get(&self, instance: InstanceId, place: u64) -> Result<Option<Bytes>, PostbagError>;

    /// Erases the letters of an instance up to a place, this one too.
    async fn erase(&self, instance: InstanceId, up_to: u64) -> Result<(), PostbagError>;
}
