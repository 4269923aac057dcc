//! `webhook ls`, `get`, `add`, `set`, `rm`.

use berth_journeys::Berth;
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
    assert!(shell.run(&unknown).await.refused(64).contains("is none of"));
}
