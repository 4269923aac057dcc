//! What every engine does, and what is left in sled's files after a crash.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use super::{Batch, Store, StoreError, memory::MemoryStore, redo, sled::SledStore};

const CACHE_BYTES: u64 = 1024 * 1024;
/// Rows that are written anew with each batch of a story of crashes: more than a part of a redo has.
const ROWS: u64 = 400;
/// How often a crash is brought about, and a log cut off.
const KILLS: usize = 6;
const CUTS: u64 = 24;
/// Rows that stay and rows that come and go, and how often they do.
const STAYING: u64 = 100;
const PASSING: u64 = 1_000;
const PASSING_ROUNDS: u64 = 10;
/// Batches that are written while somebody reads.
const READ_BATCHES: u64 = 60;
/// Tells the child where its store lies.
const FOLDER: &str = "BERTH_TEST_STORE_FOLDER";

fn open(folder: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(folder, CACHE_BYTES)
}

fn key(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// The batch with a number: every row says it, in a value of its own length, but for one that is removed by it and one that comes.
fn batch(number: u64) -> Batch {
    let rows = (0..ROWS).map(|row| (key(row), Some(value(number, row))));
    rows.chain([(key(ROWS + number), Some(value(number, 0))), (key(ROWS + number - 1), None)]).collect()
}

fn value(number: u64, row: u64) -> Vec<u8> {
    let mut value = number.to_be_bytes().to_vec();
    value.resize(8 + usize::try_from((number * 31 + row * 7) % 600).unwrap(), 7);
    value
}

/// The number of the last batch in a store, which has all of it and nothing besides; none if it is empty.
fn last_batch(store: &dyn Store) -> Option<u64> {
    let rows = store.scan(b"", None, usize::MAX).unwrap();
    let (_, first) = rows.first()?;
    let number = u64::from_be_bytes(*first.first_chunk().unwrap());
    let mut expected: Vec<_> =
        batch(number).into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    expected.sort();
    assert!(rows == expected, "a part of batch {number} or another");
    Some(number)
}

#[test]
fn every_engine_applies_a_batch_and_reads_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let engines: [Box<dyn Store>; 2] =
        [Box::new(MemoryStore::default()), Box::new(open(folder.path()).unwrap())];
    for store in engines {
        store.apply(vec![(b"ab".to_vec(), Some(b"1".to_vec()))]).unwrap();
        let large = vec![9; 300_000];
        store
            .apply(vec![
                (b"ac".to_vec(), Some(Vec::new())),
                (b"b".to_vec(), Some(large.clone())),
                (b"ab".to_vec(), None),
                (b"a".to_vec(), Some(b"2".to_vec())),
                (b"never".to_vec(), None),
            ])
            .unwrap();
        assert_eq!(store.get(b"ab").unwrap(), None);
        assert_eq!(store.get(b"b").unwrap(), Some(large));
        let with_a = [(b"a".to_vec(), b"2".to_vec()), (b"ac".to_vec(), Vec::new())];
        assert_eq!(store.scan(b"a", None, 9).unwrap(), with_a);
        assert_eq!(store.scan(b"a", Some(b"a"), 9).unwrap(), with_a[1..]);
        assert_eq!(store.scan(b"", None, 1).unwrap(), with_a[..1]);
        store.apply(Batch::new()).unwrap();
        store.flush().unwrap();
    }
}

#[test]
fn whoever_reads_meanwhile_meets_new_values_in_their_order_and_what_is_removed_last() {
    let folder = tempfile::tempdir().unwrap();
    let engines: [Arc<dyn Store>; 2] =
        [Arc::new(MemoryStore::default()), Arc::new(open(folder.path()).unwrap())];
    for store in engines {
        let writer = Arc::clone(&store);
        let writing = std::thread::spawn(move || {
            (1..=READ_BATCHES).for_each(|number| writer.apply(batch(number)).unwrap());
        });
        let number = |key: Vec<u8>| {
            let value = store.get(&key).unwrap();
            value.map_or(0, |value| u64::from_be_bytes(*value.first_chunk().unwrap()))
        };
        while !writing.is_finished() {
            let last = number(key(ROWS - 1));
            assert!(number(key(0)) >= last, "the first row is written before the last");
            let one_of = store.scan(&key(0)[..6], Some(&key(ROWS - 1)), 2).unwrap();
            assert!(last < 2 || !one_of.is_empty(), "the one that comes is there before the other is gone");
        }
        writing.join().unwrap();
        assert_eq!(last_batch(store.as_ref()), Some(READ_BATCHES));
    }
}

/// Keys come and go between others that stay, so that pages are divided and joined while they are read.
#[test]
fn what_stays_is_read_by_everybody_whatever_comes_and_goes_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [1, 2].map(|number| Arc::new(open(&folder.path().join(number.to_string())).unwrap()));
    let staying: Vec<_> = (0..STAYING).map(|number| key(number * 1_000)).collect();
    let passing = |number: u64| key(number % STAYING * 1_000 + 1 + number / STAYING);
    std::thread::scope(|threads| {
        for store in &stores {
            store.apply(staying.iter().map(|key| (key.clone(), Some(vec![1]))).collect()).unwrap();
            let writing = threads.spawn(move || {
                for round in 0..PASSING_ROUNDS {
                    let kept = |number: u64| round.is_multiple_of(2) || number.is_multiple_of(7);
                    let value = |number| kept(number).then(|| vec![2; 40]);
                    store
                        .apply((0..PASSING).map(|number| (passing(number), value(number))).collect())
                        .unwrap();
                }
            });
            let (writing, staying) = (Arc::new(writing), &staying);
            for _ in 0..2 {
                let writing = Arc::clone(&writing);
                threads.spawn(move || {
                    while !writing.is_finished() {
                        let keys: Vec<_> =
                            store.scan(b"", None, usize::MAX).unwrap().into_iter().map(|row| row.0).collect();
                        assert!(keys.is_sorted_by(|one, next| one < next), "each once, in order");
                        assert!(staying.iter().all(|key| keys.binary_search(key).is_ok()), "none is missed");
                    }
                });
            }
            threads.spawn(move || {
                while !writing.is_finished() {
                    assert!(staying.iter().all(|key| store.get(key).unwrap().is_some()));
                }
            });
        }
    });
}

#[test]
fn a_batch_that_was_not_ended_is_made_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.apply(batch(1)).unwrap();
    let db = store.database();
    redo::begin(db, &batch(2)).unwrap();
    // Some of its rows, as a process leaves them that ends meanwhile.
    for (key, value) in batch(2).into_iter().step_by(3) {
        store.apply(vec![(key, value)]).unwrap();
    }
    drop(store);
    for _ in 0..2 {
        let store = open(folder.path()).unwrap();
        assert_eq!(last_batch(&store), Some(2));
        assert_eq!(redo::unfinished(store.database()).unwrap(), None);
    }
    let store = open(folder.path()).unwrap();
    store.apply(batch(3)).unwrap();
    drop(store);
    assert_eq!(last_batch(&open(folder.path()).unwrap()), Some(3));
}

#[test]
fn what_was_written_down_of_a_batch_and_is_damaged_is_no_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    redo::begin(store.database(), &batch(1)).unwrap();
    let (written, parts) = redo::unfinished(store.database()).unwrap().unwrap();
    assert!(parts > 1, "it has several parts");
    assert_eq!(redo::decode(&written), Some(batch(1)));
    for length in (0..written.len()).step_by(997).chain([7, 8, written.len() - 1]) {
        assert_eq!(redo::decode(&written[..length]), None, "{length} bytes of it");
    }
    let mut longer = written;
    longer[8..16].copy_from_slice(&u64::MAX.to_be_bytes());
    assert_eq!(redo::decode(&longer), None, "a key of that length");

    // The first of its parts says that there are more.
    let second = store.database().open_tree("redo-1").unwrap();
    assert!(second.remove("part").unwrap().is_some());
    drop((second, store));
    let store = open(folder.path()).unwrap();
    assert_eq!((last_batch(&store), redo::unfinished(store.database()).unwrap()), (None, None));
    store.apply(batch(1)).unwrap();
    assert_eq!(last_batch(&store), Some(1));
}

#[test]
fn a_process_that_is_killed_leaves_whole_batches_and_what_was_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["store::tests::the_process_that_is_killed", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let flushed = lines.filter_map(|line| line.strip_prefix("flushed ")?.parse::<u64>().ok());
        let flushed = flushed.take(1 + kill * 3).last().expect("the child flushes");
        child.kill().unwrap();
        child.wait().unwrap();
        let last = last_batch(&open(folder.path()).unwrap()).unwrap();
        assert!(last >= flushed && flushed > kept, "{last} is left, {flushed} was flushed");
        kept = last;
    }
}

#[test]
#[ignore = "another test runs it and kills it"]
fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = open(Path::new(&folder)).unwrap();
    let first = last_batch(&store).unwrap_or(0) + 1;
    for number in first.. {
        store.apply(batch(number)).unwrap();
        if number % 4 == 0 {
            store.flush().unwrap();
            println!("flushed {number}");
        }
    }
}

/// As by a machine that ends before the disk has what was written.
#[test]
fn a_log_that_is_cut_off_anywhere_has_whole_batches() {
    let folder = tempfile::tempdir().unwrap();
    let (home, cut) = (folder.path().join("home"), folder.path().join("cut"));
    let store = open(&home).unwrap();
    for number in 1..=8 {
        store.apply(batch(number)).unwrap();
    }
    store.flush().unwrap();
    let length = fs::metadata(home.join("db")).unwrap().len();
    let mut seen = Vec::new();
    for number in 1..=CUTS {
        let _gone = fs::remove_dir_all(&cut);
        copy_folder(&home, &cut);
        fs::File::options()
            .write(true)
            .open(cut.join("db"))
            .unwrap()
            .set_len(length * number / (CUTS + 1))
            .unwrap();
        // Damage that it sees is as good: the view is built anew then.
        if let Ok(store) = open(&cut) {
            seen.push(last_batch(&store).unwrap_or(0));
        }
    }
    assert!(seen.is_sorted() && seen.last() > seen.first(), "it is cut off everywhere: {seen:?}");
    assert!(seen.len() as u64 > CUTS / 2, "most of them can be opened: {seen:?}");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}
