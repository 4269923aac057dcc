//! What is generated is fresh; help teaches; the state of the deployment is shown.

use std::{collections::BTreeMap, fs, path::Path};

use berth_journeys::Berth;

use crate::world::Shell;

/// The files of a folder and of those below it, by their names.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            all.extend(
                files(&entry.path()).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)),
            );
        } else {
            all.insert(name, fs::read_to_string(entry.path()).expect("a text"));
        }
    }
    all
}

/// Compares completions and manual pages with those that are checked in, or writes them if `BERTHCTL_WRITE_SHARE` is set.
#[tokio::test]
async fn completions_and_manual_pages_are_fresh() {
    let share = Path::new(env!("CARGO_MANIFEST_DIR")).join("share");
    let shell = Shell::empty();
    if std::env::var_os("BERTHCTL_WRITE_SHARE").is_some() {
        fs::remove_dir_all(&share).ok();
        shell.run(&["generate", &share.display().to_string()]).await.expect(0);
    }
    shell.run(&["generate", &shell.path("made").display().to_string()]).await.expect(0);
    let (made, kept) = (files(&shell.path("made")), files(&share));
    assert!(made.len() > 20, "{:?}", made.keys());
    for name in made.keys().chain(kept.keys()) {
        assert!(
            made.get(name) == kept.get(name),
            "share/{name} is out of date: run `BERTHCTL_WRITE_SHARE=1 cargo test -p berthctl --test it documents`"
        );
    }
    for (shell_name, word) in
        [("bash", "complete -F"), ("zsh", "#compdef berthctl"), ("fish", "complete -c berthctl")]
    {
        assert!(shell.run(&["completions", shell_name]).await.expect(0).contains(word), "{shell_name}");
    }
    let loaded = shell.bash("source <(berthctl completions bash) && complete -p berthctl").await.expect(0);
    assert!(loaded.contains("_berthctl"), "bash takes it: {loaded}");
}

#[tokio::test]
async fn help_shows_examples_and_what_the_codes_mean() {
    let shell = Shell::empty();
    let help = shell.run(&["--help"]).await.expect(0);
    for word in ["berthctl instance connect shop", "Exit codes:", "BERTHCTL_TOKEN", "--retry-for"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    for verb in
        [&["instance", "connect"][..], &["events"], &["listen"], &["webhook", "add"], &["context", "add"]]
    {
        let help = shell.run(&[verb, &["--help"]].concat()).await.expect(0);
        assert!(help.contains("Examples:\n"), "{verb:?}: {help}");
    }
    let version = shell.run(&["--version"]).await.expect(0);
    assert_eq!(version.trim(), concat!("berthctl ", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn status_and_check_say_how_it_stands() {
    let mut berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    let anybody = Shell::at(berth.client().base());
    let status = anybody.run(&["status"]).await.expect(0);
    assert!(status.contains("session-aggregate  yes    serving commands"), "{status}");
    assert_eq!(anybody.json(&["status"]).await["ready"], true);
    assert_eq!(anybody.run(&["check"]).await.expect(0), "Every part is ready.\n");
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    assert!(shell.run(&["check", "shop"]).await.refused(1).contains("Created, and never linked"));
    berth_journeys::steps::link(&berth.client(), "shop").await;
    assert!(shell.run(&["check", "shop"]).await.expect(0).starts_with("Linked to"));

    let narrow = shell.start_in_terminal(40, "instance ls").ended().await.expect(0);
    assert!(narrow.contains("name           shop\r\n"), "cards instead of a table: {narrow}");
    let wide = shell.start_in_terminal(120, "instance ls").ended().await.expect(0);
    assert!(wide.contains("NAME  NUMBER"), "{wide}");
    berth.kill9();
    anybody.run(&["check", "--retry-for", "0"]).await.refused(69);
}
