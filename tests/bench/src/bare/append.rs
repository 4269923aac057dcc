//! A bare durable append that is nobody's engine: `pwrite` and `fdatasync` to a file that was written once before,
//! so that a sync moves no metadata. Appends that wait share a sync.

use std::{fs::File, os::unix::fs::FileExt, thread};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use super::payload;
use crate::{Outcome, closed_loop::Operation};

/// The file: written again from its start when it is full.
const FILE_BYTES: u64 = 128 * 1024 * 1024;
/// Bytes that the file is prepared with at a time.
const CHUNK_BYTES: usize = 1024 * 1024;
/// Appends that share a sync.
const GROUP_MAX: usize = 256;

type Waiting = (Bytes, oneshot::Sender<std::io::Result<()>>);

/// The file and its writer, which ends with the last client.
#[derive(Debug)]
pub(crate) struct AppendFile {
    queue: mpsc::Sender<Waiting>,
    _folder: TempDir,
}

/// Appends the same bytes again and again.
#[derive(Debug)]
pub(crate) struct Appender {
    queue: mpsc::Sender<Waiting>,
    payload: Bytes,
}

impl AppendFile {
    /// Writes the whole file once, and starts its writer.
    pub(crate) fn prepare() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let file = File::create(folder.path().join("appends"))?;
        let zeros = vec![0; CHUNK_BYTES];
        for at in (0..FILE_BYTES).step_by(CHUNK_BYTES) {
            file.write_all_at(&zeros, at)?;
        }
        file.sync_all()?;
        let (queue, waiting) = mpsc::channel(GROUP_MAX);
        thread::Builder::new().name("bare appends".to_owned()).spawn(move || write(&file, waiting))?;
        Ok(Self { queue, _folder: folder })
    }

    pub(crate) fn clients(&self, clients: usize, bytes: usize) -> Vec<Appender> {
        let payload = payload(bytes);
        (0..clients).map(|_| Appender { queue: self.queue.clone(), payload: payload.clone() }).collect()
    }
}

impl Operation for Appender {
    async fn once(&mut self) -> Outcome<()> {
        let (done, written) = oneshot::channel();
        self.queue.send((self.payload.clone(), done)).await?;
        Ok(written.await??)
    }
}

fn write(file: &File, mut waiting: mpsc::Receiver<Waiting>) {
    let mut at = 0;
    let mut group = Vec::with_capacity(GROUP_MAX);
    while waiting.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
        let bytes: Vec<u8> = group.iter().flat_map(|(payload, _)| payload.iter().copied()).collect();
        if at + bytes.len() as u64 > FILE_BYTES {
            at = 0;
        }
        let result = file.write_all_at(&bytes, at).and_then(|()| file.sync_data());
        at += bytes.len() as u64;
        for (_, done) in group.drain(..) {
            // A client that went away at the end of a measurement does not wait.
            let _gone = done.send(copied(&result));
        }
    }
}

/// What became of a group is told to each of it.
fn copied(result: &std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(error.kind().into()),
    }
}
