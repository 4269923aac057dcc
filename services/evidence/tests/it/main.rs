//! Stories of the evidence: what is published can be checked with nothing but the published formats.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod keys;
mod lives;
mod proofs;
mod replicas;
mod witness;
mod world;
