//! The directory: one tiny aggregate for each unique key, a name in an account, a token, a number.
//!
//! - **id and stream**: [`DirectoryId`](berth_proto::DirectoryId), a keyed hash of what must be unique;
//!   [`StreamKey::directory`](berth_proto::StreamKey::directory).
//! - **events**: [`Event`]. Their names are the storage format.
//! - **state and fold**: [`State`], [`evolve()`]. A key is held by one holder at most.
//! - **decisions**: [`reserve()`], [`settle()`], [`rehold()`], [`release()`]. What is reserved cannot be reserved
//!   twice, whichever replica tries, because an append expects the version that was read.

mod decide;
mod evolve;

use berth_proto::{AccountId, InstanceId, directory::HoldV1};

pub use berth_proto::directory::{DirectoryEvent as Event, DirectoryStateV1 as State};
pub use decide::{Refused, rehold, release, reserve, settle};
pub use evolve::evolve;

/// The state of a key that nobody ever held.
pub const FREE: State = State { hold: None, former: Vec::new() };

/// Who may release or change an entry: an instance whatever its account, since its entries go with it when it
/// moves to another one; or an account itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The account.
    pub account: AccountId,
    /// The instance; none for an account's own token or name.
    pub instance: Option<InstanceId>,
}

impl Holder {
    /// Whether this is who holds it.
    pub fn holds(self, hold: &HoldV1) -> bool {
        hold.instance == self.instance && (self.instance.is_some() || hold.account == self.account)
    }
}
