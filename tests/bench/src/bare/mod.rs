//! The bare parts: what an answer of Berth cannot be faster than.

pub(crate) mod append;
pub(crate) mod echo;
pub(crate) mod handler;
pub(crate) mod publish;
pub(crate) mod upstream;

use berth_runtime::{Entropy, SystemEntropy};
use bytes::Bytes;

/// Bytes that do not compress, as sealed ones do not.
fn payload(bytes: usize) -> Bytes {
    let mut payload = vec![0; bytes];
    SystemEntropy.fill(&mut payload);
    payload.into()
}
