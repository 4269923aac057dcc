//! An instance with another name is found by it through every door, and told of under it.

use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World, eventually},
};

async fn rename(world: &World, instance: &str, name: &Value, token: &str) -> (u16, Value) {
    let request = Request::new("PATCH".parse().unwrap(), &format!("/v1/instances/{instance}"));
    world.native(request.json(&json!({"name": name})), token).await
}

#[tokio::test]
async fn every_door_finds_a_renamed_instance_by_its_new_name() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    // The second gateway remembers the former name.
    let by_name = Request::get("/v1/instances/shop").bearer(ACCOUNT);
    assert_eq!(world.send_to_neighbour(&by_name).await.status().as_u16(), 200);
    let (status, body) = rename(&world, "shop", &json!("Café 2"), ACCOUNT).await;
    assert_eq!(
        (status, &body["name"], &body["connection"]),
        (200, &json!("Café 2"), &json!("open")),
        "{body}"
    );

    let name = "Caf%C3%A9%202";
    let doors = [
        (Request::get(&format!("/v1/instances/{name}")).bearer(ACCOUNT), "/name"),
        (
            Request::get(&format!("/instance/connectionState/{name}")).header("apikey", ACCOUNT),
            "/instance/instanceName",
        ),
        (Request::get("/instance/fetchInstances").header("apikey", &shop.token), "/0/name"),
    ];
    for (request, field) in doors {
        assert_eq!(world.json(&request).await.pointer(field), Some(&json!("Café 2")), "{request:?}");
    }
    // The former name finds it for a while, at whatever gateway, and nobody else may have it.
    for answer in [world.send(&by_name).await, world.send_to_neighbour(&by_name).await] {
        let found: Value = answer.json().await.unwrap();
        assert_eq!((&found["id"], &found["name"]), (&json!(shop.id), &json!("Café 2")));
    }
    let create = Request::post("/v1/instances").json(&json!({"name": "shop"}));
    let (status, body) = world.native(create.clone(), ACCOUNT).await;
    assert_eq!((status, &body["code"]), (409, &json!("name_taken")));
    world.advance_seconds(61);
    eventually("the name is free", async || world.native(create.clone(), ACCOUNT).await.0 == 201).await;

    let path = format!("/v1/instances/{}/events?limit=100", shop.id);
    let page = world.json(&Request::get(&path).bearer(ACCOUNT)).await;
    let events = page["events"].as_array().unwrap();
    let renamed = events.iter().find(|event| event["type"] == "InstanceRenamed").unwrap();
    assert_eq!(renamed["data"], json!({}), "a name is personal");
    eventually("lists find it by its new name", async || {
        let list = world.json(&Request::get("/v1/instances?q=caf").bearer(ACCOUNT)).await;
        list["instances"][0]["id"] == json!(shop.id)
    })
    .await;
}

#[tokio::test]
async fn a_name_that_cannot_be_is_refused() {
    let world = World::start().await;
    let (shop, till) = (world.instance("shop").await, world.instance("till").await);
    for name in [json!(""), json!(" shop"), json!("a/b"), json!(shop.id), json!("x".repeat(129)), json!(7)] {
        let (status, body) = rename(&world, "shop", &name, ACCOUNT).await;
        assert_eq!((status, &body["code"]), (400, &json!("invalid_request")), "{name}: {body}");
    }
    let (status, body) = rename(&world, "shop", &json!("till"), ACCOUNT).await;
    assert_eq!((status, &body["code"]), (409, &json!("name_taken")));
    let (status, body) = rename(&world, "shop", &json!(till.number.to_string()), ACCOUNT).await;
    assert_eq!((status, &body["code"]), (409, &json!("name_taken")), "the number of another one");
    for (token, status) in [(OTHER_ACCOUNT, 404), (&till.token[..], 404), (ROOT, 403)] {
        assert_eq!(rename(&world, "shop", &json!("bar"), token).await.0, status);
    }
    assert_eq!(rename(&world, "shop", &json!("bar"), &shop.token).await.0, 200, "with its own token");
    let delete = Request::delete(&format!("/v1/instances/{}", shop.id));
    assert_eq!(world.native(delete, ACCOUNT).await.0, 200);
    assert_eq!(rename(&world, &shop.id, &json!("kiosk"), ACCOUNT).await.0, 410);
}
