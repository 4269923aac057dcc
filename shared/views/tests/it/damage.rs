//! Whatever happens to the files of a view, its rows are those of the log or it is built anew.

use std::{
    fs,
    path::{Path, PathBuf},
};

use berth_views::Row;

use crate::{
    log::TestLog,
    world::{Running, names, reference},
};

/// Places in each file where a bit is flipped.
const FLIPS_PER_FILE: u64 = 24;

/// A log, the folder of a view that was stopped in the middle of it, and the rows it must have at the end.
struct Story {
    log: TestLog,
    template: tempfile::TempDir,
    rows: Vec<Row>,
}

impl Story {
    async fn begin() -> Self {
        let log = TestLog::with_commits(3_000);
        let template = tempfile::tempdir().unwrap();
        let running = Running::open(&log, template.path()).await;
        running.rows(&log).await;
        running.stop().await;
        log.grow(1_000);
        let rows = reference(&log).await;
        Self { log, template, rows }
    }

    /// The files of the view, relative to its folder.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        list(&rows_folder(self.template.path()), Path::new(""), &mut files);
        assert!(files.len() >= 2, "sled keeps several files: {files:?}");
        files
    }

    /// Damages a copy of the view, opens it and compares all rows. Says whether the copy was put aside.
    async fn survives(&self, what: &str, damage: impl FnOnce(&Path)) -> bool {
        let folder = tempfile::tempdir().unwrap();
        copy(self.template.path(), folder.path());
        damage(&rows_folder(folder.path()));
        let running = Running::open(&self.log, folder.path()).await;
        assert_eq!(running.rows(&self.log).await, self.rows, "after {what}");
        running.stop().await;
        let put_aside = !names(folder.path(), "quarantine").is_empty();
        let running = Running::open(&self.log, folder.path()).await;
        assert_eq!(running.rows(&self.log).await, self.rows, "after {what} and another start");
        running.stop().await;
        put_aside
    }
}

fn rows_folder(folder: &Path) -> PathBuf {
    folder.join("counts").join("v1")
}

fn list(root: &Path, under: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(under)).unwrap() {
        let entry = entry.unwrap();
        let path = under.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            list(root, &path, files);
        } else {
            files.push(path);
        }
    }
    files.sort();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn flipped_bits() {
    let story = Story::begin().await;
    let mut noticed = 0;
    for file in story.files() {
        let length = fs::metadata(rows_folder(story.template.path()).join(&file)).unwrap().len();
        for trial in 0..FLIPS_PER_FILE.min(length) {
            // Spread over the file, and over the bits of a byte.
            let place = usize::try_from(trial * length / FLIPS_PER_FILE + trial % 7).unwrap();
            let what = format!("bit {} of byte {place} of {} is flipped", trial % 8, file.display());
            let put_aside = story.survives(&what, |rows| {
                change(&rows.join(&file), |bytes| {
                    let place = place.min(bytes.len() - 1);
                    bytes[place] ^= 1 << (trial % 8);
                });
            });
            noticed += u32::from(put_aside.await);
        }
    }
    assert!(noticed > 0, "no flipped bit was noticed: the damage does not reach the rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_files() {
    let story = Story::begin().await;
    for file in story.files() {
        for eighths in [0, 1, 4, 7] {
            let what = format!("{} is cut to {eighths} eighths", file.display());
            story
                .survives(&what, |rows| {
                    change(&rows.join(&file), |bytes| bytes.truncate(bytes.len() * eighths / 8));
                })
                .await;
        }
        let what = format!("the last byte of {} is gone", file.display());
        story
            .survives(&what, |rows| change(&rows.join(&file), |bytes| bytes.truncate(bytes.len() - 1)))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_files_and_folders_in_the_place_of_files() {
    let story = Story::begin().await;
    for file in story.files() {
        let what = format!("{} is gone", file.display());
        story.survives(&what, |rows| fs::remove_file(rows.join(&file)).unwrap()).await;
        let what = format!("{} is a folder", file.display());
        let put_aside = story.survives(&what, |rows| {
            fs::remove_file(rows.join(&file)).unwrap();
            fs::create_dir(rows.join(&file)).unwrap();
        });
        put_aside.await;
    }
    let put_aside = story.survives("the folder is a file", |rows| {
        fs::remove_dir_all(rows).unwrap();
        fs::write(rows, b"no folder").unwrap();
    });
    assert!(put_aside.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_folder_goes_on_from_where_it_was() {
    let story = Story::begin().await;
    let folder = tempfile::tempdir().unwrap();
    copy(story.template.path(), folder.path());
    let running = Running::open(&story.log, folder.path()).await;
    assert_eq!(running.rows(&story.log).await, story.rows);
    running.stop().await;
    fs::remove_dir_all(rows_folder(folder.path())).unwrap();
    copy(&rows_folder(story.template.path()), &rows_folder(folder.path()));
    let running = Running::open(&story.log, folder.path()).await;
    assert_eq!(running.rows(&story.log).await, story.rows);
    running.stop().await;
    assert!(names(folder.path(), "quarantine").is_empty(), "an older copy is sound");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_views_files_are_not_taken_for_ours() {
    let story = Story::begin().await;
    let folder = tempfile::tempdir().unwrap();
    copy(&rows_folder(story.template.path()), &folder.path().join("counts").join("v2"));
    let running = Running::open_schema(&story.log, folder.path(), 2).await;
    assert_eq!(running.rows(&story.log).await, story.rows);
    running.stop().await;
    assert_eq!(names(folder.path(), "quarantine").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_ended_the_process_twice_does_not_open_the_rows_again() {
    let story = Story::begin().await;
    let put_aside = story.survives("two starts that did not end", |rows| {
        fs::write(rows.with_file_name("opening"), b"2").unwrap();
    });
    assert!(put_aside.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_high_water_mark_is_begun_anew() {
    let story = Story::begin().await;
    story
        .survives("a damaged high-water mark", |rows| {
            let mark = rows.parent().unwrap().with_extension("high-water");
            change(&mark, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            });
        })
        .await;
}
