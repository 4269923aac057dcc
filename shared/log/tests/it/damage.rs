//! Damage of any file of the embedded log: it starts right or refuses in words, and never tells anything wrong.

use std::path::{Path, PathBuf};

use berth_log::{LogRead, embedded::EmbeddedLog, port::Stored};
use berth_proto::StreamKey;
use berth_runtime::SystemEntropy;

use crate::{
    contract::history::{History, instance},
    embedded::copy,
};

/// Commits of the log that is damaged.
const COMMITS: usize = 60;
/// Sets the number of damages of each file, for those who want many.
const DAMAGES_VARIABLE: &str = "BERTH_LOG_DAMAGES";
const DAMAGES: u64 = 6;

fn damages() -> u64 {
    std::env::var(DAMAGES_VARIABLE).map_or(DAMAGES, |damages| damages.parse().unwrap())
}

/// A log whose commits stand partly in tables, partly in the journal, and what it holds.
async fn sound(folder: &Path) -> (StreamKey, Vec<Stored>) {
    let mut history = History::new(instance(1));
    for _ in 0..2 {
        let log = EmbeddedLog::open(folder, 4, &SystemEntropy).unwrap();
        history.grow(&log, COMMITS as u64 / 2).await;
    }
    // Without the room that they have in advance, copies are small.
    for journal in files(&folder.join("log")).iter().filter(|file| is_journal(file)) {
        let used = used(&std::fs::read(journal).unwrap());
        std::fs::OpenOptions::new().write(true).open(journal).unwrap().set_len(used as u64).unwrap();
    }
    // Opening writes what the journal holds into tables: a copy of this folder has it in the journal.
    let copied = tempfile::tempdir().unwrap();
    copy(folder, copied.path());
    let log = EmbeddedLog::open(copied.path(), 4, &SystemEntropy).unwrap();
    let all = log.read(&history.stream, 0, COMMITS + 1).await.unwrap();
    assert_eq!(all.len(), COMMITS);
    (history.stream, all)
}

fn is_journal(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "jnl")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Opens a damaged log and holds what it says against the truth. Whether the damage was noticed.
async fn noticed(folder: &Path, stream: &StreamKey, truth: &[Stored], what: &str) -> bool {
    let Ok(log) = EmbeddedLog::open(folder, 4, &SystemEntropy) else { return true };
    let mut noticed = false;
    match log.tail(stream).await {
        Ok(tail) => assert_eq!(tail.as_ref(), truth.last(), "{what}"),
        Err(_) => noticed = true,
    }
    match log.read(stream, 0, COMMITS + 1).await {
        Ok(all) => assert_eq!(all, truth, "{what}"),
        Err(_) => noticed = true,
    }
    noticed
}

/// Bytes of a file that hold something: a journal has room in advance.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}

#[tokio::test]
async fn a_flipped_bit_in_any_file_is_noticed_or_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, truth) = sound(folder.path()).await;
    let mut noticed_in = 0;
    for file in files(&folder.path().join("log")) {
        let name = file.strip_prefix(folder.path()).unwrap().to_owned();
        let used = used(&std::fs::read(&file).unwrap());
        for serial in 0..damages().min(used as u64) {
            let copied = tempfile::tempdir().unwrap();
            copy(folder.path(), copied.path());
            let mut bytes = std::fs::read(copied.path().join(&name)).unwrap();
            // Places all over the file, each time the same ones.
            let at = usize::try_from((serial * 2 + 1) * used as u64 / (damages() * 2)).unwrap().min(used - 1);
            bytes[at] ^= 1 << (serial % 8);
            std::fs::write(copied.path().join(&name), bytes).unwrap();
            let what = format!("bit {} of byte {at} of {}", serial % 8, name.display());
            noticed_in += u32::from(noticed(copied.path(), &stream, &truth, &what).await);
        }
    }
    assert!(noticed_in > 0, "no damage was noticed");
}

#[tokio::test]
async fn a_file_that_was_cut_or_is_gone_is_noticed_or_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, truth) = sound(folder.path()).await;
    for file in files(&folder.path().join("log")) {
        let name = file.strip_prefix(folder.path()).unwrap().to_owned();
        let used = used(&std::fs::read(&file).unwrap());
        let lengths = (0..3).map(|third| Some(used * third / 3)).chain([None]);
        for length in lengths {
            // A journal that ends early is what a crash leaves: only a follower's high-water mark tells them apart.
            if is_journal(&file) {
                continue;
            }
            let copied = tempfile::tempdir().unwrap();
            copy(folder.path(), copied.path());
            let there = copied.path().join(&name);
            match length {
                Some(length) => {
                    let file = std::fs::OpenOptions::new().write(true).open(there).unwrap();
                    file.set_len(length as u64).unwrap();
                }
                None => std::fs::remove_file(there).unwrap(),
            }
            noticed(copied.path(), &stream, &truth, &format!("{} cut to {length:?}", name.display())).await;
        }
    }
}

#[tokio::test]
async fn a_journal_that_a_crash_cut_off_holds_whole_commits_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, truth) = sound(folder.path()).await;
    let journal = files(&folder.path().join("log")).into_iter().rfind(|file| is_journal(file)).unwrap();
    let name = journal.strip_prefix(folder.path()).unwrap();
    let used = used(&std::fs::read(&journal).unwrap());
    let mut fewest = COMMITS;
    for serial in 0..=damages() * 4 {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        let length = used as u64 * serial / (damages() * 4);
        let file = std::fs::OpenOptions::new().write(true).open(copied.path().join(name)).unwrap();
        file.set_len(length).unwrap();
        drop(file);
        let log = EmbeddedLog::open(copied.path(), 4, &SystemEntropy).unwrap();
        let there = log.read(&stream, 0, COMMITS + 1).await.unwrap();
        assert_eq!(there, truth[..there.len()], "cut to {length}");
        assert_eq!(log.tail(&stream).await.unwrap().as_ref(), there.last(), "cut to {length}");
        fewest = fewest.min(there.len());
    }
    assert!(fewest < COMMITS, "no cut took anything");
}
