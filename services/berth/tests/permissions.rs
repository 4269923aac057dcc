//! `deploy/nats/permissions.conf` is what the binary prints, for the number of shards that is the default.

#![expect(clippy::expect_used, reason = "a helper of tests may panic")]

use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};

/// Writes the file anew.
const WRITE: &str = "BERTH_WRITE_PERMISSIONS";

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
    command.args(["provision", "--permissions"]).args(arguments);
    for (variable, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BERTH_")) {
        command.env_remove(variable);
    }
    command.output().expect("the binary runs")
}

fn printed(shards: Option<&str>) -> String {
    let arguments: Vec<_> = shards.map(|shards| ["--log-shards", shards]).into_iter().flatten().collect();
    let output = run(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_permissions_that_are_deployed_are_those_that_are_printed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nats/permissions.conf");
    let printed = printed(None);
    if env::var_os(WRITE).is_some() {
        fs::write(&file, &printed).expect("the file can be written");
    }
    let deployed = fs::read_to_string(&file).expect("the file can be read");
    assert!(deployed == printed, "{} is not up to date: {WRITE}=1 writes it anew", file.display());
}

#[test]
fn a_log_of_other_shards_has_other_permissions() {
    let printed = printed(Some("1"));
    assert!(printed.contains("\"$JS.API.STREAM.MSG.GET.BERTH_LOG_0\"\n"), "{printed}");
    assert!(!printed.contains("BERTH_LOG_1") && !printed.contains('@'), "{printed}");
}

#[test]
fn a_worker_is_let_in_under_its_name_alone() {
    let output = run(&["--worker", "w-1"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        printed.contains(r#"user: "worker-w-1", password: $BERTH_NATS_WORKER_W_1_PASSWORD"#),
        "{printed}"
    );
    assert!(printed.contains(r#""berth.v1.worker.w-1.said.*.*""#) && !printed.contains('@'), "{printed}");
    for name in ["w.1", "W1", "w_1", "*", ""] {
        let refused = run(&["--worker", name]);
        assert_eq!(refused.status.code(), Some(64), "{name}");
    }
}
