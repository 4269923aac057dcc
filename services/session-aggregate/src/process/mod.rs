//! The process manager: finishes what a crash, a silent connector or the passing of time left open.
//!
//! A view of the log ([`agenda`]) knows what is open and when it is due; the owner of a partition works off what is open in
//! it ([`sweeper`]). Every job is idempotent, so that two at once or one twice do no harm.

use std::sync::Arc;

use berth_bus::{Bus, KeyRing};
use berth_log::LogRead;
use berth_proto::WriteVersion;
use berth_runtime::Clock;
use berth_views::ViewReader;

use crate::{
    accounts::Accounts,
    directory::Directory,
    instances::Instances,
    names_there::NamesThere,
    ownership::Owned,
    sagas::{delete::Delete, moving::Move, rotate::Rotate},
};

pub(crate) mod agenda;
mod duty;
mod jobs;
mod sweeper;

/// What open work is finished with.
#[derive(Debug)]
pub(crate) struct ProcessManager {
    pub(crate) agenda: Arc<dyn ViewReader>,
    pub(crate) log: Arc<dyn LogRead>,
    pub(crate) instances: Arc<Instances>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) directory: Directory,
    pub(crate) rotate: Arc<Rotate>,
    pub(crate) moving: Arc<Move>,
    pub(crate) delete: Arc<Delete>,
    pub(crate) names_there: NamesThere,
    pub(crate) keys: KeyRing,
    /// Where commands of our own go, like any client's.
    pub(crate) bus: Arc<dyn Bus>,
    /// The partitions whose open work is this replica's to finish.
    pub(crate) owned: Owned,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether instances have copies of their account's endpoints follows from it.
    pub(crate) write_version: WriteVersion,
}
