//! Opening a view: its folder, its rows, its follower.

use std::{io, path::Path, sync::Arc};

use berth_log::LogRead;
use berth_runtime::{Lifecycle, chain, spawn_blocking};

use crate::{
    checked::{Checked, Checkpoint},
    folder::{OpenError, ViewFolder, Which},
    follower::{Follower, Ports},
    high_water, lag, metrics,
    options::ViewOptions,
    port::{Lacking, View},
    reader::Core,
    store::StoreError,
};

/// Opens the view and spawns its follower.
pub(crate) async fn start(
    log: Arc<dyn LogRead>,
    folder: &Path,
    view: Arc<dyn View>,
    options: ViewOptions,
    lifecycle: &Lifecycle,
) -> Result<Arc<Core>, OpenError> {
    let (root, name, schema) = (folder.to_owned(), view.name(), view.schema());
    let home = folder.join(name);
    let failed = move |source| OpenError::Folder { folder: home, source };
    let opening = options.clone();
    let opened = spawn_blocking(move || {
        let folder = ViewFolder::claim(&root, name, schema)?;
        let failed = |source| OpenError::Folder { folder: root.join(name), source };
        folder.tidy(opening.clock.now()).map_err(failed)?;
        let marks = high_water::read(&folder.marks(), schema).map_err(failed)?;
        let (checked, checkpoint) = open_or_quarantine(&folder, &opening, name, schema).map_err(failed)?;
        Ok((folder, marks, checked, checkpoint))
    });
    let (folder, marks, checked, checkpoint) = opened.await.map_err(|error| failed(error.into()))??;
    let (was_being_built, accepted) = (folder.next().is_some(), folder.next_accepted());
    let core = Arc::new(Core::new(name, folder, Arc::clone(&options.clock)));
    core.set_store(Some(Arc::new(checked)));
    if was_being_built {
        core.begin_rebuild(Lacking::Refused);
        for number in accepted {
            core.begin_rebuild(Lacking::Accepted(number));
        }
    }
    let (watched, stop) = (
        lag::watch(Arc::clone(&log), Arc::clone(&core), Arc::clone(&options.clock)),
        lifecycle.stop().clone(),
    );
    lifecycle.spawn(async move { stop.run_until_cancelled(watched).await });
    let mut follower =
        Follower::new(Ports { log, view, options }, Arc::clone(&core), checkpoint, marks, lifecycle);
    lifecycle.spawn(async move { follower.run().await });
    Ok(core)
}

/// Opens the rows, or puts them aside and begins with those that are built beside, or with none. Fails only if even that
/// cannot be done.
pub(crate) fn open_or_quarantine(
    folder: &ViewFolder,
    options: &ViewOptions,
    view: &'static str,
    schema: u32,
) -> io::Result<(Checked, Checkpoint)> {
    let open = || open_guarded(folder, Which::Rows, &folder.rows(), options, view, schema);
    let mut opened = open()?;
    // What was built beside may be damaged too; what is left then is nothing.
    for _ in 0..2 {
        let reason = match opened {
            Ok(opened) => return Ok(opened),
            Err(reason) => reason,
        };
        tracing::error!(view, reason, "a view is damaged; it is put aside and built anew from the log");
        metrics::quarantined(view);
        folder.quarantine(options.clock.now())?;
        opened = open()?;
    }
    opened.map_err(io::Error::other)
}

/// Opens and verifies rows, unless that ended the process the last times; says why if they are of no use.
pub(crate) fn open_guarded(
    folder: &ViewFolder,
    which: Which,
    rows: &Path,
    options: &ViewOptions,
    view: &'static str,
    schema: u32,
) -> io::Result<Result<(Checked, Checkpoint), String>> {
    let open = || -> Result<(Checked, Checkpoint), StoreError> {
        Checked::open(options.open_store(rows)?, view, schema)
    };
    if !folder.opening(which)? {
        return Ok(Err("opening it ended the process twice".to_owned()));
    }
    let opened = open();
    folder.opened(which)?;
    match opened {
        Ok(opened) => Ok(Ok(opened)),
        Err(error @ StoreError::Full(_)) => Err(io::Error::other(error)),
        Err(error) if error.is_locked() => Err(io::Error::other(error)),
        Err(error) => Ok(Err(chain(&error))),
    }
}
