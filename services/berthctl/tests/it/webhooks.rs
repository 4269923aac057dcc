//! `webhook ls`, `get`, `add`, `set`, `rm`, for an instance and for the account; what was sent, and sending it again.

use berth_journeys::{Berth, Received, Recorder, Reply, eventually, steps};
use serde_json::json;

use crate::world::Shell;

#[tokio::test]
async fn a_webhook_is_added_changed_and_removed() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let lost = shell.run(&["webhook", "add", "shop", "http://127.0.0.1:9999/hook"]).await.refused(64);
    assert!(lost.contains("--secrets-to FILE"), "nobody would have the secret: {lost}");
    assert_eq!(shell.json(&["webhook", "ls", "shop"]).await["webhooks"], json!([]), "so nothing was added");

    let authorization = shell.file("authorization", "Basic c2hvcDpzaG9w\n");
    let add = [
        "webhook",
        "add",
        "shop",
        "http://127.0.0.1:9999/hook",
        "--event",
        "instance.linked",
        "--header",
        "X-Shop: 7",
        "--authorization-file",
        &authorization,
        "--after-logout",
        "all",
        "--label",
        "first",
        "--secrets-to",
        "shop.secret",
    ];
    let added = shell.run(&add).await;
    assert!(!added.out.contains("whsec_") && !added.out.contains("c2hvcDpzaG9w"), "{added:?}");
    let kept = std::fs::read_to_string(shell.path("shop.secret")).unwrap();
    assert!(kept.contains("whsec_"), "{kept}");
    let all = shell.json(&["webhook", "ls", "shop"]).await;
    let webhook = &all["webhooks"][0];
    assert_eq!(webhook["headers"], json!({"X-Shop": "7"}));
    assert_eq!((&webhook["label"], &webhook["after_logout"]), (&json!("first"), &json!("all")));
    assert_eq!((&webhook["authorization"], &webhook["events"]), (&json!(true), &json!(["instance.linked"])));

    let id = webhook["id"].as_str().unwrap();
    shell.run(&["webhook", "set", "shop", id]).await.refused(64);
    let set =
        ["webhook", "set", "shop", id, "--to", "http://127.0.0.1:9999/other", "--disable", "--all-events"];
    let set = shell.run(&set).await.expect(0);
    assert!(
        set.contains("url            http://127.0.0.1:9999/other\n") && set.contains("enabled        no\n"),
        "{set}"
    );
    let now = shell.json(&["webhook", "get", "shop", id]).await;
    assert_eq!((&now["label"], &now["events"]), (&json!("first"), &json!([])), "what was left out stays");
    for (delays, shown, kept) in [
        ("10s, 1m,1h", "tried again after  10 s, 60 s, 3600 s\n", json!([10, 60, 3_600])),
        ("none", "tried again after  none\n", json!([])),
        ("usual", "", json!(null)),
    ] {
        let set = shell.run(&["webhook", "set", "shop", id, "--retries", delays]).await.expect(0);
        assert!(set.contains(shown) && set.contains("tried again") != shown.is_empty(), "{delays}: {set}");
        assert_eq!(shell.json(&["webhook", "get", "shop", id]).await["retries"], kept, "{delays}");
    }
    shell.run(&["webhook", "set", "shop", id, "--retries", "10"]).await.refused(64);
    shell.run(&["webhook", "set", "shop", id, "--retries", "2d"]).await.refused(64);
    assert!(
        shell.run(&["webhook", "ls", "shop"]).await.expect(0).contains("http://127.0.0.1:9999/other  all")
    );
    shell.run(&["webhook", "rm", "shop", id]).await.expect(0);
    shell.run(&["webhook", "get", "shop", id]).await.refused(66);
    shell
        .run(&["webhook", "add", "shop", "http://x", "--header", "none", "--show-secrets"])
        .await
        .refused(64);
    let unknown =
        ["webhook", "add", "shop", "http://127.0.0.1:9999/", "--event", "instance.sunk", "--show-secrets"];
    assert!(shell.run(&unknown).await.refused(64).contains("matches none of"));
}

/// The id of the only webhook of an instance, once it is added.
async fn added(shell: &Shell, instance: &str, url: &str) -> String {
    shell.run(&["webhook", "add", instance, url, "--show-secrets"]).await.expect(0);
    let all = shell.json(&["webhook", "ls", instance]).await;
    all["webhooks"][0]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn what_was_sent_is_shown_and_sent_again() {
    let berth = Berth::embedded().start().await;
    let (shell, recorder) = (Shell::of(&berth), Recorder::start().await);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let id = added(&shell, "shop", &recorder.url("/hook")).await;
    let id = id.as_str();
    let silent = shell.run(&["webhook", "test", "shop", id]).await.refused(65);
    assert!(silent.contains("silent"), "{silent}");
    steps::link(&berth.client(), "shop").await;
    recorder.wait("the link is told", |all| all.iter().any(|hit| hit.body["type"] == "instance.open")).await;
    let all = eventually("all is delivered", async || {
        let all = shell.json(&["webhook", "deliveries", "shop", id, "--since", "1h"]).await;
        let list = all["deliveries"].as_array().unwrap();
        let is_done = list.len() >= 2 && list.iter().all(|one| one["state"] == "delivered");
        if is_done { Ok(all) } else { Err(all) }
    })
    .await;
    let newest = all["deliveries"][0]["id"].as_str().unwrap();
    let few = shell.run(&["webhook", "deliveries", "shop", id, "--limit", "1"]).await;
    assert!(few.err.contains("there are more"), "{few:?}");
    let table = few.expect(0);
    assert!(table.contains("instance.open  delivered"), "{table}");
    let one = shell.run(&["webhook", "deliveries", "shop", id, newest]).await.expect(0);
    assert!(one.contains("answered 200"), "{one}");
    let none = ["webhook", "deliveries", "shop", id, "--state", "exhausted"];
    assert_eq!(shell.run(&none).await.expect(0), "Nothing.\n");
    let wrong = ["webhook", "deliveries", "shop", id, "--state", "lost"];
    shell.run(&wrong).await.refused(64);
    shell.run(&["webhook", "deliveries", "shop", id, "--since", "yesterday"]).await.refused(64);

    recorder.clear();
    let again = shell.run(&["webhook", "resend", "shop", id, newest]).await.expect(0);
    assert_eq!(again, "1 delivery is on its way.\n");
    let hits = recorder.wait("it comes again", |all| !all.is_empty()).await;
    assert_eq!(hits[0].headers["webhook-id"], newest);
    shell.run(&["webhook", "resend", "shop", id, "msg_06gvptn6stt118p4mhs3rj6adk"]).await.refused(66);

    let tested = shell.run(&["webhook", "test", "shop", id]).await.expect(0);
    assert!(tested.starts_with("The webhook took it.") && tested.contains("answered 200"), "{tested}");
    recorder.next([Reply::status(500)]);
    let failed = shell.run(&["webhook", "test", "shop", id]).await;
    assert!(failed.out.contains("answered 500"), "{failed:?}");
    failed.refused(1);
    assert_eq!(
        shell.run(&["webhook", "retry", "shop", id]).await.expect(0),
        "Nothing is to be sent again.\n"
    );
}

#[tokio::test]
async fn what_was_given_up_while_a_webhook_was_disabled_is_recovered() {
    let berth = Berth::embedded().start().await;
    let (shell, recorder) = (Shell::of(&berth), Recorder::start().await);
    let mut hooks = Vec::new();
    for name in ["one", "two"] {
        shell.run(&["instance", "create", name]).await.expect(0);
        let id = added(&shell, name, &recorder.url(&format!("/{name}"))).await;
        recorder.always(Reply::status(503));
        steps::link(&berth.client(), name).await;
        let path = format!("/{name}");
        let is_linked = |hit: &Received| hit.path == path && hit.body["type"] == "instance.linked";
        recorder.wait("the link is tried", |all| all.iter().any(is_linked)).await;
        shell.run(&["webhook", "set", name, &id, "--disable"]).await.expect(0);
        hooks.push(id);
    }
    // A code may have been told before it was scanned.
    let given_up = ["delivery", "ls", "--state", "cancelled_by_endpoint"];
    eventually("it is given up", async || {
        let all = shell.json(&given_up).await;
        if all["deliveries"].as_array().unwrap().len() >= 2 { Ok(()) } else { Err(all) }
    })
    .await;
    let table = shell.run(&given_up).await.expect(0);
    assert!(table.contains(&hooks[0]) && table.contains(&hooks[1]), "{table}");
    recorder.always(Reply::status(200));
    recorder.clear();
    shell.run(&["webhook", "recover", "one", &hooks[0], "--since", "1h"]).await.refused(65);
    for (name, id) in ["one", "two"].iter().zip(&hooks) {
        shell.run(&["webhook", "set", name, id, "--enable"]).await.expect(0);
    }
    let words = |path: &'static str, all: &[Received]| -> Vec<String> {
        let of_path = all.iter().filter(|hit| hit.path == path);
        of_path.map(|hit| hit.body["type"].as_str().unwrap().to_owned()).collect()
    };
    let done = shell.run(&["webhook", "recover", "one", &hooks[0], "--since", "1h"]).await.expect(0);
    assert_eq!(done, "2 deliveries are on their way.\n");
    let hits = recorder.wait("one is told", |all| words("/one", all).len() >= 2).await;
    assert_eq!(words("/one", &hits), ["instance.linked", "instance.open"]);
    let done = shell.run(&["delivery", "recover", "--since", "1h"]).await.expect(0);
    assert_eq!(done, "2 deliveries are on their way.\n");
    let hits = recorder.wait("two is told", |all| words("/two", all).len() >= 2).await;
    assert_eq!(words("/two", &hits), ["instance.linked", "instance.open"]);
    shell.run(&["delivery", "recover", "--since", "20d"]).await.refused(64);
    shell.run(&["delivery", "recover", "--since", "2999-01-01T00:00:00Z"]).await.refused(64);
}

#[tokio::test]
async fn secrets_are_shown_again_and_changed() {
    let berth = Berth::embedded().start().await;
    let shell = Shell::of(&berth);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let id = added(&shell, "shop", "https://example.com/hook").await;
    let id = id.as_str();
    let hidden = shell.run(&["webhook", "secret", "shop", id]).await.expect(0);
    assert!(!hidden.contains("whsec_"), "{hidden}");
    let shown = shell.json(&["webhook", "secret", "shop", id, "--show-secrets"]).await;
    let file = shell.file("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let rotate = ["webhook", "rotate", "shop", id, "--secret-file", &file, "--overlap-hours", "2"];
    let rotated = shell.run(&rotate).await.expect(0);
    assert!(!rotated.contains("whsec_"), "the former one is hidden too: {rotated}");
    let now = shell.json(&["webhook", "secret", "shop", id, "--show-secrets"]).await;
    assert_eq!(now["secret"], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_eq!(now["former"][0]["secret"], shown["secret"]);
    shell.run(&["webhook", "rotate", "shop", id, "--overlap-hours", "169"]).await.refused(64);
    // Made up, and the former ones end at once.
    shell.run(&["webhook", "rotate", "shop", id, "--overlap-hours", "0"]).await.expect(0);
    let last = shell.json(&["webhook", "secret", "shop", id, "--show-secrets"]).await;
    let former = last["former"].as_array().unwrap();
    assert!(former.iter().all(|one| one["secret"] != now["secret"]), "{last}");
    assert_ne!(last["secret"], now["secret"]);
}

#[tokio::test]
async fn a_webhook_of_the_account_is_told_of_every_instance() {
    let berth = Berth::embedded().start().await;
    let (shell, recorder) = (Shell::of(&berth), Recorder::start().await);
    let account = |rest: &[&'static str]| [["webhook", "account"].as_slice(), rest].concat();
    assert_eq!(shell.run(&account(&["ls"])).await.expect(0), "Nothing.\n");
    let url = recorder.url("/all");
    shell.run(&["webhook", "account", "add", &url]).await.refused(64);
    let add = [
        "webhook",
        "account",
        "add",
        &url,
        "--event",
        "instance.*",
        "--rate",
        "20",
        "--secrets-to",
        "all.secret",
    ];
    let added = shell.run(&add).await;
    assert!(!added.out.contains("whsec_"), "{added:?}");
    let card = added.expect(0);
    assert!(card.contains("a second at most  20\n"), "{card}");
    assert!(std::fs::read_to_string(shell.path("all.secret")).unwrap().contains("whsec_"));
    let all = shell.json(&account(&["ls"])).await;
    let id = all["webhooks"][0]["id"].as_str().unwrap();

    for name in ["shop", "till"] {
        shell.run(&["instance", "create", name]).await.expect(0);
        steps::link(&berth.client(), name).await;
    }
    let of =
        |hit: &Received, name: &str| hit.body["data"]["name"] == name && hit.body["type"] == "instance.open";
    recorder
        .wait("both are told", |all| ["shop", "till"].iter().all(|name| all.iter().any(|hit| of(hit, name))))
        .await;
    let listed = eventually("all is delivered", async || {
        let all = shell.json(&["webhook", "account", "deliveries", id, "--state", "delivered"]).await;
        if all["deliveries"].as_array().unwrap().len() >= 4 { Ok(all) } else { Err(all) }
    })
    .await;
    let newest = &listed["deliveries"][0];
    let table = shell.run(&["webhook", "account", "deliveries", id, "--limit", "1"]).await;
    assert!(table.out.contains(newest["instance"].as_str().unwrap()), "{table:?}");
    recorder.clear();
    let again =
        ["webhook", "resend", newest["instance"].as_str().unwrap(), id, newest["id"].as_str().unwrap()];
    assert_eq!(shell.run(&again).await.expect(0), "1 delivery is on its way.\n");
    recorder.wait("it comes again", |all| !all.is_empty()).await;

    let tested = shell.run(&["webhook", "account", "test", id]).await.expect(0);
    assert!(tested.starts_with("The webhook took it."), "{tested}");
    let set = ["webhook", "account", "set", id, "--rate", "0", "--concurrency", "4", "--disable"];
    let set = shell.run(&set).await.expect(0);
    assert!(set.contains("at once at most  4\n") && set.contains("enabled          no\n"), "{set}");
    assert!(!set.contains("a second at most"), "what is not set is not shown: {set}");
    shell.run(&["webhook", "account", "set", id]).await.refused(64);
    let silent = shell.run(&["webhook", "account", "test", id]).await.refused(65);
    assert!(silent.contains("disabled") || silent.contains("silent"), "{silent}");

    let hidden = shell.run(&["webhook", "account", "secret", id]).await.expect(0);
    assert!(!hidden.contains("whsec_"), "{hidden}");
    let shown = shell.json(&["webhook", "account", "secret", id, "--show-secrets"]).await;
    let rotated =
        shell.json(&["webhook", "account", "rotate", id, "--overlap-hours", "2", "--show-secrets"]).await;
    assert_eq!(rotated["former"][0]["secret"], shown["secret"]);
    shell.run(&["webhook", "account", "rm", id]).await.expect(0);
    shell.run(&["webhook", "account", "get", id]).await.refused(66);
    shell.run(&["webhook", "account", "rm", id]).await.refused(66);
}
