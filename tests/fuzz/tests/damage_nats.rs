//! Damage to any file of the streams of a killed NATS server: what its server makes of it is served right, refused in
//! words, or named as damaged. What the server does not start with is the server's to say.

use std::time::Duration;

use berth_fuzz::{
    Tape, Target, Verdict,
    damage::{Acknowledged, Files, Meddle, acknowledged, judge, settle},
};
use berth_journeys::{Berth, Running};
use berth_test_support::NatsServer;
use serde_json::json;

/// A case starts a server and a process, and waits for streams that are not there.
const TARGET: Target = Target { name: "damage_nats", cases: 12, seconds: 40 };
/// The ending of the files that hold messages; of the others there are many small ones.
const MESSAGES: &str = "blk";
/// Cases in which a planted fault must be found: a server that has lost a stream is refused, and nothing is served.
const PLANTED_CASES: u64 = 60;
/// How long the server may take to start with damaged files.
const SERVER_MAX: Duration = Duration::from_secs(5);

/// A deployment that was stopped with its server, and the files of both as they were then.
struct Stopped {
    server: NatsServer,
    berth: Running,
    files: Files,
    streams: Files,
    acknowledged: Vec<Acknowledged>,
}

#[tokio::test]
async fn fuzz_no_damage_of_the_server_is_served_as_data() {
    let mut stopped = Stopped::new().await;
    TARGET.run(async |tape| case(tape, &mut stopped, |_, _, status, body| (status, body)).await).await;
}

async fn case(tape: &mut Tape<'_>, stopped: &mut Stopped, meddle: Meddle) -> Verdict {
    stopped.server.kill();
    stopped.files.put_back();
    stopped.streams.put_back();
    let what = stopped.streams.damage(tape, Some(MESSAGES));
    if !stopped.server.restart_within(SERVER_MAX).await {
        return Ok(());
    }
    let mut process = stopped.berth.run(&["serve"]);
    let judged = judge(&mut process, &stopped.acknowledged, meddle).await;
    process.kill9();
    judged.map_err(|fault| format!("{what}: {fault}"))
}

// === impl Stopped ===

impl Stopped {
    async fn new() -> Self {
        let mut server = NatsServer::start().await;
        let mut berth = Berth::on_nats(&server).start().await;
        settle(&berth.client()).await;
        assert_eq!(berth.stop().await, [Some(0)]);
        berth.restart().await;
        let acknowledged = acknowledged(&berth.client()).await;
        assert_eq!(berth.stop().await, [Some(0)]);
        // As a crash leaves it: it reads all messages again at its start.
        server.kill();
        let files = Files::of(berth.data().join("data"));
        let streams = Files::of(server.store().join("jetstream"));
        Self { server, berth, files, streams, acknowledged }
    }
}

// === planted faults ===

#[tokio::test]
async fn a_state_that_is_an_older_one_is_found() {
    let mut stopped = Stopped::new().await;
    let target = Target { name: "damage_nats-planted", cases: PLANTED_CASES, ..TARGET };
    let meddle: Meddle = |one, read, status, mut body| {
        if read.is_empty() && one.instance["name"] == "gone" && status == 200 {
            body["session"] = json!(1);
        }
        (status, body)
    };
    let found = target.hunt(async |tape| case(tape, &mut stopped, meddle).await).await;
    let fault = found.expect("the fault is found").fault;
    assert!(fault.contains("and was"), "{fault}");
}
