//! Damage to any file of a stopped deployment: it starts right, or refuses in words, or names what is damaged.

use berth_fuzz::{
    Tape, Target, Verdict,
    damage::{Acknowledged, Files, Meddle, acknowledged, judge, settle},
};
use berth_journeys::{Berth, Running};
use serde_json::json;

const TARGET: Target = Target { name: "damage", cases: 24, seconds: 40 };

/// A deployment that was stopped, and its files as they were then.
struct Stopped {
    berth: Running,
    files: Files,
    acknowledged: Vec<Acknowledged>,
}

#[tokio::test]
async fn fuzz_no_damage_is_served_as_data() {
    let stopped = Stopped::new().await;
    TARGET.run(async |tape| case(tape, &stopped, |_, _, status, body| (status, body)).await).await;
}

async fn case(tape: &mut Tape<'_>, stopped: &Stopped, meddle: Meddle) -> Verdict {
    stopped.files.put_back();
    let what = stopped.files.damage(tape, None);
    let mut process = stopped.berth.run(&["serve"]);
    let judged = judge(&mut process, &stopped.acknowledged, meddle).await;
    process.kill9();
    judged.map_err(|fault| format!("{what}: {fault}"))
}

// === impl Stopped ===

impl Stopped {
    async fn new() -> Self {
        let mut berth = Berth::embedded().start().await;
        settle(&berth.client()).await;
        assert_eq!(berth.stop().await, [Some(0)]);
        // A start may write of its own; what it has written is acknowledged too.
        berth.restart().await;
        let acknowledged = acknowledged(&berth.client()).await;
        assert_eq!(berth.stop().await, [Some(0)]);
        let files = Files::of(berth.data().join("data"));
        Self { berth, files, acknowledged }
    }
}

// === planted faults ===

async fn finds(meddle: Meddle) -> String {
    let stopped = Stopped::new().await;
    let target = Target { name: "damage-planted", ..TARGET };
    let found = target.hunt(async |tape| case(tape, &stopped, meddle).await).await;
    found.expect("the fault is found").fault
}

#[tokio::test]
async fn a_state_that_is_an_older_one_is_found() {
    let fault = finds(|one, read, status, mut body| {
        if read.is_empty() && one.instance["name"] == "gone" && status == 200 {
            body["session"] = json!(1);
        }
        (status, body)
    })
    .await;
    assert!(fault.contains("and was"), "{fault}");
}

#[tokio::test]
async fn an_instance_that_is_told_to_be_unknown_is_found() {
    let fault = finds(|one, read, status, body| {
        let lost = read.is_empty() && one.instance["name"] == "created";
        if lost { (404, json!({"code": "not_found"})) } else { (status, body) }
    })
    .await;
    assert!(fault.contains("answers 404"), "{fault}");
}
