//! Random input for every border of the product.
//!
//! A target is one file in `tests/`: a function that makes a structured case of a [`Tape`] and judges what came of it.
//! [`Target::run`] replays what is kept in `corpus/<target>/`, then makes tapes from a seed until the cases or the time
//! are used up. A tape that finds a fault is cut down, kept in the corpus and named with the fault.
//!
//! Every target has a fault planted in it, beside the real thing, which [`Target::hunt`] must find: an oracle that
//! notices nothing looks like a product without faults.

pub mod damage;
mod insist;
mod mutate;
mod operations;
mod tape;
mod target;
mod town;
mod wire;

pub use insist::answered;
pub use mutate::{mutated, mutated_text};
pub use operations::{Asked, Caller, Operation, judged};
pub use tape::Tape;
pub use target::{Found, Target, Verdict};
pub use town::{House, Resident, Town};
pub use wire::{Wire, exchange};
