//! Another master key: accepted beside the former one while processes are replaced, and alone after that.

use std::{
    fs,
    path::{Path, PathBuf},
};

use berth_journeys::{Berth, Client, MASTER_KEY, ROLES, Running, steps};
use berth_test_support::NatsServer;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The key that takes the place of the story's.
const NEXT: &str = "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";

/// Files with both keys.
struct Files {
    _folder: TempDir,
    former: PathBuf,
    next: PathBuf,
}

fn files(former: &str) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let [former, next] = [("former", former), ("next", NEXT)].map(|(name, key)| {
        let path = folder.path().join(name);
        fs::write(&path, format!("{key}\n")).unwrap();
        path
    });
    Files { _folder: folder, former, next }
}

/// Runs a command of the operator.
async fn keys(berth: &Running, verb: &str, flag: &str, file: &Path) -> (Option<i32>, String) {
    berth.run(&["keys", verb, flag, file.to_str().unwrap()]).outcome().await
}

/// What is only there if keys, look-ups and idempotency still work.
async fn opens_everything(client: &Client, token: &str, first: &Value) {
    let shown = client.get("/v1/instances/shop").await.expect(200);
    assert_eq!(shown["device"]["push_name"], steps::PUSH_NAME, "a sealed value is opened");
    let own = Client::new(client.base()).token(token).get("/v1/instances/shop").await.expect(200);
    assert_eq!(own["id"], first["id"], "a token is looked up");
    let again = client.keyed("the-first").post("/v1/instances", json!({ "name": "shop" })).await;
    assert!(matches!(again.status, 200 | 201), "{}", again.text());
    assert_eq!(again.body["id"], first["id"], "a keyed command is known");
    assert_eq!(client.get("/v1/instances/shop/verify").await.expect(200)["ok"], true);
}

async fn begun(client: &Client) -> (Value, String) {
    let first = client.keyed("the-first").post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    steps::link(client, "shop").await;
    let token = first["token"].as_str().unwrap().to_owned();
    (first, token)
}

#[tokio::test]
async fn processes_are_replaced_one_after_the_other_while_both_keys_are_accepted_on_nats() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    let (first, token) = begun(&client).await;
    let files = files(MASTER_KEY);
    let (code, said) = keys(&berth, "retire", "--former", &files.former).await;
    assert!(code == Some(64) && said.contains("another one must take its place first"), "{said}");
    // Repeated: whoever was interrupted says it again.
    for _ in 0..2 {
        let (code, said) = keys(&berth, "rotate", "--to", &files.next).await;
        assert_eq!(code, Some(0), "{said}");
    }
    opens_everything(&client, &token, &first).await;
    berth.set("BERTH_MASTER_KEY", NEXT);
    for role in ROLES {
        let mut former = berth.take_one(role);
        former.signal("TERM");
        assert!(former.ended().await.success());
        berth.restart_role(role).await;
        opens_everything(&client, &token, &first).await;
    }
    let (code, said) = keys(&berth, "retire", "--former", &files.next).await;
    assert!(code == Some(64) && said.contains("the master key that is used"), "{said}");
    for _ in 0..2 {
        let (code, said) = keys(&berth, "retire", "--former", &files.former).await;
        assert_eq!(code, Some(0), "{said}");
    }
    berth.set("BERTH_MASTER_KEY", MASTER_KEY);
    let (code, said) = berth.run(&["projections"]).outcome().await;
    assert!(code == Some(64) && said.contains("was retired"), "{said}");
    let (code, said) = keys(&berth, "rotate", "--to", &files.next).await;
    assert!(code == Some(64) && said.contains("was retired"), "{said}");
    opens_everything(&client, &token, &first).await;
    client.delete("/v1/instances/shop").await.expect(200);
}

#[tokio::test]
async fn the_key_that_berth_keeps_itself_is_replaced_in_its_folder() {
    let mut berth = Berth::embedded().start().await;
    let client = berth.client();
    let (first, token) = begun(&client).await;
    let kept = berth.data().join("data/master.key");
    let former = fs::read_to_string(&kept).unwrap();
    let files = files(former.trim());
    let (code, said) = keys(&berth, "rotate", "--to", &files.next).await;
    assert!(code == Some(64) && said.contains("another berth process uses the folder"), "{said}");
    assert_eq!(berth.stop().await, [Some(0)]);
    for _ in 0..2 {
        let (code, said) = keys(&berth, "rotate", "--to", &files.next).await;
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(fs::read_to_string(&kept).unwrap().trim(), NEXT);
    assert!(!kept.with_file_name("master.key.former").exists());
    berth.restart().await;
    opens_everything(&client, &token, &first).await;
    assert_eq!(berth.stop().await, [Some(0)]);
    let leftover = steps::files_with(berth.data(), former.trim());
    assert!(leftover.is_empty(), "the former key is still in {leftover:?}");
    berth.set("BERTH_MASTER_KEY", former.trim());
    let (code, said) = berth.run(&["serve"]).outcome().await;
    assert!(code == Some(64) && said.contains("was retired"), "{said}");
}

#[tokio::test]
async fn what_was_signed_for_a_while_ends_with_the_key_that_signed_it() {
    let mut berth = Berth::embedded().setting("BERTH_MASTER_KEY", MASTER_KEY).start().await;
    let files = files(MASTER_KEY);
    let made = berth.client().post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    // CodeChat shows a token that it signed itself.
    let path = format!("/api/v2/instance/{}", made["id"].as_str().unwrap());
    let jwt = |shown: Value| shown["Auth"]["jwt"].as_str().expect("a JWT").to_owned();
    let first = jwt(berth.client().get(&path).await.expect(200));
    berth.client().token(&first).get(&path).await.expect(200);
    assert_eq!(berth.stop().await, [Some(0)]);
    let (code, said) = keys(&berth, "rotate", "--to", &files.next).await;
    assert_eq!(code, Some(0), "{said}");
    berth.set("BERTH_MASTER_KEY", NEXT);
    berth.restart().await;
    let refused = berth.client().token(&first).get(&path).await;
    assert!(matches!(refused.status, 400..500), "{}", refused.text());
    let second = jwt(berth.client().get(&path).await.expect(200));
    assert_ne!(first, second);
    berth.client().token(&second).get(&path).await.expect(200);
}
