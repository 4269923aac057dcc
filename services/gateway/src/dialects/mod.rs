//! Six wire contracts of other gateways. Each folder stands alone: its authentication, its errors, its
//! rendering, one route per file. None knows another, and no word of theirs reaches the domain.

pub mod codechat;
pub mod evolution;
pub mod evolution_go;
pub mod green;
pub mod mega;
pub mod ryze;

use crate::app::Record;

/// The foreign id that a dialect gave an instance: the instance takes it along to another account.
pub(crate) fn foreign_id(record: &Record) -> Option<String> {
    codechat::external_id(record).or_else(|| evolution_go::own_id(record))
}
