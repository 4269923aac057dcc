//! Streams that are made before anything runs, and what is said of those that are there.

use std::collections::BTreeMap;

use async_nats::jetstream::{self, stream::DiscardPolicy};
use berth_journeys::{Berth, Process, ROOT_KEY, eventually};
use berth_test_support::NatsServer;
use serde_json::json;

/// Runs `berth provision` and gives its exit code and what it said.
async fn provision(server: &NatsServer) -> (Option<i32>, String) {
    let variables = BTreeMap::from([("BERTH_NATS_URL".to_owned(), server.url())]);
    let mut process = Process::start("provision", &["provision"], &variables);
    let code = process.ended().await.code();
    let said = eventually("it says something", async || {
        let said = process.stdout() + &process.stderr();
        if said.contains("NATS") || said.contains("berth: ") { Ok(said) } else { Err(said) }
    });
    (code, said.await)
}

#[tokio::test]
async fn streams_are_made_once_and_checked_ever_after_and_what_can_be_lost_is_said() {
    let server = NatsServer::start().await;
    let (code, said) = provision(&server).await;
    assert_eq!(code, Some(0), "{said}");
    for stream in [
        "BERTH_LOG_0 ",
        "BERTH_LOG_3 ",
        "BERTH_KEYS ",
        "BERTH_ATTEMPTS ",
        "BERTH_EVENTS ",
        "KV_berth_leases ",
    ] {
        let line = said.lines().find(|line| line.starts_with(stream)).expect("each stream");
        assert!(line.contains("was made, on 1 server(s), in files"), "{line}");
    }
    assert!(said.contains("warning: one server keeps BERTH_LOG_0, BERTH_LOG_1"), "{said}");
    let (code, said) = provision(&server).await;
    assert_eq!((code, said.contains("was made")), (Some(0), false), "{said}");

    let mut berth = Berth::on_nats(&server).start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    let cluster = berth.client().token(ROOT_KEY).get("/v1/cluster").await.expect(200);
    let risks = cluster["engine"]["risks"].as_array().expect("risks");
    assert!(risks.len() == 1 && risks[0].as_str().unwrap().contains("BERTH_NATS_REPLICAS=3"), "{cluster}");
    assert!(berth.logs().contains("one server keeps BERTH_LOG_0"), "each process says so when it starts");
    assert_eq!(berth.stop().await, [Some(0)]);

    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut config = context.get_stream("BERTH_LOG_1").await.unwrap().cached_info().config.clone();
    config.discard = DiscardPolicy::Old;
    context.update_stream(config).await.unwrap();
    let (code, said) = provision(&server).await;
    assert_eq!(code, Some(64), "{said}");
    assert!(
        said.contains("stream BERTH_LOG_1 has discard = Old, which could lose commits; new is needed"),
        "{said}"
    );
}
