//! A deployment of an earlier release is replaced process by process under load: both releases run together, what the earlier one
//! cannot read is written only after the raise, and from then on the earlier one refuses to start.
//!
//! The earlier release is a binary of its own (`tests/get-previous`), which knows only the write version before the newest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use berth_journeys::{
    BINARY, Berth, Client, Load, ROLES, ROOT_KEY, Recorder, Running, eventually, previous_binary, steps,
};
use berth_proto::{CommitV2, RecordV1, codec, commit::CarriedV1};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// The pause of a client between two rounds.
const PAUSE: Duration = Duration::from_millis(500);

/// What the earlier release reads: types and versions, as `proto/schema.lock` names them.
fn readable() -> BTreeSet<String> {
    let lock = fs::read(previous_binary().with_file_name("schema.lock")).expect("what it reads");
    let lock: Value = serde_json::from_slice(&lock).expect("JSON");
    lock["types"].as_object().expect("types").keys().cloned().collect()
}

/// All types and versions in the log, with how often they are there.
async fn written(server: &NatsServer) -> BTreeMap<String, usize> {
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.expect("a connection"));
    let mut labels = BTreeMap::new();
    let mut count = |type_id: u16, version: u8| {
        *labels.entry(format!("{type_id:04} v{version}")).or_default() += 1;
    };
    for shard in 0..4 {
        let mut stream = context.get_stream(format!("BERTH_LOG_{shard}")).await.expect("a stream of the log");
        for sequence in 1..=stream.info().await.expect("what stands there").state.last_sequence {
            let payload = stream.get_raw_message(sequence).await.expect("a commit").payload;
            let (type_id, version) = codec::peek(&payload).expect("a prelude");
            count(type_id, version);
            let commit: CommitV2 = codec::decode(&payload).expect("a commit");
            let state = match &commit.state {
                CarriedV1::Full(state) => Some(state),
                CarriedV1::Since(_) => None,
            };
            commit
                .events
                .iter()
                .chain(state)
                .for_each(|RecordV1 { type_id, version, .. }| count(*type_id, *version));
        }
    }
    labels
}

/// What the earlier release could not read of the log.
async fn unreadable(server: &NatsServer) -> Vec<String> {
    let readable = readable();
    written(server).await.into_keys().filter(|label| !readable.contains(label)).collect()
}

/// The account's webhook: CodeChat's, which both releases have.
async fn has_a_webhook(client: &Client, account: &str, receiver: &Recorder) {
    let webhook = json!({"name": "all", "url": receiver.url("/all"), "enabled": true});
    client.post(&format!("/api/v2/business/{account}/webhook"), webhook).await.expect(201);
}

/// A new instance is linked, and its account's webhook hears of it once.
async fn is_heard_of(client: &Client, receiver: &Recorder, name: &str) {
    client.post("/v1/instances", json!({ "name": name })).await.expect(201);
    steps::link(client, name).await;
    let is_it = |body: &Value| {
        body["event"] == "connection.update"
            && body["data"]["state"] == "open"
            && body["instance"]["name"] == name
    };
    receiver.wait("it is told", |received| received.iter().any(|one| is_it(&one.body))).await;
}

/// Stops a process, starts it again as it is set now, and lets the load go on. The clients know the first gateway: they wait for it.
async fn replace(berth: &mut Running, at: usize, load: &Load) {
    let mut former = berth.take_at(at);
    former.signal("TERM");
    assert!(former.ended().await.success(), "{}: {}", former.name(), former.stderr());
    berth.restart().await;
    load.goes_on().await;
}

/// Starts each role as the release before: none serves, and each says why.
async fn nothing_of_before_starts(berth: &mut Running) {
    berth.set(BINARY, previous_binary().to_str().expect("a path"));
    for role in ROLES {
        let (code, said) = berth.run(&[role]).outcome().await;
        println!("$ berth {role}  # of the release before\n{}", said.lines().last().unwrap_or_default());
        assert_eq!(code, Some(64), "{role}: {said}");
        let sentence =
            "this deployment writes formats of generation 3, and this release knows 2: start a newer one";
        assert!(said.contains(sentence), "{role}: {said}");
    }
    berth.set(BINARY, "");
}

/// The operator raises what is written, by one; gives what was said, and whether it was done.
async fn raise(berth: &Running) -> (Option<i32>, String) {
    let (code, stdout, stderr) = berth.run(&["upgrade"]).whole().await;
    let said = stdout + &stderr;
    println!("$ berth upgrade\n{}", said.trim_end());
    (code, said)
}

/// What is newer is refused in words, while the deployment does not write it.
async fn newer_is_refused(client: &Client, account: &str, receiver: &Recorder) {
    let refused = client.post("/v1/webhooks", json!({"url": receiver.url("/own")})).await.expect(409);
    assert_eq!(refused["code"], "upgrade_needed");
    let chosen = client.token(ROOT_KEY).post(&choice(account), json!({"upstream": "evo1"})).await.expect(409);
    assert_eq!(chosen["code"], "upgrade_needed");
}

fn choice(account: &str) -> String {
    format!("/v1/accounts/{account}/upstream")
}

/// The generations that processes of a role say they write.
async fn written_by(client: &Client, role: &str) -> BTreeSet<u64> {
    let cluster = client.token(ROOT_KEY).get("/v1/cluster").await.expect(200);
    let members = cluster["members"].as_array().expect("members").iter().filter(|one| one["role"] == role);
    members.map(|one| one["formats"]["writes"].as_u64().expect("a number")).collect()
}

/// Waits until every process of a role says this of what it writes.
async fn says_of_formats(client: &Client, role: &str, wanted: &str) {
    eventually(&format!("every {role} {wanted}"), async || {
        let cluster = client.token(ROOT_KEY).get("/v1/cluster").await.expect(200);
        let members = cluster["members"].as_array().expect("members").iter();
        let said: Vec<_> =
            members.filter(|one| one["role"] == role).map(|one| one["says"]["formats"].clone()).collect();
        if !said.is_empty() && said.iter().all(|one| one == wanted) { Ok(()) } else { Err(said) }
    })
    .await;
}

/// No notice came twice: each process settled what it had sent before it was gone.
fn each_came_once(receiver: &Recorder) {
    let mut ids = BTreeSet::new();
    for one in receiver.received() {
        assert!(ids.insert(one.headers["webhook-id"].clone()), "twice: {:?} {}", one.headers, one.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_releases_run_together_under_load_and_newer_formats_are_written_only_after_the_raise() {
    let server = NatsServer::start().await;
    let (receiver, upstream) = (Recorder::start().await, Recorder::start().await);
    let mut berth = Berth::on_nats(&server)
        .roles_in_processes()
        .one_more("session-aggregate")
        .one_more("gateway")
        .one_more("webhooks")
        .setting(BINARY, previous_binary().to_str().expect("a path"))
        .setting("BERTH_UPSTREAM_EVO1_URL", &upstream.url(""))
        .setting("BERTH_UPSTREAM_EVO1_KEY", "key-of-the-upstream-0001")
        .setting("BERTH_UPSTREAM_EVO1_MODE", "drive")
        .setting("BERTH_RATE_ACCOUNT_COMMANDS", "0")
        .setting("BERTH_RATE_ACCOUNT_READS", "0")
        .time_scale(20)
        .start()
        .await;
    let client = berth.client();
    let shown = client.get("/v1/whoami").await.expect(200);
    let account = shown["account"]["id"].as_str().expect("an id");
    has_a_webhook(&client, account, &receiver).await;
    Load::prepare(&client).await;
    is_heard_of(&client, &receiver, "before").await;
    let load = Load::start_paced(&client, PAUSE);
    load.goes_on().await;

    // One of each role first.
    berth.set(BINARY, "");
    for at in 0..ROLES.len() {
        replace(&mut berth, at, &load).await;
    }
    is_heard_of(&berth.client_of(0), &receiver, "by-the-new-gateway").await;
    is_heard_of(&berth.client_of(1), &receiver, "by-the-old-gateway").await;
    newer_is_refused(&client, account, &receiver).await;
    let (code, said) = raise(&berth).await;
    assert!(code == Some(69) && said.contains("is of a release that does not read them"), "{said}");
    assert_eq!(unreadable(&server).await, Vec::<String>::new(), "both run");

    for at in ROLES.len()..berth.ops().len() {
        replace(&mut berth, at, &load).await;
    }
    newer_is_refused(&client, account, &receiver).await;
    is_heard_of(&client, &receiver, "before-the-raise").await;
    assert_eq!(unreadable(&server).await, Vec::<String>::new(), "the raise is the operator's");

    // Each session-aggregate, dispatcher and gateway takes it up when it is started again, and the webhook misses nothing
    // meanwhile.
    let (code, said) = raise(&berth).await;
    assert!(code == Some(0) && said.contains("formats of generation 3 instead of 2"), "{said}");
    let left = said.lines().filter(|line| line.starts_with("to be started again: ")).count();
    assert!(left == 6 && !said.contains("again: connector"), "{said}");
    says_of_formats(&client, "session-aggregate", "writes generation 2, and 3 once it is started again")
        .await;
    for at in [0, 5, 2, 7, 4, 6] {
        is_heard_of(&client, &receiver, &format!("raised-{at}")).await;
        replace(&mut berth, at, &load).await;
    }
    is_heard_of(&client, &receiver, "after").await;
    // Whoever was not started again is seen.
    for (role, writes) in [("session-aggregate", 3), ("webhooks", 3), ("gateway", 3), ("connector", 2)] {
        eventually(&format!("every {role} writes {writes}"), async || {
            let written = written_by(&client, role).await;
            if written == [writes].into() { Ok(()) } else { Err(written) }
        })
        .await;
    }
    says_of_formats(&client, "session-aggregate", "writes generation 3").await;
    client.post("/v1/webhooks", json!({"url": receiver.url("/own")})).await.expect(201);
    let root = client.token(ROOT_KEY);
    root.post(&choice(account), json!({"upstream": "evo1"})).await.expect(200);
    root.post(&choice(account), json!({"upstream": null})).await.expect(200);
    assert_eq!(unreadable(&server).await, ["0209 v1", "1002 v3"], "the choice, and the account with it");

    nothing_of_before_starts(&mut berth).await;
    load.goes_on().await;
    let done = load.end().await;
    println!("{} commands; {} asked again, answered {:?}", 2 * done.rounds, done.asked_again, done.refused);
    assert!(done.refused.keys().all(|status| [429, 503].contains(status)), "{done:?}");
    done.is_in_the_log_once(&client).await;
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained");
    each_came_once(&receiver);
}
