//! `upstream ls`, `upstream adopt`.

use berth_journeys::{ACCOUNT_TOKEN, Berth, ROOT_KEY};
use serde_json::json;

use crate::world::Shell;

#[tokio::test]
async fn what_is_on_an_upstream_is_adopted_after_a_table_and_a_repeat_changes_nothing() {
    let there = Berth::embedded().start().await;
    for (name, token) in
        [("shop", "token-of-the-shop-0001"), ("bar", "token-of-the-bar-00001"), ("own", "own-token-00000001")]
    {
        there.client().post("/v1/instances", json!({"name": name, "token": token})).await.expect(201);
    }
    let mut berth = Berth::embedded()
        .setting("BERTH_UPSTREAM_EVO1_URL", there.client().base())
        .setting("BERTH_UPSTREAM_EVO1_KEY", ACCOUNT_TOKEN)
        .start()
        .await;
    // A name that is taken here is refused, and the others are adopted all the same.
    berth.client().post("/v1/instances", json!({"name": "own"})).await.expect(201);
    let (shell, root) = (Shell::of(&berth), Shell::of(&berth).with("BERTHCTL_TOKEN", ROOT_KEY));
    shell.run(&["upstream", "ls"]).await.refused(77);
    let listed = root.run(&["upstream", "ls"]).await.expect(0);
    assert!(
        listed.contains("evo1") && listed.contains("observe") && !listed.contains(ACCOUNT_TOKEN),
        "{listed}"
    );

    root.run(&["upstream", "adopt", "evo2"]).await.refused(66);
    let planned = root.run(&["upstream", "adopt", "evo1", "--dry-run"]).await;
    assert_eq!(planned.code, Some(1), "one is refused: {planned:?}");
    for line in ["NAME", "shop  to_adopt", "own   refused   name_taken"] {
        assert!(planned.out.contains(line), "{line}: {planned:?}");
    }
    shell.run(&["instance", "get", "shop"]).await.refused(66);

    // Nobody is here to be asked.
    root.run(&["upstream", "adopt", "evo1", "--only", "shop"]).await.refused(64);
    let one = root.run(&["upstream", "adopt", "evo1", "--only", "shop", "-y"]).await;
    assert_eq!(one.code, Some(0), "{one:?}");
    assert!(one.err.contains("1 of 1 instance"), "{one:?}");
    let rest = root.run(&["upstream", "adopt", "evo1", "-y", "-o", "json"]).await;
    assert_eq!(rest.code, Some(1), "{rest:?}");
    let rest: serde_json::Value = serde_json::from_str(&rest.out).unwrap();
    assert_eq!((&rest["adopted"], &rest["present"], &rest["refused"]), (&json!(1), &json!(1), &json!(1)));
    let again = root.run(&["upstream", "adopt", "evo1", "-o", "json"]).await;
    let again: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&again["adopted"], &again["present"]), (&json!(0), &json!(2)), "a repeat changes nothing");
    // Their clients keep their tokens.
    let client = Shell::at(berth.client().base()).with("BERTHCTL_TOKEN", "token-of-the-bar-00001");
    client.run(&["instance", "get", "bar"]).await.expect(0);

    // What was deleted here stays away, which is no failure, until it is asked for.
    berth.stop().await;
    berth.set("BERTH_UPSTREAM_EVO1_MODE", "drive");
    berth.restart().await;
    let (shell, root) = (Shell::of(&berth), Shell::of(&berth).with("BERTHCTL_TOKEN", ROOT_KEY));
    shell.run(&["instance", "rm", "bar", "--yes"]).await.expect(0);
    let again = root.run(&["upstream", "adopt", "evo1", "-y", "--only", "bar"]).await.expect(0);
    assert!(again.contains("bar   deleted_here"), "{again}");
    shell.run(&["instance", "get", "bar"]).await.refused(66);
    let asked = ["upstream", "adopt", "evo1", "-y", "--only", "bar", "--deleted-too"];
    assert!(root.run(&asked).await.expect(0).contains("bar   adopted"));
    shell.run(&["instance", "get", "bar"]).await.expect(0);

    // With several accounts one is to be named, and may have only what it was granted.
    let acme = root.run(&["account", "create", "acme", "-o", "json", "--show-secrets"]).await.expect(0);
    let acme: serde_json::Value = serde_json::from_str(&acme).unwrap();
    assert!(root.run(&["upstream", "adopt", "evo1"]).await.refused(64).contains("--account"));
    root.run(&["upstream", "adopt", "evo1", "--account", acme["id"].as_str().unwrap()]).await.refused(64);
}
