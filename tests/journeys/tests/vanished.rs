//! A log that vanished, or is another one or an older one, is noticed before anything is served.

use std::{fs, path::Path};

use async_nats::jetstream::stream::Config;
use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, ROLES, Running, eventually};
use berth_test_support::NatsServer;
use serde_json::json;

/// The streams of the log.
const STREAMS: [&str; 4] = ["BERTH_LOG_0", "BERTH_LOG_1", "BERTH_LOG_2", "BERTH_LOG_3"];
/// The name of an account that is there only to see whether one can be made.
const LATER: &str = "later";

#[tokio::test]
async fn a_log_that_is_gone_is_not_begun_anew_embedded() {
    let mut berth = embedded_with_one_instance().await;
    change_log(&berth, |path| fs::remove_dir_all(path).unwrap());
    refused(&berth, "serve", "there is no log in").await;
    refused(&berth, "serve", "recover --accept-rollback").await;
    accept(&mut berth).await;
}

#[tokio::test]
async fn an_empty_log_is_not_begun_anew_embedded() {
    let mut berth = embedded_with_one_instance().await;
    change_log(&berth, |path| {
        fs::remove_dir_all(path).unwrap();
        fs::create_dir(path).unwrap();
    });
    refused(&berth, "serve", "there is no log in").await;
    accept(&mut berth).await;
}

#[tokio::test]
async fn the_log_of_another_deployment_is_not_taken_for_ones_own() {
    let mut berth = embedded_with_one_instance().await;
    let other = embedded_with_one_instance().await;
    change_log(&berth, |path| {
        let theirs = other.data().join("data").join(path.file_name().unwrap());
        fs::remove_dir_all(path).unwrap();
        copy(&theirs, path);
    });
    refused(&berth, "serve", "another deployment").await;
    accept(&mut berth).await;
}

#[tokio::test]
async fn a_log_from_an_old_backup_is_noticed_without_any_view() {
    let mut berth = embedded_with_one_instance().await;
    let backup = tempfile::tempdir().unwrap();
    change_log(&berth, |path| copy(path, &backup.path().join(path.file_name().unwrap())));
    berth.restart().await;
    berth.client().post("/v1/instances", json!({ "name": "lost" })).await.expect(201);
    berth.stop().await;
    change_log(&berth, |path| {
        fs::remove_dir_all(path).unwrap();
        copy(&backup.path().join(path.file_name().unwrap()), path);
    });
    for view in ["session-aggregate", "projections", "connector", "webhooks"] {
        let folder = berth.data().join("data").join(view);
        if folder.is_dir() {
            fs::remove_dir_all(folder).unwrap();
        }
    }
    refused(&berth, "serve", "acknowledged commits are lost").await;
    accept(&mut berth).await;
    berth.client().get("/v1/instances/first").await.expect(200);
    berth.client().get("/v1/instances/lost").await.expect(404);
}

#[tokio::test]
async fn a_file_of_the_log_that_is_unlinked_is_noticed_while_the_process_runs() {
    let mut berth = embedded_with_one_instance().await;
    berth.restart().await;
    change_log(&berth, |path| fs::rename(path, berth.data().join("elsewhere")).unwrap());
    not_ready(&berth.ops()[0], "the folder of the log is gone").await;
    cannot_create(&berth).await;
    change_log_to(&berth, "elsewhere");
    berth.ready().await;
    berth.client().post("/v1/instances", json!({ "name": LATER })).await.expect(201);
    assert_eq!(berth.stop().await, [Some(0)]);
}

#[tokio::test]
async fn streams_that_are_deleted_are_noticed_and_not_made_anew() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    let jetstream = jetstream(&server).await;
    for stream in STREAMS {
        jetstream.delete_stream(stream).await.unwrap();
    }
    for client in berth.ops() {
        not_ready(&client, "of the log was seen and is not there").await;
    }
    cannot_create(&berth).await;
    berth.client().get("/v1/instances/first").await.expect(503);
    for stream in STREAMS {
        assert!(jetstream.get_stream(stream).await.is_err(), "{stream} was made anew");
    }
    berth.stop().await;
    for role in ROLES {
        refused(&berth, role, "streams of the log are not there any more").await;
    }
    accept(&mut berth).await;
}

#[tokio::test]
async fn streams_that_were_made_anew_are_not_the_log() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    let jetstream = jetstream(&server).await;
    for stream in STREAMS {
        let config = jetstream.get_stream(stream).await.unwrap().cached_info().config.clone();
        jetstream.delete_stream(stream).await.unwrap();
        jetstream.create_stream(config).await.unwrap();
    }
    not_ready(&berth.ops()[0], "is another one than was seen").await;
    cannot_create(&berth).await;
    berth.client().get("/v1/instances/first").await.expect(503);
    berth.stop().await;
    refused(&berth, "serve", "is another one than was seen").await;
    accept(&mut berth).await;
}

#[tokio::test]
async fn commits_that_are_gone_from_within_the_log_on_nats_are_noticed() {
    let mut server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).setting("BERTH_LOG_SHARDS", "1").start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    // Asked to stop, the server notes how far its streams are; without their messages it still knows that.
    server.stop();
    fs::remove_file(server.store().join("jetstream/jetstream/$G/streams/BERTH_LOG_0/msgs/1.blk")).unwrap();
    server.restart().await;
    not_ready(&berth.client(), "are gone from within shard 0 of the log").await;
    berth.client().get("/v1/instances/first").await.expect(503);
    berth.stop().await;
    refused(&berth, "serve", "are gone from within shard 0 of the log").await;
    accept(&mut berth).await;
    berth.client().post("/v1/instances", json!({ "name": "second" })).await.expect(201);
    berth.stop().await;
    berth.restart().await;
    berth.client().get("/v1/instances/second").await.expect(200);
}

#[tokio::test]
async fn a_last_commit_that_a_server_cannot_read_is_not_an_absent_one() {
    let mut server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).setting("BERTH_LOG_SHARDS", "1").start().await;
    let made = berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    let path = format!("/v1/instances/{}", made["id"].as_str().unwrap());
    berth.stop().await;
    server.stop();
    let block = server.store().join("jetstream/jetstream/$G/streams/BERTH_LOG_0/msgs/1.blk");
    let mut bytes = fs::read(&block).unwrap();
    let subject = b"berth.v1.log.instance.";
    let at = bytes.windows(subject.len()).rposition(|window| window == subject).unwrap();
    bytes[at + 300] ^= 1;
    fs::write(&block, bytes).unwrap();
    server.restart().await;
    // Views that had read it lack nothing: those that are built anew meet it.
    assert_eq!(berth.remove_views(), 4);
    let mut process = berth.run(&["serve"]);
    let client = Client::new(format!("http://{}", process.listens().await)).token(ACCOUNT_TOKEN);
    let answer = client.get(&path).await.expect(500);
    assert_eq!(answer["code"], "history_damaged", "{answer}");
    client.get("/v1/instances/none").await.expect(404);
    // Followers pass over it and say so; everybody else is served.
    let said = eventually("the place is named", async || {
        let said = client.get("/readyz").await;
        if said.status == 200 && said.text().contains("cannot be read at") {
            Ok(said)
        } else {
            Err(said.text())
        }
    })
    .await;
    let log = said.body["checks"]["log"]["detail"].as_str().unwrap();
    assert!(log.contains("of shard 0: followers passed over that"), "{log}");
    let metrics = client.get("/metrics").await.text();
    assert!(metrics.lines().any(|line| line == "berth_log_unreadable 1"), "{metrics}");
    client.post("/v1/instances", json!({ "name": "second" })).await.expect(201);
    eventually("the other one is listed", async || {
        let page = client.get("/v1/instances").await;
        if page.text().contains("second") { Ok(()) } else { Err(page.text()) }
    })
    .await;
}

#[tokio::test]
async fn keys_that_are_gone_are_not_taken_for_an_erasure_embedded() {
    for file in ["keys", "keys/keys.slots"] {
        let berth = embedded_with_one_instance().await;
        let path = berth.data().join("data").join(file);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
        refused(&berth, "serve", "restore the key store").await;
    }
}

#[tokio::test]
async fn keys_that_are_gone_are_not_taken_for_an_erasure_on_nats() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    jetstream(&server).await.delete_stream("BERTH_KEYS").await.unwrap();
    for client in berth.ops() {
        not_ready(&client, "keys unreachable").await;
    }
    berth.stop().await;
    for role in ROLES {
        refused(&berth, role, "restore the key store").await;
    }
    assert!(jetstream(&server).await.get_stream("BERTH_KEYS").await.is_err(), "nobody makes them anew");
}

#[tokio::test]
async fn keys_that_could_be_written_over_are_noticed_and_refused_on_nats() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    let jetstream = jetstream(&server).await;
    let safe = jetstream.get_stream("BERTH_KEYS").await.unwrap().cached_info().config.clone();
    let changed = Config { discard_new_per_subject: false, ..safe.clone() };
    jetstream.update_stream(changed).await.unwrap();
    for client in berth.ops() {
        not_ready(&client, "the stream BERTH_KEYS has another `discard_new_per_subject`").await;
    }
    berth.stop().await;
    for role in ROLES {
        refused(&berth, role, "the stream BERTH_KEYS has another `discard_new_per_subject`").await;
    }
    jetstream.update_stream(safe.clone()).await.unwrap();
    berth.restart().await;
    berth.client().get("/v1/instances/first").await.expect(200);
    berth.stop().await;
    // As a development version before the first release made it.
    jetstream.delete_stream("BERTH_KEYS").await.unwrap();
    let former = Config {
        subjects: vec!["berth.v1.keys.*".to_owned()],
        max_messages_per_subject: -1,
        discard_new_per_subject: false,
        ..safe
    };
    jetstream.create_stream(former).await.unwrap();
    for command in ROLES.into_iter().chain(["upgrade"]) {
        refused(&berth, command, "a development version before the first release").await;
    }
}

#[tokio::test]
async fn an_operator_raises_what_may_be_written_once() {
    let berth = embedded_with_one_instance().await;
    let (code, said) = outcome(&berth, &["upgrade"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("already"), "a new deployment writes the newest formats: {said}");
}

// === steps ===

async fn embedded_with_one_instance() -> Running {
    let mut berth = Berth::embedded().start().await;
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    assert_eq!(berth.stop().await, [Some(0)]);
    berth
}

/// Does something to the file or folder of the embedded log.
fn change_log(berth: &Running, mut change: impl FnMut(&Path)) {
    let mut changed = 0;
    for entry in fs::read_dir(berth.data().join("data")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("log") && name != "log.lock" {
            change(&path);
            changed += 1;
        }
    }
    assert_eq!(changed, 1, "there is one log");
}

/// Moves the log back to its place.
fn change_log_to(berth: &Running, from: &str) {
    fs::rename(berth.data().join(from), berth.data().join("data/log")).unwrap();
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        copy(&path, &to.join(path.file_name().unwrap()));
    }
}

/// A start that is refused, with these words.
async fn refused(berth: &Running, role: &str, words: &str) {
    let (code, said) = berth.run(&[role]).outcome().await;
    assert_eq!(code, Some(64), "{role}: {said}");
    assert!(said.contains(words), "{role}: {said}");
}

async fn outcome(berth: &Running, arguments: &[&str]) -> (Option<i32>, String) {
    let mut process = berth.run(arguments);
    let code = process.ended().await.code();
    let said = eventually("it says what it did", async || {
        let said = process.stdout();
        if said.is_empty() { Err(process.stderr()) } else { Ok(said) }
    })
    .await;
    (code, said)
}

/// The operator accepts the loss, and the deployment works again.
async fn accept(berth: &mut Running) {
    let (code, said) = outcome(berth, &["recover", "--accept-rollback"]).await;
    assert_eq!(code, Some(0), "{said}");
    berth.restart().await;
    berth.client().post("/v1/instances", json!({ "name": LATER })).await.expect(201);
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)));
    berth.restart().await;
    berth.client().get(&format!("/v1/instances/{LATER}")).await.expect(200);
}

async fn not_ready(client: &Client, words: &str) {
    eventually("it is not ready, in words", async || {
        let answer = client.get("/readyz").await;
        let text = answer.text();
        if answer.status == 503 && text.contains(words) { Ok(()) } else { Err(text) }
    })
    .await;
}

async fn cannot_create(berth: &Running) {
    let answer = berth.client().post("/v1/instances", json!({ "name": "on nothing" })).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
}

async fn jetstream(server: &NatsServer) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap())
}
