//! `deploy/nats/permissions.conf` is what the binary prints, for the number of shards that is the default.

#![expect(clippy::expect_used, reason = "a helper of tests may panic")]

use std::{env, fs, path::Path, process::Command};

/// Writes the file anew.
const WRITE: &str = "BERTH_WRITE_PERMISSIONS";

fn printed(shards: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
    command.args(["provision", "--permissions"]);
    for (variable, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BERTH_")) {
        command.env_remove(variable);
    }
    command.args(shards.map(|shards| ["--log-shards", shards]).into_iter().flatten());
    let output = command.output().expect("the binary runs");
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
