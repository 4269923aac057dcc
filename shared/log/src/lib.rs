//! The event log port and its memory, embedded and JetStream adapters.

pub mod port;

pub use port::{
    AppendError, Appended, EventLog, Expected, Follow, FollowError, Followed, LogRead, NewCommit, Position,
    ReadError, ShardPosition, Stored, Tail,
};
