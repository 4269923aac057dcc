//! What was sent to endpoints, as the native API shows it, and changes of endpoints that meet.

use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World, eventually},
};

const HOOKS: &str = "/v1/instances/shop/webhooks";

async fn hook(world: &World, receiver: &Receiver) -> String {
    let request = Request::post(HOOKS).json(&json!({"url": receiver.url("/hook")}));
    let (status, webhook) = world.native(request, ACCOUNT).await;
    assert_eq!(status, 201, "{webhook}");
    webhook["id"].as_str().unwrap().to_owned()
}

async fn read(world: &World, path: &str) -> Value {
    let (status, body) = world.native(Request::get(path), ACCOUNT).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[tokio::test]
async fn what_was_sent_is_listed_and_shown_attempt_by_attempt() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let shop = world.instance("shop").await;
    let id = hook(&world, &receiver).await;
    let connect = Request::post("/v1/instances/shop/connect").json(&json!({}));
    assert_eq!(world.native(connect, ACCOUNT).await.0, 200);
    // A code that nobody was told of before the scan is told to nobody.
    receiver.received(1).await;
    world.scan("shop").await;
    let hits = receiver.received(3).await;
    let list = format!("{HOOKS}/{id}/deliveries");
    let all_delivered = async || {
        let page = read(&world, &list).await;
        let all = page["deliveries"].as_array().unwrap();
        all.len() >= 3 && all.iter().all(|one| one["state"] == "delivered")
    };
    eventually("all is delivered", all_delivered).await;
    let page = read(&world, &list).await;
    let all = page["deliveries"].as_array().unwrap();
    let events: Vec<_> = all.iter().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(events[..3], ["instance.open", "instance.linked", "instance.qr"]);
    assert_eq!((&all[0]["instance"], &all[0]["attempts"]), (&json!(shop.id), &json!(1)));
    assert!(!page.to_string().contains("2@"), "no code is shown: {page}");

    let sent = hits.iter().find(|hit| hit.body["type"] == "instance.linked").unwrap();
    let message = sent.headers["webhook-id"].to_str().unwrap();
    let one = read(&world, &format!("{list}/{message}")).await;
    assert_eq!((&one["delivery"]["id"], &one["delivery"]["state"]), (&json!(message), &json!("delivered")));
    let attempt = &one["attempts"][0];
    assert_eq!((&attempt["number"], &attempt["status"]), (&json!(1), &json!(200)));

    let first = read(&world, &format!("{list}?limit=1")).await;
    let next = first["next_before"].as_str().unwrap();
    let second = read(&world, &format!("{list}?limit=1&before={next}")).await;
    assert_eq!(second["deliveries"][0], all[1]);
    let mine = read(&world, "/v1/deliveries?state=delivered,exhausted").await;
    assert_eq!(mine["deliveries"].as_array().unwrap().len(), all.len());
    assert_eq!(read(&world, "/v1/deliveries?state=exhausted").await["deliveries"], json!([]));
    assert_eq!(
        read(&world, "/v1/deliveries?instance=shop&until=2001-01-01T00:00:00Z").await["deliveries"],
        json!([])
    );

    let others = world.native(Request::get("/v1/deliveries"), OTHER_ACCOUNT).await;
    assert_eq!(others.1["deliveries"], json!([]));
    for (path, token, status) in [
        ("/v1/deliveries".to_owned(), ROOT, 403),
        ("/v1/deliveries?state=lost".to_owned(), ACCOUNT, 400),
        ("/v1/deliveries?since=yesterday".to_owned(), ACCOUNT, 400),
        ("/v1/deliveries?limit=0".to_owned(), ACCOUNT, 400),
        ("/v1/deliveries?before=***".to_owned(), ACCOUNT, 400),
        (list.clone(), OTHER_ACCOUNT, 404),
        (format!("{HOOKS}/{}/deliveries", shop.id), ACCOUNT, 404),
        (format!("{list}/msg_none"), ACCOUNT, 404),
        (format!("{list}/{}", message.replace("msg_", "")), ACCOUNT, 404),
    ] {
        let answer = world.native(Request::get(&path), token).await;
        assert_eq!(answer.0, status, "{path}: {}", answer.1);
    }
}

#[tokio::test]
async fn two_changes_at_once_both_hold() {
    let world = World::start().await;
    world.instance("shop").await;
    let request = Request::post(HOOKS).json(&json!({"url": "https://example.com/hook"}));
    let id = world.native(request, ACCOUNT).await.1["id"].as_str().unwrap().to_owned();
    let path = format!("{HOOKS}/{id}");
    let change = |body: Value| world.native(Request::patch(&path).json(&body), ACCOUNT);
    for round in 0..8 {
        let label = format!("round {round}");
        let enabled = round % 2 == 0;
        let url = format!("https://example.com/{round}");
        let (a, b, c) = tokio::join!(
            change(json!({"label": label})),
            change(json!({"enabled": enabled})),
            change(json!({"url": url}))
        );
        assert_eq!((a.0, b.0, c.0), (200, 200, 200), "{} {} {}", a.1, b.1, c.1);
        let now = read(&world, &path).await;
        let shown = (&now["label"], &now["enabled"], &now["url"]);
        assert_eq!(shown, (&json!(label), &json!(enabled), &json!(url)));
    }
}

#[tokio::test]
async fn secrets_are_changed_with_an_overlap_and_shown_again_and_deliveries_are_sent_again() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    world.instance("shop").await;
    let id = hook(&world, &receiver).await;
    let of_hook = |rest: &str| format!("{HOOKS}/{id}/{rest}");
    let here = &world;
    let post = |rest: &str, body: Value| {
        let request = Request::post(&of_hook(rest)).json(&body);
        async move { here.native(request, ACCOUNT).await }
    };
    let first = read(&world, &of_hook("secret")).await;
    assert_eq!(first["former"], json!([]));
    let rotated = post("secret", json!({"overlap_hours": 1})).await.1;
    assert_eq!(rotated["former"][0]["secret"], first["secret"]);
    assert_eq!(read(&world, &of_hook("secret")).await, rotated);
    let ended = post("secret", json!({"overlap_hours": 0})).await.1;
    assert_ne!(ended["secret"], rotated["secret"]);
    let former = ended["former"].as_array().unwrap();
    assert!(former.iter().all(|one| one["secret"] != rotated["secret"]), "it ended at once: {ended}");
    assert_eq!(post("secret", json!({"overlap_hours": 169})).await.0, 400);
    assert_eq!(post("secret", json!({"secret": "short"})).await.0, 400);

    let silent = post("test", json!({})).await;
    assert_eq!((silent.0, &silent.1["code"]), (409, &json!("silent")));
    let connect = Request::post("/v1/instances/shop/connect").json(&json!({}));
    assert_eq!(world.native(connect, ACCOUNT).await.0, 200);
    // A code that nobody was told of before the scan is told to nobody.
    receiver.received(1).await;
    world.scan("shop").await;
    let hits = receiver.received(3).await;
    let linked = hits.iter().find(|hit| hit.body["type"] == "instance.linked").unwrap();
    let message = linked.headers["webhook-id"].to_str().unwrap();
    let one = of_hook(&format!("deliveries/{message}"));
    eventually("it is settled", async || read(&world, &one).await["delivery"]["state"] == "delivered").await;
    let tested = post("test", json!({})).await;
    assert_eq!((tested.0, &tested.1["delivered"], &tested.1["status"]), (200, &json!(true), &json!(200)));
    let again = post(&format!("deliveries/{message}/resend"), json!({})).await;
    assert_eq!(again, (202, json!({"deliveries": 1, "more": false})));
    let hits = receiver.received(5).await;
    let ids: Vec<_> = hits[3..].iter().map(|hit| hit.headers["webhook-id"].to_str().unwrap()).collect();
    assert_eq!(ids, [tested.1["id"].as_str().unwrap(), message]);
    assert_eq!(post("retry", json!({})).await, (202, json!({"deliveries": 0, "more": false})));
    assert_eq!(post("recover", json!({"since": "2999-01-01T00:00:00Z"})).await.0, 400);
    assert_eq!(post("recover", json!({"since": "1999-01-01T00:00:00Z"})).await.0, 400);
    assert_eq!(post("deliveries/msg_06gvptn6stt118p4mhs3rj6adk/resend", json!({})).await.0, 404);
}
