//! Rebuildable views: a follower of the log and a checked sled store.
//!
//! A view folds commits into rows. Its rows and the position they stand for are written in one batch, of which a crash leaves all or
//! nothing, and in few large ones as long as nobody may read them; each row has a checksum, and a digest over all rows is
//! verified at open. Anything wrong (another schema, damage, a recreated log) moves the folder aside and builds the view anew from the log, while
//! readers are told so. A log that lost commits halts the view until an operator decides. Whoever asks has the view built anew
//! beside its rows, which are read until the new ones take their place.

mod beside;
mod checked;
mod damage;
mod ended;
mod fold;
mod folder;
mod follower;
mod high_water;
mod lag;
mod metrics;
mod options;
pub mod port;
mod program;
mod reader;
mod seen;
mod standing;
mod start;
mod store;
#[cfg(test)]
mod tests;
mod unwritten;

use std::{path::Path, sync::Arc};

use berth_log::LogRead;
use berth_runtime::Lifecycle;

pub use folder::{OpenError, accept_rollback};
pub use options::{CACHE_BYTES_DEFAULT, HELD_BYTES_DEFAULT, StoreKind, ViewOptions};
pub use port::{
    ApplyError, Asked, Change, Lacking, LastFolded, Rebuild, RebuildEnded, Row, Rows, View, ViewError,
    ViewReader, ViewState,
};

/// Opens a view in `<folder>/<name>/`, verifies its rows, and follows the log from where they stand until
/// the process is asked to stop. Damaged rows are put aside and built anew.
///
/// The folder is given back when the process has stopped following and the last reader is dropped.
pub async fn open(
    log: Arc<dyn LogRead>,
    folder: &Path,
    view: Arc<dyn View>,
    options: ViewOptions,
    lifecycle: &Lifecycle,
) -> Result<Arc<dyn ViewReader>, OpenError> {
    metrics::describe(view.name());
    Ok(start::start(log, folder, view, options, lifecycle).await?)
}
