//! Accounts: a name, a token, and what all instances of an account have in common.
//!
//! - **id and stream**: [`AccountId`](berth_proto::AccountId), [`StreamKey::account`](berth_proto::StreamKey::account).
//! - **events**: [`Event`]. Their names are the storage format.
//! - **state and fold**: [`State`], [`evolve()`]. A change that the instances have to follow leaves the account
//!   *unsettled* until they do.
//! - **decisions**: [`decide()`]. What they need of the directory first is in [`claims()`], and what they give up
//!   there in [`given_up()`]. A repeated command is found by its receipt in the last commits, before it is decided.

mod decide;
mod evolve;
mod webhooks;

pub use berth_proto::account::{AccountEvent as Event, AccountStateV3 as State};
pub use decide::{Claim, claims, decide, given_up, settle};
pub use evolve::evolve;
