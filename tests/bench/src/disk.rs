//! What folders take on the disk.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use crate::Outcome;

/// The unit of what the system says that a file takes.
const BLOCK_BYTES: u64 = 512;

/// The folders in this one by their names, each with the bytes that it takes on the disk.
pub(crate) fn folders_in(path: &Path) -> Outcome<Vec<(String, u64)>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push((entry.file_name().to_string_lossy().into_owned(), bytes(&entry.path())?));
        }
    }
    folders.sort();
    Ok(folders)
}

/// All of a folder. A file that goes away meanwhile takes nothing.
fn bytes(path: &Path) -> Outcome<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => sum += bytes(&entry.path())?,
            Ok(metadata) => sum += metadata.blocks() * BLOCK_BYTES,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sum)
}
