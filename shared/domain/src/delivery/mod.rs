//! Deliveries: which notices of a partition are settled, and which dispatcher may settle them.
//!
//! - **id and stream**: [`Partition`](berth_proto::Partition),
//!   [`StreamKey::delivery`](berth_proto::StreamKey::delivery).
//! - **events**: [`Event`]. Their names are the storage format.
//! - **state and fold**: [`State`], [`evolve()`].
//! - **decisions**: [`decide()`]. A dispatcher with a higher epoch fences off the one before it.

mod decide;
mod evolve;

pub use berth_proto::delivery::{DeliveryEvent as Event, DeliveryStateV1 as State};
pub use decide::{Fenced, decide};
pub use evolve::evolve;
