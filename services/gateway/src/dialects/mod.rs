//! Five wire contracts of other gateways. Each folder stands alone: its authentication, its errors, its
//! rendering, one route per file. None knows another, and no word of theirs reaches the domain.

pub mod codechat;
pub mod evolution;
pub mod green;
pub mod mega;
pub mod ryze;
