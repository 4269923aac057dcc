//! A view is built anew beside its rows, which are read meanwhile, and whoever kills the process leaves the ones or the others.

use std::{
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use berth_log::LogRead;
use berth_proto::views::DamageNumber;
use berth_views::{Asked, Lacking, Rebuild, ViewState};
use tempfile::TempDir;

use crate::{
    log::TestLog,
    world::{Running, WAIT_MAX, names, reference},
};

/// Commits of the log of the process that is killed.
const COMMITS: u64 = 20_000;
/// Commits that it is given before it is: three such processes do not come to the end.
const GIVEN: u64 = COMMITS / 4;
/// A file that was not written for so long has all that it is to have.
const AT_REST: Duration = Duration::from_secs(7);
/// Tells the child where its view lies.
const FOLDER: &str = "BERTH_TEST_REBUILT_VIEW_FOLDER";

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_while_others_are_built_beside_them() {
    let (log, folder) = (TestLog::with_commits(10_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let instances = running.rows(&log).await.into_iter().filter(|(key, _)| key[0] == b'i').count();
    for round in 1..=2_u64 {
        assert_eq!(running.view.rebuild(), Asked::Begun);
        assert_eq!(running.view.rebuild(), Asked::Running, "there is one at a time");
        let mut looks = 0;
        let ended = loop {
            assert_eq!(
                running.view.scan(b"i", None, usize::MAX).unwrap().len(),
                instances,
                "nobody misses a row"
            );
            assert_eq!(running.view.state(), ViewState::Live);
            log.grow(1);
            looks += 1;
            let rebuild = running.view.rebuilding().unwrap();
            assert!(rebuild.folded <= rebuild.of, "{rebuild:?}");
            if let Some(ended) = rebuild.ended {
                break ended;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        assert_eq!(ended.failure, None);
        assert!(looks > 1, "it took a while");
        assert_eq!(running.rows(&log).await, reference(&log).await);
        are(folder.path(), &[&format!("v1-{round}")]).await;
        assert!(names(folder.path(), "next").is_empty());
    }
    running.stop().await;
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(running.rows(&log).await, reference(&log).await);
    assert_eq!(running.view.rebuilding(), None);
    running.stop().await;
    assert!(names(folder.path(), "quarantine").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_is_reached_once_and_never_left_when_the_rows_are_switched() {
    let (log, folder) = (TestLog::with_commits(3_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    running.rows(&log).await;
    assert_eq!(running.view.rebuild(), Asked::Begun);
    let changes = running.view.changes();
    let mut before = changes.borrow().position.clone();
    while running.view.rebuilding().unwrap().ended.is_none() {
        log.grow(3);
        let now = changes.borrow().position.clone();
        assert!(now.covers(&before), "{now:?} after {before:?}");
        before = now;
        running.view.reached(&log.end().await.unwrap(), WAIT_MAX).await.unwrap();
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_while_it_builds_goes_on_at_the_next_start() {
    let (log, folder) = of_a_stopped_view().await;
    let rows = reference(&log).await;
    for lines in [1, 2, 3] {
        build_and_be_killed(folder.path(), lines).await;
    }
    assert_eq!(names(folder.path(), "v"), ["v1", "v1-1"], "it was not whole yet");
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(
        running.view.scan(b"", None, usize::MAX).unwrap(),
        rows,
        "the rows of before are read at once"
    );
    let rebuild = ended(&running).await;
    assert!(rebuild.folded_before > 0, "{rebuild:?}");
    assert_eq!(rebuild.ended.unwrap().failure, None);
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
    assert_eq!(names(folder.path(), "v"), ["v1-1"]);
    assert!(names(folder.path(), "quarantine").is_empty(), "a killed process is no damage");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_damaged_give_way_to_those_that_are_built_beside_them() {
    let (log, folder) = of_a_stopped_view().await;
    let rows = reference(&log).await;
    build_and_be_killed(folder.path(), 3).await;
    std::fs::write(folder.path().join("counts/v1/db"), b"nothing of use").unwrap();
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
    assert_eq!(names(folder.path(), "v"), ["v1-1"]);
    assert_eq!(names(folder.path(), "quarantine").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_built_beside_and_damaged_are_thrown_away() {
    let (log, folder) = of_a_stopped_view().await;
    let rows = reference(&log).await;
    build_and_be_killed(folder.path(), 3).await;
    std::fs::write(folder.path().join("counts/v1-1/db"), b"nothing of use").unwrap();
    let running = Running::open(&log, folder.path()).await;
    let rebuild = ended(&running).await;
    assert_eq!((rebuild.folded_before, rebuild.ended.unwrap().failure), (0, None));
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
    assert!(names(folder.path(), "quarantine").is_empty(), "the rows that were read are sound");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_schema_throws_away_what_was_built_beside_for_the_former() {
    let (log, folder) = of_a_stopped_view().await;
    build_and_be_killed(folder.path(), 3).await;
    let running = Running::open_schema(&log, folder.path(), 2).await;
    assert_eq!(running.rows(&log).await, reference(&log).await);
    assert_eq!(running.view.rebuilding(), None);
    running.stop().await;
    assert_eq!(names(folder.path(), "v"), ["v2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_halted_is_not_built_anew_from_a_log_that_lost_commits() {
    let (log, folder) = (TestLog::with_commits(1_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    running.rows(&log).await;
    running.stop().await;
    log.lose(100);
    let running = Running::open(&log, folder.path()).await;
    running.state(|state| matches!(state, ViewState::Halted(_))).await;
    let Asked::Refused(sentence) = running.view.rebuild() else { panic!("it is refused") };
    assert!(sentence.contains("acknowledged commits are lost"), "{sentence}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_not_replaced_by_others_that_lack_what_the_log_lost_to_damage() {
    let (log, folder) = (TestLog::with_commits(1_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let rows = running.rows(&log).await;
    log.damage_first();
    assert_eq!(running.view.rebuild(), Asked::Begun);
    let failure = ended(&running).await.ended.unwrap().failure.expect("the former rows are the better ones");
    assert!(
        failure.starts_with(
            "2 commits of the log could not be read or folded (1 of shard 0, 1 of shard 1), and 0 of those"
        ),
        "{failure}"
    );
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
    assert_eq!((names(folder.path(), "v"), names(folder.path(), "next")), (vec!["v1".to_owned()], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_may_lack_what_the_log_lost_to_damage_if_an_operator_says_so() {
    // One commit for each instance.
    let (log, folder) = (TestLog::with_commits(97), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let rows = running.rows(&log).await;
    log.damage_first();
    let number = refused(&running).await;
    assert_eq!(number.commits, 2);
    assert_eq!(refused(&running).await, number, "the same damage has the same number");
    assert_eq!(running.view.rebuild_with(Lacking::Accepted(number)), Asked::Begun);
    assert_eq!(ended(&running).await.ended.unwrap().failure, None);
    let lacking = running.rows(&log).await;
    assert_eq!(lacking, reference(&log).await);
    assert!(lacking.len() < rows.len(), "what the log cannot give is gone");
    // From now on they are the ones to compare with, also after a restart.
    assert_eq!(running.view.rebuild(), Asked::Begun);
    assert_eq!(ended(&running).await.ended.unwrap().failure, None);
    running.stop().await;
    assert!(names(folder.path(), "next").is_empty());
    let running = Running::open(&log, folder.path()).await;
    running.state(|state| *state == ViewState::Live).await;
    assert_eq!(running.view.rebuild(), Asked::Begun);
    assert_eq!(ended(&running).await.ended.unwrap().failure, None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_after_an_operator_said_so_is_not_accepted() {
    let (log, folder) = (TestLog::with_commits(97), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let rows = running.rows(&log).await;
    log.damage_first();
    let before = refused(&running).await;
    log.damage(0, 3);
    assert_eq!(running.view.rebuild_with(Lacking::Accepted(before)), Asked::Begun);
    let told = ended(&running).await.ended.unwrap();
    let (failure, now) = (told.failure.expect("it is another damage"), told.damage.expect("its number"));
    assert!(failure.contains(&format!("{before} was accepted, which is another damage")), "{failure}");
    assert_eq!((now.commits, running.rows(&log).await), (3, rows));
    assert_eq!(running.view.rebuild_with(Lacking::Accepted(now)), Asked::Begun);
    // Whoever says another one again while it goes on takes nothing back.
    running.view.rebuild_with(Lacking::Accepted(before));
    assert_eq!(ended(&running).await.ended.unwrap().failure, None);
    // One that is mended and one that is damaged in its place are as many as before, and not the same.
    log.mend(0, 3);
    log.damage(1, 4);
    let other = refused(&running).await;
    assert_eq!((other.commits, other == now), (3, false));
    // What is mended needs no word.
    log.mend(1, 4);
    assert_eq!(running.view.rebuild(), Asked::Begun);
    assert_eq!(ended(&running).await.ended.unwrap().failure, None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_counts_after_a_restart() {
    let (log, folder) = of_a_stopped_view().await;
    log.damage_first();
    let running = Running::open(&log, folder.path()).await;
    running.state(|state| *state == ViewState::Live).await;
    let number = refused(&running).await;
    assert_eq!(running.view.rebuild_with(Lacking::Accepted(number)), Asked::Begun);
    let mut changes = 0;
    while running.view.rebuilding().unwrap().folded == 0 {
        changes += 1;
        assert!(changes < 10_000, "it begins");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    running.stop().await;
    assert_eq!(
        names(folder.path(), "next"),
        ["next", "next-accepts", "next-release"],
        "it was not whole yet"
    );
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(ended(&running).await.ended.unwrap().failure, None);
    running.stop().await;
    assert!(names(folder.path(), "next").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_of_other_rows_counts_for_no_others() {
    let (log, folder) = of_a_stopped_view().await;
    let word = folder.path().join("counts/next-accepts");
    log.damage_first();
    let running = Running::open(&log, folder.path()).await;
    running.state(|state| *state == ViewState::Live).await;
    let number = refused(&running).await.to_string();
    running.stop().await;
    // Left by a kill between the end of a rebuild and what is removed with it.
    std::fs::write(&word, &number).unwrap();
    let running = Running::open(&log, folder.path()).await;
    running.state(|state| *state == ViewState::Live).await;
    assert!(!word.exists());
    std::fs::write(&word, &number).unwrap();
    refused(&running).await;
    running.stop().await;

    // Said of what another program read of the log.
    build_and_be_killed(folder.path(), 3).await;
    std::fs::write(&word, &number).unwrap();
    std::fs::write(folder.path().join("counts/next-release"), "0.0.1").unwrap();
    let running = Running::open(&log, folder.path()).await;
    assert!(ended(&running).await.ended.unwrap().failure.is_some());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_log_that_was_damaged_before_are_built_anew_as_ever() {
    let (log, folder) = (TestLog::with_commits(1_000), tempfile::tempdir().unwrap());
    log.damage_first();
    let running = Running::open(&log, folder.path()).await;
    let rows = running.rows(&log).await;
    assert_eq!(running.view.rebuild(), Asked::Begun);
    assert_eq!(ended(&running).await.ended.unwrap().failure, None);
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_halts_gives_up_what_it_builds_beside() {
    let (log, folder) = of_a_stopped_view().await;
    build_and_be_killed(folder.path(), 3).await;
    log.lose(100);
    let running = Running::open(&log, folder.path()).await;
    let failure = ended(&running).await.ended.unwrap().failure.expect("nothing is built any more");
    assert!(failure.contains("acknowledged commits are lost"), "{failure}");
    assert!(matches!(running.view.state(), ViewState::Halted(_)));
    assert!(matches!(running.view.rebuild(), Asked::Refused(_)));
    running.stop().await;
    assert!(names(folder.path(), "next").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_release_began_beside_is_begun_anew() {
    let (log, folder) = of_a_stopped_view().await;
    let rows = reference(&log).await;
    build_and_be_killed(folder.path(), 3).await;
    std::fs::write(folder.path().join("counts/next-release"), "0.0.1").unwrap();
    let running = Running::open(&log, folder.path()).await;
    let rebuild = ended(&running).await;
    assert_eq!((rebuild.folded_before, rebuild.ended.unwrap().failure), (0, None));
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
    assert_eq!(names(folder.path(), "v"), ["v1-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_build_of_the_release_began_beside_is_begun_anew() {
    let (log, folder) = of_a_stopped_view().await;
    let rows = reference(&log).await;
    let builds = tempfile::tempdir().unwrap();
    let other = builds.path().join("other-build");
    std::fs::copy(std::env::current_exe().unwrap(), &other).unwrap();
    // A byte that nobody runs.
    std::fs::OpenOptions::new().append(true).open(&other).unwrap().write_all(&[0]).unwrap();
    be_killed_while_building(&other, folder.path(), 3).await;
    let running = Running::open(&log, folder.path()).await;
    let rebuild = ended(&running).await;
    assert_eq!((rebuild.folded_before, rebuild.ended.unwrap().failure), (0, None));
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_build_in_a_container_that_was_made_anew_goes_on() {
    let (log, folder) = of_a_stopped_view().await;
    let rows = reference(&log).await;
    let image = tempfile::tempdir().unwrap();
    let copied = image.path().join("berth");
    // Another file with another date, and the same program.
    std::fs::copy(std::env::current_exe().unwrap(), &copied).unwrap();
    be_killed_while_building(&copied, folder.path(), 3).await;
    let running = Running::open(&log, folder.path()).await;
    let rebuild = ended(&running).await;
    assert!(rebuild.folded_before > 0, "{rebuild:?}");
    assert_eq!(rebuild.ended.unwrap().failure, None);
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
}

/// Waits until these are the folders of rows: the former ones are removed beside what goes on.
async fn are(folder: &Path, wanted: &[&str]) {
    let deadline = tokio::time::Instant::now() + WAIT_MAX;
    while names(folder, "v") != wanted {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", names(folder, "v"));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Has the view built anew, which is refused for what the log cannot give any more; gives the number of that.
async fn refused(running: &Running) -> DamageNumber {
    assert_eq!(running.view.rebuild(), Asked::Begun);
    let told = ended(running).await.ended.unwrap();
    let (failure, number) = (told.failure.unwrap(), told.damage.unwrap());
    assert!(
        failure.contains(&format!("`berth views rebuild --view counts --accept-damage {number}`")),
        "{failure}"
    );
    number
}

/// The rebuild, once it has ended.
async fn ended(running: &Running) -> Rebuild {
    let deadline = tokio::time::Instant::now() + WAIT_MAX;
    loop {
        let rebuild = running.view.rebuilding().unwrap();
        if rebuild.ended.is_some() {
            return rebuild;
        }
        assert!(tokio::time::Instant::now() < deadline, "{rebuild:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A log, and the folder of a view that has read all of it and was stopped.
async fn of_a_stopped_view() -> (TestLog, TempDir) {
    let (log, folder) = (TestLog::with_commits(COMMITS), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    running.rows(&log).await;
    running.stop().await;
    (log, folder)
}

/// Lets another process of this program build and kills it after it told so many times how far it is, and the disk has what it told
/// first.
async fn build_and_be_killed(folder: &Path, lines: usize) {
    be_killed_while_building(&std::env::current_exe().unwrap(), folder, lines).await;
}

/// The same with a program.
///
/// What it was given is written by then: rows are held back for five seconds at most, and sled writes each half second.
async fn be_killed_while_building(program: &Path, folder: &Path, lines: usize) {
    let mut command = Command::new(program);
    command
        .args(["beside::the_process_that_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped());
    let folder = folder.to_owned();
    let killed = berth_runtime::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = told.map_while(Result::ok).filter(|line| line.contains("built"));
        let first = told.next().map(|_| written(&folder));
        // Its end of the pipe stays open: who tells nobody dies of it.
        let seen = usize::from(first.is_some()) + told.by_ref().take(lines - 1).count();
        let (mut last, mut since) = (first, tokio::time::Instant::now());
        while last == first || since.elapsed() < AT_REST {
            std::thread::sleep(Duration::from_millis(5));
            let now = Some(written(&folder));
            if now != last {
                (last, since) = (now, tokio::time::Instant::now());
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        seen
    });
    assert_eq!(killed.await.unwrap(), lines, "the child builds");
}

/// When the file of the rows that are built was written last.
fn written(folder: &Path) -> SystemTime {
    let rows = names(folder, "v1-").pop().unwrap();
    std::fs::metadata(folder.join("counts").join(rows).join("db")).unwrap().modified().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "other tests run it and kill it"]
async fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let log = TestLog::with_commits(COMMITS).giving_beside(GIVEN);
    let running = Running::open(&log, Path::new(&folder)).await;
    running.state(|state| *state == ViewState::Live).await;
    // One that was begun goes on by itself.
    let _asked = running.view.rebuild();
    let mut told = 0;
    loop {
        let rebuild = running.view.rebuilding().unwrap();
        assert_eq!(rebuild.ended, None, "the test kills it before");
        if rebuild.folded > told {
            told = rebuild.folded;
            println!("built {told}");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
