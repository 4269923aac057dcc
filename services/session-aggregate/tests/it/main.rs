//! The service as its clients meet it: commands over a bus, answers, and what stands in the log.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod account_webhooks;
mod accounts;
mod callers;
mod changing;
mod clock;
mod closing;
mod commands;
mod create;
mod damage;
mod delete;
mod engines;
mod faults;
mod moving;
mod names_there;
mod races;
mod renaming;
mod rotate;
mod senders;
mod stateless;
mod sweeper;
mod world;
