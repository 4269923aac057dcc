//! Views can be thrown away.

use berth_journeys::{Berth, Client, ConfiguredServer, Running, eventually, lacking, steps::link};
use berth_test_support::NatsServer;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

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
    let server = ConfiguredServer::start(&lacking(&["nothing"])).await;
    let mut berth = Berth::on_nats_at(&server.url("less")).start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "first"})).await.expect(201);
    is_listed(&client, "first").await;
    forbid_following(&server).await;
    delete_consumers(&server).await;
    client.post("/v1/instances", json!({"name": "second"})).await.expect(201);
    let mut last = 0.0;
    for _ in 0..2 {
        last = eventually("it falls behind", async || {
            let now = lag(&client).await;
            if now > last { Ok(now) } else { Err(format!("{now}, and {last} before")) }
        })
        .await;
    }
    server.reload(&lacking(&["nothing"]));
    is_listed(&client, "second").await;
    eventually("it is up to date", async || {
        let now = lag(&client).await;
        if now == 0.0 { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
    berth.kill9();
}

/// What whoever follows the log needs.
const CREATE_CONSUMER: &str = "$JS.API.CONSUMER.CREATE.>";

/// Has nobody make a consumer any more, from when the server has read that.
async fn forbid_following(server: &ConfiguredServer) {
    let (told, mut refused) = mpsc::unbounded_channel();
    let options = async_nats::ConnectOptions::with_user_and_password("less".into(), "less".into())
        .event_callback(move |event| {
            let told = told.clone();
            async move {
                if event.to_string().contains("CONSUMER.CREATE") {
                    told.send(()).unwrap();
                }
            }
        });
    let client = options.connect(server.plain_url()).await.unwrap();
    server.reload(&lacking(&[CREATE_CONSUMER]));
    eventually("nobody may make a consumer", async || {
        client.publish("$JS.API.CONSUMER.CREATE.anything", "".into()).await.unwrap();
        client.flush().await.unwrap();
        refused.try_recv()
    })
    .await;
}

/// Takes its consumer from whoever follows the log.
async fn delete_consumers(server: &ConfiguredServer) {
    let options = async_nats::ConnectOptions::with_user_and_password("all".into(), "all".into());
    let context = async_nats::jetstream::new(options.connect(server.plain_url()).await.unwrap());
    let mut deleted = 0;
    for shard in 0..4 {
        let stream = context.get_stream(format!("BERTH_LOG_{shard}")).await.unwrap();
        let consumers: Vec<_> = stream.consumer_names().map(Result::unwrap).collect().await;
        for consumer in consumers {
            stream.delete_consumer(&consumer).await.unwrap();
            deleted += 1;
        }
    }
    assert!(deleted >= 4, "somebody follows each shard");
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
