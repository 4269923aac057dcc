//! What the tree says of a commit: the hash of its leaf.

use berth_proto::{Hash, StreamKey};
use sha2::{Digest, Sha256};

/// The byte before a leaf's data, as RFC 6962 has it.
const LEAF: [u8; 1] = [0];

/// The hash of a commit's leaf: the data is its subject, a line feed and the exact stored bytes. Nothing of it is
/// decoded, so that whoever has the bytes comes to the same hash, whatever they say.
pub fn leaf_hash(stream: &StreamKey, payload: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(LEAF);
    hasher.update(stream.subject().as_bytes());
    hasher.update(b"\n");
    hasher.update(payload);
    Hash(hasher.finalize().into())
}
