//! The process manager: finishes what a crash, a silent connector or the passing of time left open.
//!
//! A view of the log ([`agenda`]) knows what is open and when it is due; one replica at a time, under a lease,
//! works it off ([`sweeper`]). Every job is idempotent, so that two at once or one twice do no harm.

pub(crate) mod agenda;
mod duty;
mod jobs;
pub(crate) mod sweeper;
