//! Who sent a command, and from where: the request's id and the client's address in the history.

use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, World},
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
