//! A process that is killed while it appends: what it acknowledged is there, once.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use berth_log::{LogRead, embedded::EmbeddedLog, verify};
use berth_runtime::SystemEntropy;

use crate::contract::history::{History, instance};

/// Tells the child process which folder to append to.
const FOLDER_VARIABLE: &str = "BERTH_LOG_CRASH_FOLDER";
const STREAMS: u64 = 16;
/// Sets the number of kills, for those who want many: `BERTH_LOG_CRASH_ROUNDS=500 cargo nextest run -p berth-log killed`.
const ROUNDS_VARIABLE: &str = "BERTH_LOG_CRASH_ROUNDS";
const ROUNDS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = HashMap::new();
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        append_and_be_killed(folder.path(), &mut acknowledged, 100 + round * 317 % 1900);
        let log = EmbeddedLog::open(folder.path(), 4, &SystemEntropy).unwrap();
        for (&number, &version) in &acknowledged {
            let report = verify(&log, &instance(number)).await.unwrap();
            assert_eq!(report.fault, None);
            assert!(report.commits >= version, "{} of {version} commits", report.commits);
        }
    }
}

/// Starts a child process, reads so many acknowledgements from it and kills it.
fn append_and_be_killed(folder: &Path, acknowledged: &mut HashMap<u64, u64>, acknowledgements: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_appends", "--ignored", "--nocapture"])
        .env(FOLDER_VARIABLE, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut note = |line: &str| {
        let mut words = line.strip_prefix("acknowledged ")?.split(' ').map(str::parse::<u64>);
        let (Some(Ok(number)), Some(Ok(version))) = (words.next(), words.next()) else { return None };
        acknowledged.insert(number, version);
        Some(())
    };
    let mut seen = 0;
    while seen < acknowledgements {
        seen += usize::from(note(&lines.next().expect("the child goes on for ever").unwrap()).is_some());
    }
    child.kill().unwrap();
    // What it wrote before its end counts, too; the last line may be cut off.
    let mut rest: Vec<_> = lines.map_while(Result::ok).collect();
    rest.pop();
    for line in rest {
        note(&line);
    }
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of `a_killed_process_loses_and_doubles_nothing`"]
async fn child_that_appends() {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return };
    let log = Arc::new(EmbeddedLog::open(Path::new(&folder), 4, &SystemEntropy).unwrap());
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..STREAMS {
        let log = Arc::clone(&log);
        writers.spawn(async move {
            let stream = instance(number);
            let mut history = match log.tail(&stream).await.unwrap() {
                Some(tail) => History::after(&tail),
                None => History::new(stream),
            };
            loop {
                let appended = history.append(&*log, number).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {number} {}", appended.tail.version).unwrap();
                out.flush().unwrap();
            }
        });
    }
    // It ends when it is killed, or when a writer panics.
    writers.join_next().await.unwrap().unwrap();
}
