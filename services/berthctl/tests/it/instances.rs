//! `instance ls`, `get`, `create`, `logout`, `disconnect`, `reconnect`, `restart`, `rm`, `qr`, `rename`; `events`, `verify`.

use berth_journeys::{Berth, steps};
use serde_json::Value;

use crate::world::Shell;

#[tokio::test]
async fn an_instance_is_made_used_and_deleted() {
    let berth = Berth::embedded().start().await;
    let (shell, client) = (Shell::of(&berth), berth.client());
    assert_eq!(shell.run(&["instance", "ls"]).await.expect(0), "Nothing.\n");

    let made = shell.run(&["instance", "create", "shop"]).await;
    assert!(made.out.starts_with("Created, and never linked; webhooks are silent.\nname "), "{made:?}");
    let id = shell.json(&["instance", "get", "shop"]).await["id"].as_str().unwrap().to_owned();
    steps::link(&client, "shop").await;

    let shown = shell.run(&["instance", "show", "shop"]).await.expect(0);
    assert!(
        shown.starts_with("Linked to Ana Beatriz Quiterio, +5511987654321; its connection is open;"),
        "{shown}"
    );
    let paused = shell.run(&["instance", "disconnect", "shop"]).await.expect(0);
    assert!(paused.starts_with("Paused as it was asked;"), "{paused}");
    let linked = shell.run(&["instance", "reconnect", &id]).await.expect(0);
    assert!(linked.starts_with("Linked to Ana"), "{linked}");
    steps::until(&client, "shop", "its connection is open", |now| now["connection"] == "open").await;
    let restarted = shell.run(&["instance", "restart", "shop"]).await.expect(0);
    assert!(restarted.contains("its connection is opening;"), "{restarted}");
    let out = shell.run(&["instance", "logout", "shop", "--wait"]).await.expect(0);
    assert!(out.starts_with("Logged out by a command at 20") && out.contains("webhooks are silent"), "{out}");
    let then = shell.json(&["instance", "get", "shop"]).await;
    assert_eq!(then["unlinks"][0]["status"], "confirmed", "it waited");

    let before = shell.json(&["instance", "get", "shop", "--at", then["created_at"].as_str().unwrap()]).await;
    assert_eq!(before["state"], "created", "as it was");
    assert!(shell.run(&["verify", "shop"]).await.expect(0).starts_with("ok       shop: "));

    shell.run(&["instance", "rename", "shop", "till"]).await.expect(0);
    assert_eq!(shell.json(&["instance", "get", "till"]).await["id"], id.as_str());

    let gone = shell.run(&["instance", "rm", "till", "--yes"]).await.expect(0);
    assert!(gone.starts_with("Deleted;"), "{gone}");
    shell.run(&["instance", "get", "till"]).await.refused(66);
    let by_id = shell.json(&["instance", "get", &id]).await;
    assert_eq!(by_id["state"], "deleted", "by its id it is found after a delete");
    assert!(shell.run(&["verify", &id]).await.expect(0).starts_with("ok "));
}

#[tokio::test]
async fn lists_are_for_people_and_for_programs() {
    let berth = Berth::embedded().start().await;
    let (shell, client) = (Shell::of(&berth), berth.client());
    for name in ["alpha", "beta", "loja São João"] {
        shell.run(&["instance", "create", name]).await.expect(0);
    }
    steps::link(&client, "beta").await;
    let names = |out: String| out.lines().map(str::to_owned).collect::<Vec<_>>();

    let table = shell.run(&["instance", "ls"]).await.expect(0);
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("NAME           NUMBER      STATE"), "{table}");
    assert!(lines.next().unwrap().starts_with("alpha          "), "{table}");
    assert_eq!(
        names(shell.run(&["instance", "ls", "-o", "name"]).await.expect(0)),
        ["alpha", "beta", "loja São João"]
    );
    let linked = shell.run(&["instance", "ls", "--state", "linked,paused", "-o", "name"]).await.expect(0);
    assert_eq!(linked, "beta\n");
    assert_eq!(shell.run(&["instance", "ls", "-s", "JOÃO", "-o", "name"]).await.expect(0), "loja São João\n");
    assert_eq!(
        names(shell.run(&["instance", "ls", "-n", "2", "-o", "name"]).await.expect(0)),
        ["alpha", "beta"]
    );
    let lines = shell.run(&["instance", "ls", "-o", "jsonl"]).await.expect(0);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["state"], "linked");
    assert_eq!(shell.json(&["instance", "ls"]).await["instances"].as_array().unwrap().len(), 3);
    shell.run(&["instance", "ls", "--state", "afloat"]).await.refused(64);

    let counts = shell.run(&["instance", "counts"]).await.expect(0);
    assert!(counts.contains("created     2\n") && counts.contains("linked      1\n"), "{counts}");
    assert_eq!(shell.json(&["instance", "counts"]).await["states"]["created"], 2);

    // Names with whatever is special in an address reach the right instance.
    let name = "a/b".replace('/', "?#&%");
    shell.run(&["instance", "create", &name]).await.expect(0);
    assert_eq!(shell.json(&["instance", "get", &name]).await["name"], name.as_str());
    let all = shell.run(&["verify", "--all"]).await.expect(0);
    assert!(all.ends_with("4 histories hold.\n"), "{all}");
}

#[tokio::test]
async fn a_history_is_shown_whole_or_in_part() {
    let berth = Berth::embedded().start().await;
    let (shell, client) = (Shell::of(&berth), berth.client());
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    steps::link(&client, "shop").await;
    let events = steps::events(&client, "shop").await;

    let whole = shell.json(&["events", "shop"]).await;
    assert_eq!(whole["events"].as_array().unwrap(), &events);
    let kinds = shell.run(&["events", "shop", "-o", "name"]).await.expect(0);
    assert_eq!(kinds.lines().collect::<Vec<_>>(), steps::event_types(&client, "shop").await);
    let text = shell.run(&["events", "shop"]).await.expect(0);
    assert!(text.lines().next().unwrap().contains("InstanceCreated         account via native"), "{text}");
    let last = shell.run(&["events", "shop", "-n", "1", "-o", "name"]).await.expect(0);
    assert_eq!(last, "ConnectionOpened\n");
    let after = shell.run(&["events", "shop", "--after", "3", "-o", "name"]).await.expect(0);
    assert_eq!(after, "DeviceLinked\nWebhooksResumed\nConnectionOpened\n");
}

#[tokio::test]
async fn many_are_logged_out_at_once_and_a_failure_does_not_hide_the_others() {
    let berth = Berth::embedded().start().await;
    let (shell, client) = (Shell::of(&berth), berth.client());
    for name in ["one", "two"] {
        shell.run(&["instance", "create", name]).await.expect(0);
        steps::link(&client, name).await;
    }
    let asked = shell.run(&["instance", "logout", "one", "two"]).await.refused(64);
    assert!(asked.contains("Log 2 instances out, and unlink their devices: one, two?"), "{asked}");
    let some = shell.run(&["instance", "logout", "-y", "one", "nobody", "two"]).await;
    assert!(some.err.contains("nobody: There is no such instance"), "{some:?}");
    assert!(some.err.contains("1 of 3 could not be done"), "{some:?}");
    some.expect(66);
    for name in ["one", "two"] {
        assert_eq!(shell.json(&["instance", "get", name]).await["state"], "logged_out");
    }
    let key = shell.run(&["instance", "logout", "-y", "--key", "k", "one", "two"]).await.refused(64);
    assert!(key.contains("--key stands for one command"), "{key}");
}
