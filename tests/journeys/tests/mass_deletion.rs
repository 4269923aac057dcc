//! An account that is closed takes its instances with it, and each of them still says its last word.

use std::{collections::BTreeMap, env};

use berth_journeys::{Berth, ROOT_KEY, Recorder, Running, eventually};
use berth_test_support::NatsServer;
use futures::{StreamExt, stream};
use serde_json::json;

/// Instances that are deleted together, unless `BERTH_TEST_DELETIONS` says how many.
const DELETED: usize = 500;
/// Instances that are made at the same time.
const MADE_AT_ONCE: usize = 32;

fn how_many() -> usize {
    env::var("BERTH_TEST_DELETIONS").map_or(DELETED, |number| number.parse().expect("a number"))
}

/// Waits for the last word of each, for as long as there are more and more of them.
async fn all_are_told(berth: &Running) {
    let (receiver, instances) = (Recorder::start().await, how_many());
    let root = berth.client().token(ROOT_KEY);
    let made = root.post("/v1/accounts", json!({ "name": "acme" })).await.expect(201);
    let acme = root.token(made["token"].as_str().expect("a token"));
    let hook = json!({ "url": receiver.url("/hook"), "events": ["instance.deleted"] });
    let made_all = stream::iter(0..instances).for_each_concurrent(MADE_AT_ONCE, |number| {
        let (acme, hook) = (&acme, &hook);
        async move {
            let wanted = json!({ "name": format!("shop-{number}"), "webhooks": [hook] });
            acme.post("/v1/instances", wanted).await.expect(201);
        }
    });
    made_all.await;
    let path = format!("/v1/accounts/{}?force=true", made["id"].as_str().expect("an id"));
    root.delete(&path).await;
    let (mut came, mut words) = (0, BTreeMap::new());
    while words.len() < instances {
        let more = eventually("more of them are told", async || {
            let more = receiver.received_after(came);
            if more.is_empty() { Err((came, words.len())) } else { Ok(more) }
        })
        .await;
        came += more.len();
        for one in more {
            assert_eq!(one.body["type"], "instance.deleted");
            let id = one.headers["webhook-id"].to_str().expect("an id").to_owned();
            let name = one.body["data"]["name"].as_str().expect("a name").to_owned();
            let before = words.insert(name, id.clone());
            assert!(before.is_none_or(|before| before == id), "a last word has one id");
        }
    }
    let ids = words.values().collect::<std::collections::BTreeSet<_>>();
    assert_eq!((words.len(), ids.len()), (instances, instances));
}

#[tokio::test]
async fn instances_that_are_deleted_together_say_their_last_word() {
    all_are_told(&Berth::embedded().start().await).await;
}

#[tokio::test]
async fn on_nats_instances_that_are_deleted_together_say_their_last_word_through_two_dispatchers() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().one_more("webhooks").start().await;
    all_are_told(&berth).await;
}
