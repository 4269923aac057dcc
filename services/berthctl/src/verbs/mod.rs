//! What can be done, a file for each verb: its arguments and how it goes.

pub(crate) mod account;
pub(crate) mod account_webhook;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod checkpoint;
pub(crate) mod cluster;
pub(crate) mod context;
pub(crate) mod delivery;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod everything;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod instance;
pub(crate) mod listen;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod upstream;
pub(crate) mod verify;
pub(crate) mod webhook;
pub(crate) mod whoami;

use crate::failure::Failure;

/// Refuses what cannot stand in a path: those who read URLs take it for a place in the tree.
fn named(name: &str) -> Result<&str, Failure> {
    match name {
        "" => Err(Failure::usage("an empty name names nothing", "Give an id, a name or a number.")),
        "." | ".." => Err(Failure::usage(
            format!("{name:?} cannot stand in an address"),
            "Give the id or the number of the instance.",
        )),
        name => Ok(name),
    }
}
