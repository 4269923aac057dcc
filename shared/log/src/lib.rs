//! The event log port and its memory, embedded and JetStream adapters.

pub mod around;
pub mod batches;
pub mod chain;
mod copied;
pub mod decode;
pub mod embedded;
pub mod guarded;
pub mod high_water;
pub mod jetstream;
mod lag;
pub mod loaded;
mod local;
pub mod memory;
mod metrics;
pub mod one_follower;
pub mod port;
pub mod readable;
pub mod shared;
pub mod transaction;
mod unreadable;
mod window;

pub use around::{Pages, Place, read_around};
pub use batches::{BATCH_BYTES_MAX, Batch, Batches, is_large};
pub use chain::{ChainFault, ChainFaultKind, ChainReport, Tombstone, hash_of, hash_of_stored, verify};
pub use copied::append_copy;
pub use decode::{DecodeError, Rehydrated, StateError, decode_commit, decode_state, rehydrate};
pub use guarded::{GuardedLog, Halted};
pub use high_water::RolledBack;
pub use lag::{commits_between, watch_lag};
pub use loaded::Loaded;
pub use one_follower::OneFollower;
pub use port::{
    AppendError, Appended, EventLog, Expected, Follow, FollowError, Followed, LogRead, NewCommit, Position,
    ReadError, ShardPosition, Stored, Tail, TailSince,
};
pub use readable::{DamagedTail, Readable, damaged_tail, last_readable};
pub use shared::SharedCommit;
pub use transaction::{Damage, Next, Plan, TransactError, Transacted, Writer, Written};
