//! The aggregates, pure: nothing here reads a clock, a random number, a network or a disk. Everything that a decision
//! needs is an argument. Personal values arrive sealed; the domain compares and moves them and never opens one.
//!
//! Each aggregate is a folder in the same order: its id and stream, its events, its state and how events are folded
//! into it (`evolve`), its decisions, which turn what is asked into events (`decide`). Its stories are in `tests/`.
//! Whoever appends folds the events of a decision; the state rides in the commit.

pub mod account;
pub mod delivery;
pub mod directory;
pub mod instance;
