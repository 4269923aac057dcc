//! Proofs of the wire contract: what was written once is read the same for ever.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

mod arbitrary;
mod catalogue;
mod codec;
mod commit;
mod names;
mod public;
mod schema;
mod vectors;
