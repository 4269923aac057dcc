//! Views can be thrown away.

use berth_journeys::{Berth, Client, Running, eventually, steps::link};
use berth_test_support::NatsServer;
use futures::StreamExt;
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

    assert_eq!(berth.remove_views(), 4, "there were views to throw away");
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

#[tokio::test]
async fn the_lag_of_a_view_grows_while_it_stands_still_and_the_log_does_not() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "first"})).await.expect(201);
    is_listed(&client, "first").await;
    // A follower that hears nothing for too long makes its consumer anew, which is not paused: what is paused is paused again
    // with every word that it will not hear.
    let (mut asked, mut names, mut last, mut grown) = (0, Vec::new(), 0.0, 0);
    eventually("it falls behind, and further", async || {
        if grown == 0 && asked % 25 == 0 {
            pause_consumers(&server, "2100-01-01T00:00:00Z").await;
            let name = format!("unheard {}", names.len());
            client.post("/v1/instances", json!({"name": name})).await.expect(201);
            names.push(name);
        }
        asked += 1;
        let now = lag(&client).await;
        grown = if now > last {
            grown + 1
        } else if now < last {
            0
        } else {
            grown
        };
        let before = std::mem::replace(&mut last, now);
        if grown == 2 { Ok(()) } else { Err(format!("{now}, and {before} before")) }
    })
    .await;
    pause_consumers(&server, "2000-01-01T00:00:00Z").await;
    is_listed(&client, names.last().unwrap()).await;
    eventually("it is up to date", async || {
        let now = lag(&client).await;
        if now == 0.0 { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
}

/// Pauses whoever follows the log until a moment.
async fn pause_consumers(server: &NatsServer, until: &str) {
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = async_nats::jetstream::new(client.clone());
    let mut paused = 0;
    for shard in 0..4 {
        let name = format!("BERTH_LOG_{shard}");
        let stream = context.get_stream(&name).await.unwrap();
        let consumers: Vec<_> = stream.consumer_names().map(Result::unwrap).collect().await;
        for consumer in consumers {
            let subject = format!("$JS.API.CONSUMER.PAUSE.{name}.{consumer}");
            let asked = json!({ "pause_until": until }).to_string();
            let answer = client.request(subject, asked.into()).await.unwrap();
            assert!(!String::from_utf8_lossy(&answer.payload).contains("error"), "{answer:?}");
            paused += 1;
        }
    }
    assert!(paused >= 4, "somebody follows each shard");
}

async fn is_listed(client: &Client, name: &str) {
    eventually("it is listed", async || {
        let page = client.get("/v1/instances").await;
        if page.text().contains(name) { Ok(()) } else { Err(page.text()) }
    })
    .await;
}

/// Seconds that the record view is behind.
async fn lag(client: &Client) -> f64 {
    let metrics = client.get("/metrics").await.text();
    let line = metrics.lines().find_map(|one| one.strip_prefix("berth_view_lag_seconds{view=\"records\"} "));
    line.unwrap().parse().unwrap()
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
