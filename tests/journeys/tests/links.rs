//! Many device links over two connectors: each runs about half of them, none is at both, and the other one resumes those of one
//! that is killed.

use std::collections::{BTreeMap, BTreeSet};

use berth_journeys::{Berth, Client, ROOT_KEY, Running, eventually, steps};
use berth_proto::Partition;
use berth_test_support::NatsServer;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// Linked devices.
const LINKS: usize = 500;
/// How many are linked at once.
const AT_ONCE: usize = 16;
/// Partitions that each connector owns at least: 64 are spread over both by hashes of two names.
const PARTITIONS_MIN: usize = 16;

/// Which connector owns each partition, with its epoch, once every one has a living owner of so many.
async fn owners(client: &Client, members: usize) -> BTreeMap<u64, (String, u64)> {
    let operator = client.token(ROOT_KEY);
    eventually(&format!("{members} connectors own all"), async || {
        let shown = operator.get("/v1/cluster").await.expect(200);
        let partitions = shown["partitions"].as_array().expect("partitions").iter();
        let owned: BTreeMap<_, _> = partitions
            .filter(|one| one["role"] == "connector" && one["is_alive"] == true)
            .map(|one| {
                let owner = one["owner"].as_str().expect("an owner").to_owned();
                (one["partition"].as_u64().expect("a number"), (owner, one["epoch"].as_u64().expect("one")))
            })
            .collect();
        let those: BTreeSet<_> = owned.values().map(|(owner, _)| owner).collect();
        if owned.len() == 64 && those.len() == members { Ok(owned) } else { Err(shown) }
    })
    .await
}

/// How many links each connector that answers says it runs, once they are all links and no more: none is at two.
async fn links(berth: &Running, connectors: usize) -> Vec<usize> {
    eventually("the connectors run each link once", async || {
        let mut each = Vec::new();
        for client in berth.ops() {
            let Ok(answer) = client.try_send(reqwest::Method::GET, "/metrics", None).await else { continue };
            let text = answer.text();
            let values = text.lines().filter_map(|line| line.strip_prefix("berth_connector_links "));
            each.extend(values.filter_map(|value| value.trim().parse::<usize>().ok()));
        }
        if each.len() == connectors && each.iter().sum::<usize>() == LINKS { Ok(each) } else { Err(each) }
    })
    .await
}

/// Does something with every instance, some at once.
async fn with_each<T>(client: &Client, of: impl AsyncFn(&Client, &str) -> T) -> Vec<T> {
    let of = &of;
    let names = (0..LINKS).map(|number| format!("linked{number}"));
    stream::iter(names).map(|name| async move { of(client, &name).await }).buffered(AT_ONCE).collect().await
}

/// An instance whose connection is open, and its id.
async fn is_open(client: &Client, name: &str) -> String {
    let now = steps::until(client, name, "it is open", |now| now["connection"] == "open").await;
    now["id"].as_str().expect("an id").to_owned()
}

fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["type"] == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connectors_share_many_links_and_one_that_is_killed_leaves_all_of_its_own_to_the_other() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().one_more("connector");
    let off = ["BERTH_RATE_ACCOUNT_COMMANDS", "BERTH_RATE_ACCOUNT_READS"];
    let mut berth = off.into_iter().fold(berth, |berth, rate| berth.setting(rate, "0")).start().await;
    let client = berth.client();
    let before = owners(&client, 2).await;
    with_each(&client, async |client, name| {
        client.post("/v1/instances", json!({ "name": name })).await.expect(201);
        steps::link(client, name).await;
    })
    .await;

    // Each has the links of its partitions, and that is about half.
    let each = links(&berth, 2).await;
    let ids = with_each(&client, is_open).await;
    let mut expected = BTreeMap::<_, usize>::new();
    for id in &ids {
        let instance: berth_proto::InstanceId = id.parse().expect("an id");
        let partition = u64::from(Partition::of(instance.as_bytes()).number());
        *expected.entry(before[&partition].0.clone()).or_default() += 1;
    }
    let mut expected: Vec<_> = expected.into_values().collect();
    let mut found = each.clone();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "{before:?}");
    let of_first = before.values().filter(|(owner, _)| *owner == before[&0].0).count();
    assert!((PARTITIONS_MIN..=64 - PARTITIONS_MIN).contains(&of_first), "{before:?}");

    berth.take_one("connector").kill9();
    assert_eq!(links(&berth, 1).await, [LINKS]);
    let after = owners(&client, 1).await;
    let left = &after[&0].0;
    for (partition, (owner, epoch)) in &before {
        let is_moved = owner != left;
        assert_eq!(after[partition].1 > *epoch, is_moved, "only what must move moves: {partition}");
    }
    assert_eq!(with_each(&client, is_open).await, ids);
    // Nobody was told of a loss, and nothing happened to any of them twice.
    let stories = with_each(&client, async |client, name| steps::events(client, name).await).await;
    for events in &stories {
        assert_eq!(count(events, "ConnectionLost"), 0, "{events:?}");
        assert_eq!((count(events, "DeviceLinked"), count(events, "LoggedOut")), (1, 0), "{events:?}");
    }
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)));
}
