//! Who sent a command, from where, and because of what: the request's id, the client's address and the causing command in
//! the history.

use berth_log::{Followed, LogRead, Position, decode_commit};
use berth_proto::{
    AccountId, CommitV2, Kind, Sealed, WriteVersion,
    commit::{CallerV1, ReceiptV2},
};
use berth_runtime::sealing::field;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, ROOT, World, eventually},
};

/// The id that an answer bears.
fn id_of(answer: &reqwest::Response) -> String {
    answer.headers().get("x-request-id").unwrap().to_str().unwrap().to_owned()
}

/// The command behind the first event of a type.
async fn command_of(world: &World, id: &str, kind: &str) -> Value {
    let page = world.json(&Request::get(&format!("/v1/instances/{id}/events")).bearer(ACCOUNT)).await;
    let events = page["events"].as_array().unwrap();
    events.iter().find(|event| event["type"] == kind).unwrap()["command"].clone()
}

#[tokio::test]
async fn the_history_says_with_which_request_and_from_where_until_it_is_erased() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    let pause =
        Request::post("/v1/instances/shop/disconnect").bearer(ACCOUNT).header("x-request-id", "abc-1");
    let answer = world.send(&pause).await;
    assert_eq!((answer.status().as_u16(), id_of(&answer)), (200, "abc-1".to_owned()));
    let paused = command_of(&world, &shop.id, "LinkPaused").await;
    assert_eq!((&paused["request_id"], &paused["from"]), (&json!("abc-1"), &json!("127.0.0.1")), "{paused}");

    // The other doors say so too, and a request without an id gets one.
    let logout = Request::delete("/instance/logout/shop").header("apikey", ACCOUNT);
    let made = id_of(&world.send(&logout).await);
    let out = command_of(&world, &shop.id, "LoggedOut").await;
    assert_eq!((&out["via"], &out["request_id"]), (&json!("evolution"), &json!(made)), "{out}");
    assert_eq!(out["from"], "127.0.0.1");

    let delete = Request::delete(&format!("/v1/instances/{}", shop.id)).bearer(ACCOUNT);
    assert_eq!(world.send(&delete).await.status(), 200);
    let out = command_of(&world, &shop.id, "LoggedOut").await;
    assert_eq!((&out["request_id"], &out["from"]), (&json!(null), &json!(null)), "it went with the key");
}

/// Every commit that is stored of a kind of streams.
async fn commits(world: &World, kind: Kind) -> Vec<CommitV2> {
    let mut follow = world.log.follow("story", &[kind], Position::default()).await.unwrap();
    let mut commits = Vec::new();
    while let Some(Ok(Followed::Commit(commit, _))) = follow.next().await {
        commits.push(decode_commit(commit.stored()).unwrap());
    }
    commits
}

async fn receipts(world: &World, kind: Kind) -> Vec<ReceiptV2> {
    commits(world, kind).await.into_iter().flat_map(|commit| commit.receipts).collect()
}

/// Where the commands came from that an account was sent, with nothing for one that does not say.
async fn callers_of_account(world: &World, account: AccountId) -> Vec<Option<CallerV1>> {
    let key = world.keys.key(account.as_bytes()).await.unwrap();
    let open = |sealed: &Sealed| {
        let json = key.as_ref()?.open(account.as_bytes(), field::CALLER, sealed).ok()?;
        serde_json::from_slice(&json).ok()
    };
    let of_it = commits(world, Kind::Account).await;
    let of_it = of_it.into_iter().filter(|commit| commit.stream.id() == account.as_bytes());
    of_it.flat_map(|commit| commit.receipts).map(|one| open(one.caller.as_ref()?)).collect()
}

#[tokio::test]
async fn the_receipts_of_an_account_say_where_its_commands_came_from_until_it_is_gone() {
    let world = World::start().await;
    let ask = |method: &str, path: &str, id: &str| {
        let path = format!("/v1/accounts{path}");
        Request::new(method.parse().unwrap(), &path).bearer(ROOT).header("x-request-id", id)
    };
    let create = ask("POST", "", "acc-1").json(&json!({"name": "initech", "token": "token-of-initech"}));
    let id = world.json(&create).await["id"].as_str().unwrap().to_owned();
    let account: AccountId = id.parse().unwrap();
    let rename = ask("PATCH", &format!("/{id}"), "acc-2").json(&json!({"name": "initrode"}));
    assert_eq!(world.send(&rename).await.status(), 200);
    let rotate = ask("POST", &format!("/{id}/token"), "acc-3").json(&json!({}));
    assert_eq!(world.send(&rotate).await.status(), 200);
    let seen = |id: &str| Some(CallerV1 { request_id: id.to_owned(), address: Some("127.0.0.1".to_owned()) });
    assert_eq!(callers_of_account(&world, account).await, [seen("acc-1"), seen("acc-2"), seen("acc-3")]);

    // What was reserved for it belongs to nobody, and says nothing of where it came from.
    let reserved = receipts(&world, Kind::Directory).await;
    assert!(!reserved.is_empty() && reserved.iter().all(|receipt| receipt.caller.is_none()));

    let close = ask("DELETE", &format!("/{id}?force=true"), "acc-4");
    assert!(world.send(&close).await.status().is_success());
    world.advance_seconds(61);
    eventually("its key is destroyed", async || {
        world.keys.forget(account.as_bytes());
        world.keys.key(account.as_bytes()).await.unwrap().is_none()
    })
    .await;
    let stored = commits(&world, Kind::Account).await.into_iter().flat_map(|commit| commit.receipts);
    assert!(stored.filter(|receipt| receipt.caller.is_some()).count() >= 4, "they stand there sealed");
    assert!(callers_of_account(&world, account).await.iter().all(Option::is_none), "they went with the key");
}

#[tokio::test]
async fn before_every_replica_reads_it_nobody_says_where_a_command_came_from() {
    let world = World::start_writing(WriteVersion::OLDEST).await;
    let shop = world.linked("shop").await;
    let logout = Request::post("/v1/instances/shop/logout").bearer(ACCOUNT).header("x-request-id", "abc-1");
    assert_eq!(world.send(&logout).await.status(), 200);
    let out = command_of(&world, &shop.id, "LoggedOut").await;
    assert_eq!((&out["request_id"], &out["from"]), (&json!(null), &json!(null)), "{out}");
    for kind in [Kind::Instance, Kind::Account] {
        let receipts = receipts(&world, kind).await;
        assert!(!receipts.is_empty() && receipts.iter().all(|one| one.caller.is_none()), "{kind:?}");
    }
}

#[tokio::test]
async fn what_happens_on_a_link_names_the_command_that_asked_for_it() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    let connect = command_of(&world, &shop.id, "ConnectRequested").await;
    assert_eq!(connect["causation"], json!(null), "a client asked");
    for reported in ["QrIssued", "DeviceLinked", "ConnectionOpened"] {
        let report = command_of(&world, &shop.id, reported).await;
        assert_eq!(
            (&report["via"], &report["causation"]),
            (&json!("connector"), &connect["id"]),
            "{reported}"
        );
    }
    let logout =
        Request::post("/v1/instances/shop/logout").bearer(ACCOUNT).json(&json!({"wait": "unlinked"}));
    assert_eq!(world.send(&logout).await.status(), 200);
    let out = command_of(&world, &shop.id, "LoggedOut").await;
    let unlinked = command_of(&world, &shop.id, "DeviceUnlinked").await;
    assert_eq!((&unlinked["via"], &unlinked["causation"]), (&json!("connector"), &out["id"]));
}

#[tokio::test]
async fn what_an_instance_follows_of_its_account_names_the_command_that_changed_the_account() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let close = Request::delete(&format!("/v1/accounts/{}?force=true", world.account_id)).bearer(ROOT);
    assert!(world.send(&close).await.status().is_success());
    let deletions = async || {
        let commits = commits(&world, Kind::Instance).await.into_iter();
        let mut of_shop =
            commits.filter(|commit| commit.stream.as_instance().unwrap().to_string() == shop.id);
        let last = of_shop.rfind(|commit| !commit.events.is_empty()).unwrap();
        last.receipts.into_iter().find(|receipt| receipt.origin.via == "sweeper")
    };
    eventually("the instance is deleted", async || deletions().await.is_some()).await;
    let deletion = deletions().await.unwrap();
    let accounts = receipts(&world, Kind::Account).await;
    let closing = accounts.iter().find(|receipt| Some(receipt.command_id) == deletion.causation).unwrap();
    assert_eq!(closing.origin.via, "native", "{closing:?}");
}

#[tokio::test]
async fn what_is_no_request_id_is_replaced() {
    let world = World::start().await;
    let read = Request::get("/v1/instances").bearer(ACCOUNT);
    for wrong in ["", "two words", "<script>", &"x".repeat(129)] {
        let made = id_of(&world.send(&read.clone().header("x-request-id", wrong)).await);
        assert!(
            made.len() > 16 && made != wrong && made.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "{made}"
        );
    }
    let longest = "x".repeat(128);
    assert_eq!(id_of(&world.send(&read.clone().header("x-request-id", &longest)).await), longest);
    // What nobody has is answered with an id as well.
    assert!(!id_of(&world.send(&Request::get("/nowhere")).await).is_empty());
}
