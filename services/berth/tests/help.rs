//! What the command says of itself. (That this test exists also makes every build of the tests build the binary,
//! which the journeys start.)

#![expect(clippy::expect_used, reason = "a helper of tests may panic")]

use std::process::{Command, Output};

fn berth(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_berth")).args(arguments).output().expect("the binary runs")
}

#[test]
fn the_help_shows_what_to_do_first_and_every_role() {
    for arguments in [&["--help"][..], &["help"], &["serve", "--help"], &["gateway", "--help"]] {
        let output = berth(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("berth serve --nats nats://127.0.0.1:4222"), "{arguments:?}: {help}");
        assert!(help.contains("BERTH_MASTER_KEY"), "{arguments:?}: {help}");
    }
    let help = String::from_utf8(berth(&["--help"]).stdout).unwrap();
    for word in
        ["serve", "gateway", "session-aggregate", "projections", "webhooks", "connector", "config", "recover"]
    {
        assert!(help.lines().any(|line| line.trim_start().starts_with(word)), "{word}: {help}");
    }
}

#[test]
fn without_a_subcommand_it_shows_the_help_and_fails() {
    let output = berth(&[]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8(output.stderr).unwrap().contains("Usage: berth"));
}

#[test]
fn it_knows_its_version() {
    let said = String::from_utf8(berth(&["--version"]).stdout).unwrap();
    assert_eq!(said.trim(), concat!("berth ", env!("CARGO_PKG_VERSION")));
}
