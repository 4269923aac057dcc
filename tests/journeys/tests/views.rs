//! Views can be thrown away.

use berth_journeys::{Berth, Client, Running, eventually, steps::link};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

#[tokio::test]
async fn a_deleted_view_is_built_to_the_same_rows_embedded() {
    rebuilt(Berth::embedded().start().await).await;
}

#[tokio::test]
async fn a_deleted_view_is_built_to_the_same_rows_on_nats() {
    let server = NatsServer::start().await;
    rebuilt(Berth::on_nats(&server).roles_in_processes().start().await).await;
}

async fn rebuilt(mut berth: Running) {
    let client = berth.client();
    for name in ["created", "tried", "out", "gone"] {
        client.post("/v1/instances", json!({"name": name})).await.expect(201);
    }
    client.post("/v1/instances/tried/connect", json!({})).await.expect(200);
    client.post("/v1/instances/tried/logout", json!({})).await.expect(200);
    link(&client, "out").await;
    client.post("/v1/instances/out/logout", json!({"wait": "unlinked"})).await.expect(200);
    client.delete("/v1/instances/gone").await.expect(200);
    let before = rows(&client, 3).await;
    berth.stop().await;

    let mut removed = 0;
    remove_views(berth.data(), &mut removed);
    assert!(removed > 0, "there were views to throw away");
    berth.restart().await;
    assert_eq!(rows(&client, 3).await, before);
}

/// All rows of the list, once there are so many.
async fn rows(client: &Client, count: usize) -> Vec<Value> {
    eventually("the list has followed", async || {
        let answer = client.get("/v1/instances?limit=500").await;
        let rows = answer.body["instances"].as_array().cloned().unwrap_or_default();
        let of = |name: &str| rows.iter().find(|row| row["name"] == name).cloned().unwrap_or_default();
        let settled = of("tried")["last_end"].is_object() && of("out")["unlinks"][0]["status"] == "confirmed";
        if rows.len() == count && settled { Ok(rows) } else { Err(answer.text()) }
    })
    .await
}

/// Removes every folder of a view below a folder.
fn remove_views(folder: &std::path::Path, removed: &mut usize) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_view =
            path.is_dir() && (path.join("rows").is_dir() || path.file_name().is_some_and(|it| it == "v1"));
        if is_view {
            std::fs::remove_dir_all(&path).unwrap();
            *removed += 1;
        } else if path.is_dir() {
            remove_views(&path, removed);
        }
    }
}

#[tokio::test]
async fn lists_are_found_by_state_text_and_phone_and_have_pages() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    for index in 0..7 {
        client.post("/v1/instances", json!({"name": format!("row {index}")})).await.expect(201);
    }
    link(&client, "row%203").await;
    let names = async |query: &str| -> Vec<String> {
        let page = client.get(&format!("/v1/instances?{query}")).await.expect(200);
        page["instances"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    eventually("the list has followed", async || {
        let found = names("state=linked").await;
        if found == ["row 3"] { Ok(()) } else { Err(found) }
    })
    .await;
    assert_eq!(names("q=ROW+5").await, ["row 5"]);
    assert_eq!(names("q=98765").await, ["row 3"], "the phone of the linked one");
    assert_eq!(names("q=quiterio").await, ["row 3"], "the name of its person");

    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/v1/instances?limit=3{cursor}")).await.expect(200);
        found.extend(page["instances"].as_array().unwrap().iter().map(|row| row["name"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 7);
    assert_eq!(client.get("/v1/instances?cursor=AAAA").await.expect(400)["code"], "invalid_cursor");
}
