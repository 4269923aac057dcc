//! `account ls`, `create`, `set`, `rotate-token`, `move`, `close`.

use berth_journeys::{Berth, ROOT_KEY};
use serde_json::json;

use crate::world::Shell;

#[tokio::test]
async fn an_account_is_made_changed_given_an_instance_and_closed() {
    let berth = Berth::embedded().start().await;
    let (shell, root) = (Shell::of(&berth), Shell::of(&berth).with("BERTHCTL_TOKEN", ROOT_KEY));
    assert!(shell.run(&["account", "ls"]).await.refused(77).contains("root key"));

    root.run(&["account", "create", "acme"]).await.refused(64);
    let made = root
        .run(&["account", "create", "acme", "--attributes", r#"{"plan": 1}"#, "--secrets-to", "acme"])
        .await;
    assert!(made.out.contains("(hidden: "), "{made:?}");
    let token = std::fs::read_to_string(root.path("acme")).unwrap();
    assert!(!made.out.contains(token.trim()) && !made.err.contains(token.trim()));
    let accounts = root.json(&["account", "ls"]).await;
    let acme = accounts["accounts"].as_array().unwrap().iter().find(|it| it["name"] == "acme").unwrap();
    assert_eq!(acme["attributes"], json!({"plan": 1}));
    let id = acme["id"].as_str().unwrap();
    let by_file = Shell::at(berth.client().base());
    let file = root.path("acme").display().to_string();
    by_file.run(&["instance", "create", "own", "--token-file", &file]).await.expect(0);

    assert_eq!(root.json(&["account", "get", id]).await, *acme);
    root.run(&["account", "show", "nobody"]).await.refused(66);
    assert!(root.run(&["whoami"]).await.expect(0).contains("token of  root\n"));
    let who = by_file.run(&["whoami", "--token-file", &file]).await.expect(0);
    assert!(who.contains("token of  account\n") && who.contains(&format!("account   acme {id}\n")), "{who}");
    root.run(&["account", "set", id]).await.refused(64);
    let set = root.run(&["account", "set", id, "--name", "apex", "--attributes", "null"]).await.expect(0);
    assert!(set.contains("name           apex") && !set.contains("attributes"), "{set}");
    root.run(&["account", "set", id, "--attributes", "{"]).await.refused(64);

    let instance = shell.run(&["instance", "create", "shop", "-o", "json"]).await.expect(0);
    let instance: serde_json::Value = serde_json::from_str(&instance).unwrap();
    let moved = root.run(&["account", "move", instance["id"].as_str().unwrap(), id]).await.expect(0);
    assert!(moved.starts_with("Created, and never linked"), "{moved}");
    shell.run(&["instance", "get", "shop"]).await.refused(66);
    by_file.run(&["instance", "get", "shop", "--token-file", &file]).await.expect(0);

    let fresh = root.file("fresh", "another-token-0001");
    let rotate = ["account", "rotate-token", id, "--own-token-file", &fresh, "-y", "--show-secrets"];
    assert!(root.run(&rotate).await.expect(0).contains("token          another-token-0001"));
    by_file.run(&["instance", "get", "shop", "--token-file", &file]).await.refused(77);
    by_file.run(&["instance", "get", "shop", "--token-file", &fresh]).await.expect(0);

    let full = root.run(&["account", "close", id, "-y"]).await.refused(65);
    assert!(full.contains("--force"), "{full}");
    root.run(&["account", "close", id, "--force"]).await.refused(64);
    let closed = root.run(&["account", "close", id, "--force", "-y"]).await.expect(0);
    assert!(closed.contains("closed         20"), "{closed}");
}
