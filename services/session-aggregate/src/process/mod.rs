//! The process manager: finishes what a crash, a silent connector or the passing of time left open.
//!
//! A view of the log ([`agenda`]) knows what is open and when it is due; the owner of a partition works off what is open in
//! it ([`sweeper`]). Every job is idempotent, so that two at once or one twice do no harm.

use std::sync::Arc;

use berth_runtime::Clock;

use self::{duty::Duty, open_work::OpenWork, own_commands::OwnCommands};
use crate::{
    accounts::Accounts,
    directory::Directory,
    instances::Instances,
    names_there::NamesThere,
    ownership::Owned,
    sagas::{delete::Delete, names_here::NamesHere, rotate::Rotate},
};

pub(crate) mod agenda;
pub(crate) mod duty;
pub(crate) mod job;
mod jobs;
mod looks;
pub(crate) mod open_creates;
pub(crate) mod open_work;
pub(crate) mod own_commands;
mod sweeper;
#[cfg(test)]
mod table;

/// What open work is finished with.
#[derive(Debug)]
pub(crate) struct ProcessManager {
    pub(crate) open_work: OpenWork,
    pub(crate) commands: OwnCommands,
    pub(crate) duty: Duty,
    pub(crate) instances: Arc<Instances>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) directory: Directory,
    pub(crate) rotate: Arc<Rotate>,
    pub(crate) names_here: NamesHere,
    pub(crate) delete: Arc<Delete>,
    pub(crate) names_there: NamesThere,
    /// The partitions whose open work is this replica's to finish.
    pub(crate) owned: Owned,
    pub(crate) clock: Arc<dyn Clock>,
}
