//! Views are built anew while they serve: lists are answered throughout, with every instance, and are the same afterwards.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use berth_journeys::{Berth, Client, Process, ROOT_KEY, Running, eventually};
use berth_proto::{InstanceId, StreamKey};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// Instances that there are from the beginning.
const INSTANCES: usize = 60;
/// Rounds of connects and logouts of each before the view is built anew: commits that it has to fold.
const ROUNDS: usize = 6;

#[tokio::test]
async fn lists_are_whole_while_their_view_is_built_anew_embedded() {
    rebuilt_under_writes(Berth::embedded().start().await).await;
}

#[tokio::test]
async fn lists_are_whole_while_their_view_is_built_anew_on_nats() {
    let server = NatsServer::start().await;
    rebuilt_under_writes(Berth::on_nats(&server).roles_in_processes().start().await).await;
}

async fn rebuilt_under_writes(berth: Running) {
    let client = berth.client();
    let names = filled(&client).await;
    let writes = async {
        let mut written = BTreeSet::new();
        let mut rebuild = command(&berth, &[]);
        let mut looks = 0;
        while rebuild.is_running() {
            let name = format!("later-{looks}");
            client.post("/v1/instances", json!({ "name": name })).await.expect(201);
            written.insert(name);
            let listed = listed(&client).await;
            let missing: Vec<_> = names.difference(&listed).collect();
            assert!(missing.is_empty(), "nobody is left out: {missing:?}");
            looks += 1;
        }
        (rebuild, written)
    };
    let (mut rebuild, written) = writes.await;
    let said = rebuild.stdout();
    assert!(rebuild.ended().await.success(), "{said}{}", rebuild.stderr());
    for view in ["records", "agenda", "outbox", "wanted-links"] {
        assert!(
            said.lines().any(|line| line.starts_with(&format!("{view} ("))
                && line.contains("done: ")
                && line.ends_with("its new rows are read")),
            "{view}: {said}"
        );
    }
    let all: BTreeSet<_> = names.union(&written).cloned().collect();
    eventually("the list has followed", async || {
        let listed = listed(&client).await;
        if listed == all { Ok(()) } else { Err(all.difference(&listed).cloned().collect::<Vec<_>>()) }
    })
    .await;

    let before = rows(&client).await;
    let mut again = command(&berth, &["--view", "records"]);
    assert!(again.ended().await.success(), "{}{}", again.stdout(), again.stderr());
    assert_eq!(rows(&client).await, before, "the new rows are the former ones");
    let root = client.token(ROOT_KEY);
    let told = root.get("/v1/cluster/views").await.expect(200);
    let records = told["views"].as_array().unwrap().iter().find(|view| view["view"] == "records").unwrap();
    let rebuild = &records["rebuild"];
    assert!(rebuild["ended_at"].is_string() && rebuild["failure"].is_null(), "{told}");
    assert_eq!((rebuild["folded"].as_u64() > Some(0), &rebuild["seconds_left"]), (true, &json!(0)), "{told}");
    refusals(&berth, &client).await;
}

/// What is refused, and with which words and codes.
async fn refusals(berth: &Running, client: &Client) {
    let (code, said) = command(berth, &["--view", "recrods"]).outcome().await;
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("there is no view `recrods`") && said.contains("`wanted-links`"), "{said}");
    let root = client.token(ROOT_KEY);
    let unknown = root.post("/v1/cluster/views/recrods/rebuild", json!({})).await.expect(404);
    assert!(unknown["detail"].as_str().unwrap().contains("`records`"), "{unknown}");
    client.post("/v1/cluster/views/records/rebuild", json!({})).await.expect(403);
    client.get("/v1/cluster/views").await.expect(403);
    let (code, said) = berth.run(&["views", "rebuild", "--gateway", "http://127.0.0.1:9"]).outcome().await;
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("no gateway answers at http://127.0.0.1:9"), "{said}");
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_builds_serves_at_once_and_goes_on_embedded() {
    killed(Berth::embedded().start().await).await;
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_builds_serves_at_once_and_goes_on_on_nats() {
    let server = NatsServer::start().await;
    killed(Berth::on_nats(&server).start().await).await;
}

async fn killed(mut berth: Running) {
    let client = berth.client();
    let names = filled(&client).await;
    let root = client.token(ROOT_KEY);
    root.post("/v1/cluster/views/records/rebuild", json!({})).await.expect(202);
    berth.kill9();
    berth.restart().await;
    assert_eq!(listed(&client).await, names, "the former rows or the new ones, and all of them");
    eventually("it is built, or was", async || {
        let told = root.get("/v1/cluster/views").await.expect(200);
        let records =
            told["views"].as_array().unwrap().iter().find(|view| view["view"] == "records").cloned();
        let records = records.unwrap_or_default();
        let rests = records["rebuild"].is_null() || records["rebuild"]["ended_at"].is_string();
        if records["state"] == "live" && rests { Ok(()) } else { Err(told) }
    })
    .await;
    let before = rows(&client).await;
    let mut again = command(&berth, &["--view", "records"]);
    assert!(again.ended().await.success(), "{}{}", again.stdout(), again.stderr());
    assert_eq!(rows(&client).await, before);
}

#[tokio::test]
async fn a_role_that_nobody_runs_is_named() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    berth.kill9_role("projections");
    let (code, said) = command(&berth, &["--view", "records"]).outcome().await;
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("Nobody who has the view `records` answers"), "{said}");
    assert!(said.contains("processes of the role projections have it"), "{said}");
}

#[tokio::test]
async fn a_view_that_cannot_be_built_ends_with_69_and_is_read_as_before() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    let names = filled(&client).await;
    // Where the folder of the new rows is to be named stands something else.
    let in_the_way = folder_named(berth.data(), "records").expect("a view").join("next-new");
    std::fs::create_dir(&in_the_way).unwrap();
    let mut rebuild = command(&berth, &["--view", "records"]);
    let code = rebuild.ended().await.code();
    let said = rebuild.stdout();
    assert_eq!(code, Some(69), "{said}{}", rebuild.stderr());
    assert!(said.lines().any(|line| line.starts_with("records (") && line.contains("failed: ")), "{said}");
    assert_eq!(listed(&client).await, names, "the former rows are read");

    std::fs::remove_dir(&in_the_way).unwrap();
    let mut again = command(&berth, &["--view", "records"]);
    assert!(again.ended().await.success(), "{}{}", again.stdout(), again.stderr());
    assert_eq!(listed(&client).await, names);
    let root = client.token(ROOT_KEY);
    let odd = root.post("/v1/cluster/views/records/rebuild", json!({ "accept": true })).await.expect(400);
    assert!(odd["detail"].as_str().unwrap().contains("unknown field"), "{odd}");
    for number in [json!("yes"), json!("3-9C1F6A0B22D4E871")] {
        let odd = json!({ "accept_damage": number });
        let odd = root.post("/v1/cluster/views/records/rebuild", odd).await.expect(400);
        assert!(odd["detail"].as_str().unwrap().contains("such as 3-9c1f6a0b22d4e871"), "{odd}");
    }
    for arguments in [
        &["--accept-damage", "3-9c1f6a0b22d4e871"][..],
        &["--view", "records", "--accept-damage", "yes"],
        &["--view", "records", "--view", "agenda", "--accept-damage", "3-9c1f6a0b22d4e871"],
    ] {
        let (code, said) = command(&berth, arguments).outcome().await;
        assert_eq!(code, Some(64), "{said}");
    }
}

#[tokio::test]
async fn damage_is_accepted_by_its_number_and_what_is_damaged_later_has_another() {
    let mut server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).setting("BERTH_LOG_SHARDS", "1").start().await;
    let client = berth.client();
    let mut made = Vec::new();
    for name in ["first", "second", "third"] {
        made.push(client.post("/v1/instances", json!({ "name": name })).await.expect(201));
    }
    let all: BTreeSet<_> = ["first", "second", "third"].map(str::to_owned).into();
    eventually("the list has followed", async || {
        let listed = listed(&client).await;
        if listed == all { Ok(()) } else { Err(listed) }
    })
    .await;

    damage(&mut server, &made[0]).await;
    berth.ready().await;
    let (before, said) = refused(&berth, &["--view", "records"]).await;
    assert!(said.contains(" of shard 0), and 0 of those that the former rows are made of"), "{said}");
    assert_eq!(listed(&client).await, all, "the former rows are read");

    // What an operator looked at and accepted is not what is damaged by now.
    damage(&mut server, &made[1]).await;
    berth.ready().await;
    let (now, said) = refused(&berth, &["--view", "records", "--accept-damage", &before]).await;
    assert!(said.contains(&format!("{before} was accepted, which is another damage")), "{said}");
    assert_eq!(listed(&client).await, all);
    let told = client.token(ROOT_KEY).get("/v1/cluster/views").await.expect(200);
    let records = told["views"].as_array().unwrap().iter().find(|view| view["view"] == "records").unwrap();
    assert_eq!(records["rebuild"]["damage"], now.as_str(), "{told}");
    // It is said of one view, and is the number of no other.
    refused(&berth, &["--view", "wanted-links", "--accept-damage", &now]).await;

    let mut accepted = command(&berth, &["--view", "records", "--accept-damage", &now]);
    assert!(accepted.ended().await.success(), "{}{}", accepted.stdout(), accepted.stderr());
    assert_eq!(listed(&client).await, ["third".to_owned()].into(), "what only those commits said is gone");
    let mut again = command(&berth, &["--view", "records"]);
    assert!(again.ended().await.success(), "the rows lack no more than the former ones: {}", again.stdout());
}

/// Changes the last byte of each commit of an instance in the files of a server that was stopped in order, so that it trusts the end
/// that it wrote down.
async fn damage(server: &mut NatsServer, instance: &Value) {
    let id: InstanceId = instance["id"].as_str().unwrap().parse().unwrap();
    let subject = StreamKey::instance(id).subject();
    server.stop();
    let block = server.store().join("jetstream/jetstream/$G/streams/BERTH_LOG_0/msgs/1.blk");
    let mut bytes = std::fs::read(&block).unwrap();
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(subject.as_bytes())).collect();
    assert!(!places.is_empty(), "{subject} is in the file");
    for at in places {
        // Before the subject stand a length, a sequence, a moment and a length; a checksum ends the record.
        let record = at - 22;
        let length = u32::from_le_bytes(bytes[record..record + 4].try_into().unwrap()) & 0x7fff_ffff;
        bytes[record + length as usize - 9] ^= 1;
    }
    std::fs::write(&block, bytes).unwrap();
    server.restart().await;
}

/// Runs a rebuild that is refused for damage; gives the number of that, and what was said.
async fn refused(berth: &Running, arguments: &[&str]) -> (String, String) {
    let (code, said, stderr) = command(berth, arguments).whole().await;
    assert_eq!(code, Some(69), "{said}{stderr}");
    let number = said.split("--accept-damage ").nth(1).expect("a number").split('`').next().unwrap();
    (number.to_owned(), said)
}

/// A folder of this name somewhere below.
fn folder_named(below: &Path, name: &str) -> Option<PathBuf> {
    let folders = std::fs::read_dir(below).ok()?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    folders
        .filter(|path| path.is_dir())
        .find_map(|path| if path.ends_with(name) { Some(path) } else { folder_named(&path, name) })
}

/// Makes instances with some history; gives their names.
async fn filled(client: &Client) -> BTreeSet<String> {
    let names: BTreeSet<_> = (0..INSTANCES).map(|number| format!("first-{number}")).collect();
    for name in &names {
        client.post("/v1/instances", json!({ "name": name })).await.expect(201);
    }
    for _ in 0..ROUNDS {
        for name in names.iter().take(INSTANCES / 4) {
            client.post(&format!("/v1/instances/{name}/connect"), json!({})).await.expect(200);
            client.post(&format!("/v1/instances/{name}/logout"), json!({})).await.expect(200);
        }
    }
    eventually("the list has followed", async || {
        let listed = listed(client).await;
        if listed == names { Ok(()) } else { Err(listed) }
    })
    .await;
    names
}

/// The names of all instances, as they are listed. An answer that is no list fails the story.
async fn listed(client: &Client) -> BTreeSet<String> {
    rows(client).await.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

async fn rows(client: &Client) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/instances?limit=40{cursor}")).await.expect(200);
        rows.extend(page["instances"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// Runs `berth views rebuild` against the gateway of the deployment.
fn command(berth: &Running, more: &[&str]) -> Process {
    let client = berth.client();
    let arguments: Vec<&str> =
        ["views", "rebuild", "--gateway", client.base()].into_iter().chain(more.iter().copied()).collect();
    berth.run(&arguments)
}
