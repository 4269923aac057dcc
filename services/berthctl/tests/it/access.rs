//! Contexts, tokens and what becomes of them.

use std::os::unix::fs::PermissionsExt;

use berth_journeys::{ACCOUNT_TOKEN, Berth, ROOT_KEY};

use crate::world::Shell;

#[tokio::test]
async fn contexts_keep_address_and_token_and_nobody_else_reads_them() {
    let berth = Berth::embedded().start().await;
    let base = berth.client().base().to_owned();
    let shell = Shell::empty();
    let first = shell.run(&["instance", "ls", "--retry-for", "0"]).await.refused(77);
    assert!(first.contains("there is no token") && first.contains("berthctl context add"), "{first}");
    let input = format!("{ACCOUNT_TOKEN}\n");
    shell.run_with(&input, &["context", "add", "local", "--url", &base]).await.expect(0);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let root = shell.file("root", ROOT_KEY);
    shell.run(&["context", "add", "root", "--url", &base, "--token-file", &root]).await.expect(0);
    let (kept, file) = (shell.path("config/berth/contexts.toml"), "contexts.toml may be read by others");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&kept).unwrap().contains(ROOT_KEY), "the file is named, not copied");

    let listed = shell.run(&["context", "ls"]).await.expect(0);
    assert!(
        listed.contains("*        local") && listed.contains("kept here") && !listed.contains(ACCOUNT_TOKEN)
    );
    shell.run(&["account", "ls"]).await.refused(77);
    shell.run(&["account", "ls", "--context", "root"]).await.expect(0);
    shell.run(&["context", "use", "root"]).await.expect(0);
    shell.run(&["account", "ls"]).await.expect(0);
    assert!(shell.run(&["context", "use", "none"]).await.refused(64).contains("no context \"none\""));
    // A token of a context is not sent to an address that is none of its own.
    assert!(shell.run(&["account", "ls", "--url", &base]).await.refused(77).contains("there is no token"));

    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = shell.run(&["account", "ls"]).await.refused(74);
    assert!(open.contains(file) && open.contains("chmod 600"), "{open}");
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
    shell.run(&["context", "rm", "root"]).await.expect(0);
    shell.run(&["account", "ls", "--context", "root"]).await.refused(64);
    std::fs::write(&kept, format!("[contexts.local]\ntoken = {ACCOUNT_TOKEN}\n")).unwrap();
    let torn = shell.run(&["context", "ls"]).await.refused(74);
    assert!(torn.contains("line 2") && !torn.contains(ACCOUNT_TOKEN), "{torn}");
}

#[tokio::test]
async fn tokens_are_shown_to_a_person_and_never_to_a_pipe_by_accident() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    let own = shell.file("own", "own-token-of-the-shop");
    let hidden = shell.run(&["instance", "create", "one", "--own-token-file", &own, "-o", "json"]).await;
    assert!(!hidden.out.contains("own-token") && !hidden.err.contains("own-token"), "{hidden:?}");
    let asked = shell.run(&["instance", "create", "two", "-o", "json", "--show-secrets"]).await;
    let answer: serde_json::Value = serde_json::from_str(&asked.out).unwrap();
    assert!(answer["token"].as_str().unwrap().len() > 20);
    let person = shell.start_in_terminal(100, "instance create three").ended().await.expect(0);
    assert!(!person.contains("hidden") && person.contains("shown this once"), "{person}");
    shell.run(&["instance", "create", "four", "--secrets-to", "four.token"]).await.expect(0);
    let file = shell.path("four.token").display().to_string();
    // The instance's own token sees that instance alone.
    let list = shell.run(&["instance", "ls", "-o", "name", "--token-file", &file]).await.expect(0);
    assert_eq!(list, "four\n");
    let who = shell.json(&["whoami", "--token-file", &file]).await;
    assert_eq!((&who["principal"], &who["instance"]["name"]), (&"instance".into(), &"four".into()));
    shell.run(&["instance", "rotate-token", "four", "-y"]).await.refused(64);
    shell.run(&["instance", "rotate-token", "four", "--secrets-to", "new.token"]).await.refused(64);
    shell.run(&["instance", "rotate-token", "four", "-y", "--secrets-to", "new.token"]).await.expect(0);
    shell.run(&["instance", "ls", "--token-file", &file]).await.refused(77);
    let new = shell.path("new.token").display().to_string();
    assert_eq!(shell.run(&["instance", "ls", "-o", "name", "--token-file", &new]).await.expect(0), "four\n");
    let exists = shell.run(&["instance", "create", "five", "--secrets-to", "four.token"]).await.refused(74);
    assert!(exists.contains("exists already"), "{exists}");
    assert_eq!(shell.run(&["instance", "ls", "-s", "five"]).await.expect(0), "Nothing.\n");
    let input = format!("{ACCOUNT_TOKEN}\n");
    shell.run_with(&input, &["instance", "get", "one", "--token-file", "-"]).await.expect(0);
}
