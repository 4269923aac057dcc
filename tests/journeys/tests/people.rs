//! What is held of a person: found in every history of the account, and gone with what is deleted.

use berth_journeys::{Berth, Client, ROOT_KEY, eventually, steps};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// Another person's phone.
const OTHER: &str = "5521912345678";

#[tokio::test]
async fn what_is_held_of_a_person_is_found_until_it_is_deleted_embedded() {
    told(Berth::embedded()).await;
}

#[tokio::test]
async fn what_is_held_of_a_person_is_found_until_it_is_deleted_on_nats() {
    let server = NatsServer::start().await;
    told(Berth::on_nats(&server).roles_in_processes()).await;
}

async fn told(berth: Berth) {
    let berth = berth.start().await;
    let client = berth.client();
    for name in ["present", "former", "asked", "gone", "nobody"] {
        client.post("/v1/instances", json!({ "name": name })).await.expect(201);
    }
    for name in ["present", "former", "gone"] {
        steps::link(&client, name).await;
    }
    // The phone of somebody else took its place.
    client.post("/v1/instances/former/logout", json!({ "wait": "unlinked" })).await.expect(200);
    client.post("/v1/instances/former/connect", json!({})).await.expect(200);
    let scan = json!({ "action": "scan", "phone": OTHER, "push_name": "Bia" });
    client.post("/v1/instances/former/simulate", scan).await.expect(200);
    steps::until(&client, "former", "another device is linked", |now| now["device"]["phone"] == OTHER).await;
    // It was only asked for a code.
    let asked = json!({ "method": "pairing_code", "phone": steps::PHONE });
    client.post("/v1/instances/asked/connect", asked).await.expect(200);

    let held = all_of(&client, steps::PHONE, 2).await;
    let of = |name: &str| held.iter().find(|one| one["name"] == name).cloned().unwrap_or_default();
    assert_eq!(held.len(), 4, "{held:#?}");
    assert_eq!((&of("present")["present"], &of("former")["present"]), (&json!(true), &json!(false)));
    for name in ["present", "former", "gone"] {
        let trace = &of(name)["traces"][0];
        assert_eq!(trace["event"], "DeviceLinked");
        let values = trace["values"].as_array().unwrap();
        assert!(["jid", "phone", "push_name"].iter().all(|value| values.contains(&json!(value))), "{trace}");
    }
    assert_eq!(of("asked")["traces"][0]["values"], json!(["pairing_phone"]));

    client.delete("/v1/instances/gone").await.expect(200);
    eventually("what was deleted is erased", async || {
        let page = client.get(&path(steps::PHONE)).await.expect(200);
        let is_gone = page["instances"].as_array().unwrap().iter().all(|one| one["name"] != "gone");
        if is_gone && page["erased"] == 1 && page["looked_at"] == 5 { Ok(()) } else { Err(page) }
    })
    .await;
    let other = all_of(&client, OTHER, 50).await;
    assert_eq!((other.len(), &other[0]["name"]), (1, &json!("former")));
    assert!(all_of(&client, "5511900000000", 50).await.is_empty());

    client.get("/v1/people/55-11").await.expect(400);
    client.get("/v1/people/5511900000000?limit=0").await.expect(400);
    client.get("/v1/people/5511900000000?after=nothing").await.expect(400);
    Client::new(client.base()).token(ROOT_KEY).get(&path(steps::PHONE)).await.expect(403);
    Client::new(client.base()).get(&path(steps::PHONE)).await.expect(401);
}

fn path(phone: &str) -> String {
    format!("/v1/people/{phone}")
}

/// Every page.
async fn all_of(client: &Client, phone: &str, limit: usize) -> Vec<Value> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{}?limit={limit}{after}", path(phone))).await.expect(200);
        assert_eq!((&page["phone"], &page["damaged"]), (&json!(phone), &json!(0)));
        found.extend(page["instances"].as_array().unwrap().iter().cloned());
        match page["next_after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}
