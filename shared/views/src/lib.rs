//! Rebuildable views: a follower of the log and a checked sled store.
//!
//! A view folds commits into rows. Its rows and the position they stand for are written in one atomic
//! batch; each row has a checksum, and a digest over all rows is verified at open. Anything wrong (another
//! schema, damage, a recreated log) moves the folder aside and builds the view anew from the log, while
//! readers are told so.

pub mod port;

pub use port::{ApplyError, Change, Row, Rows, View, ViewError, ViewReader, ViewState};
