//! Going on after the log lost acknowledged commits: the operator's word that the log as it is now counts.

use std::{fs, path::PathBuf, process::ExitCode};

use berth_runtime::{Role, Settings};

use crate::{
    failure::Failure,
    folder::{DataFolder, FolderError},
};

/// Throws away the views below the data folder and what they remember of the log; the next start builds them
/// anew. Refused while a process uses the folder.
pub(crate) fn accept_rollback(settings: &Settings) -> Result<ExitCode, Failure> {
    let data = &settings.storage.data;
    if !data.is_dir() {
        return Err(FolderError::Missing { path: data.clone() }.into());
    }
    let mut held = vec![DataFolder::take(data)?];
    for slot in slots(settings)? {
        held.push(DataFolder::take(&slot)?);
    }
    for folder in &held {
        for role in Role::ALL {
            berth_views::accept_rollback(&folder.path().join(role.as_str()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Folders of processes of a deployment on NATS.
fn slots(settings: &Settings) -> Result<Vec<PathBuf>, FolderError> {
    let data = &settings.storage.data;
    let failed = |source| FolderError::Io { path: data.clone(), source };
    let mut slots = Vec::new();
    for entry in fs::read_dir(data).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if Role::ALL.iter().any(|role| name.starts_with(&format!("{role}-"))) && path.is_dir() {
            slots.push(path);
        }
    }
    Ok(slots)
}
