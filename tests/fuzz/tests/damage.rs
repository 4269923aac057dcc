//! Damage to any file of a stopped deployment: it starts right, or refuses in words, or names what is damaged.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use berth_fuzz::{Tape, Target, Verdict};
use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, Process, Running, steps};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

const TARGET: Target = Target { name: "damage", cases: 24, seconds: 40 };
/// Exit codes that say what somebody has to do: a usage or a service that is not there.
const REFUSALS: [i32; 2] = [64, 69];
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that one change of a file concerns at most.
const CHANGE_BYTES_MAX: usize = 64;

/// What was acknowledged of an instance.
struct Acknowledged {
    id: String,
    instance: Value,
    events: Value,
    verified: Value,
}

/// A deployment that was stopped, and its files as they were then.
struct Stopped {
    berth: Running,
    pristine: BTreeMap<PathBuf, Vec<u8>>,
    acknowledged: Vec<Acknowledged>,
}

/// What may happen to the answers on the way: the planted faults.
type Meddle = fn(&Acknowledged, &str, u16, Value) -> (u16, Value);

#[tokio::test]
async fn fuzz_no_damage_is_served_as_data() {
    let stopped = Stopped::new().await;
    TARGET.run(async |tape| case(tape, &stopped, |_, _, status, body| (status, body)).await).await;
}

async fn case(tape: &mut Tape<'_>, stopped: &Stopped, meddle: Meddle) -> Verdict {
    stopped.put_back();
    let what = stopped.damage(tape);
    let mut process = stopped.berth.run(&["serve"]);
    let judged = judge(&mut process, stopped, meddle).await.map_err(|fault| format!("{what}: {fault}"));
    let panicked = process.stderr().contains("panicked");
    process.kill9();
    judged?;
    if panicked { Err(format!("{what}: a panic: {}", process.stderr())) } else { Ok(()) }
}

/// What came of the start.
async fn judge(process: &mut Process, stopped: &Stopped, meddle: Meddle) -> Verdict {
    let deadline = Instant::now() + PATIENCE;
    let base = loop {
        if !process.is_running() {
            let code = process.ended().await.code();
            // What it wrote is read by a thread, which may be behind its end.
            let mut said = process.stderr();
            while said.trim().is_empty() && Instant::now() < deadline {
                sleep(Duration::from_millis(20)).await;
                said = process.stderr();
            }
            let in_words = code.is_some_and(|code| REFUSALS.contains(&code)) && !said.trim().is_empty();
            return if in_words { Ok(()) } else { Err(format!("it ended with {code:?}: {said}")) };
        }
        let said = process.stdout();
        if let Some((_, address)) = said.lines().find_map(|line| line.split_once(" listens on ")) {
            break address.to_owned();
        }
        if Instant::now() > deadline {
            return Err(format!("it neither listens nor ends: {}", process.stderr()));
        }
        sleep(Duration::from_millis(20)).await;
    };
    let client = Client::new(base).token(ACCOUNT_TOKEN);
    for one in &stopped.acknowledged {
        served(&client, one, meddle).await?;
    }
    Ok(())
}

/// Each answer about an instance is what was acknowledged, or a failure that is told as one.
async fn served(client: &Client, one: &Acknowledged, meddle: Meddle) -> Verdict {
    let mut refused = false;
    for (read, expected) in
        [("", &one.instance), ("/events?limit=100", &one.events), ("/verify", &one.verified)]
    {
        let answer = client.get(&format!("/v1/instances/{}{read}", one.id)).await;
        let (status, body) = meddle(one, read, answer.status, answer.body);
        let named = read == "/verify" && body["ok"] == false && !body["fault"].is_null();
        let marked =
            read.starts_with("/events") && body["damaged"].as_array().is_some_and(|it| !it.is_empty());
        match status {
            200 if body == *expected => {}
            200 if named || marked => refused = true,
            500 | 503 if body["code"].is_string() => refused = true,
            _ => return Err(format!("{} {read:?} answers {status}: {body}\nand was {expected}", one.id)),
        }
    }
    // What is damaged where nobody needs it to decide may be refused in one place only; a sound one is served in all.
    let _ = refused;
    Ok(())
}

// === impl Stopped ===

impl Stopped {
    async fn new() -> Self {
        let mut berth = Berth::embedded().start().await;
        let client = berth.client();
        for name in ["linked", "created", "gone"] {
            let hooks = json!([{"url": "https://example.com/hook", "enabled": false}]);
            client.post("/v1/instances", json!({"name": name, "webhooks": hooks})).await.expect(201);
        }
        steps::link(&client, "gone").await;
        client.post("/v1/instances/gone/logout", json!({"wait": "unlinked"})).await.expect(200);
        for setting in 0..6 {
            client
                .keyed(&format!("key-{setting}"))
                .post("/v1/instances/created/logout", json!({}))
                .await
                .expect(200);
        }
        client
            .post("/v1/instances/linked/webhooks", json!({"url": "https://example.com/2"}))
            .await
            .expect(201);
        assert_eq!(berth.stop().await, [Some(0)]);
        // A start may write of its own; what it has written is acknowledged too.
        berth.restart().await;
        let mut acknowledged = Vec::new();
        let client = berth.client();
        for name in ["linked", "created", "gone"] {
            let instance = client.get(&format!("/v1/instances/{name}")).await.expect(200);
            let id = instance["id"].as_str().unwrap().to_owned();
            let events = client.get(&format!("/v1/instances/{id}/events?limit=100")).await.expect(200);
            let verified = client.get(&format!("/v1/instances/{id}/verify")).await.expect(200);
            acknowledged.push(Acknowledged { id, instance, events, verified });
        }
        assert_eq!(berth.stop().await, [Some(0)]);
        let mut pristine = BTreeMap::new();
        read_all(&berth.data().join("data"), &mut pristine);
        Self { berth, pristine, acknowledged }
    }

    fn put_back(&self) {
        let data = self.berth.data().join("data");
        fs::remove_dir_all(&data).unwrap();
        for (path, bytes) in &self.pristine {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// Damages one file, or swaps two; what was done, in words.
    fn damage(&self, tape: &mut Tape<'_>) -> String {
        let files: Vec<_> = self.pristine.iter().collect();
        let (path, bytes) = *tape.pick(&files);
        let mut bytes = bytes.clone();
        // Engines allocate files ahead; what nobody wrote is not worth a flip.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let at = tape.below(used.max(1));
        let end = (at + 1 + tape.below(CHANGE_BYTES_MAX)).min(bytes.len());
        let name = path.strip_prefix(self.berth.data()).unwrap().display();
        match tape.below(6) {
            0 | 1 => {
                let bit = tape.below(8);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << bit);
                fs::write(path, bytes).unwrap();
                format!("bit {bit} of byte {at} of {name} flipped")
            }
            2 => {
                bytes.truncate(at);
                fs::write(path, bytes).unwrap();
                format!("{name} cut to {at} bytes")
            }
            3 => {
                bytes.iter_mut().take(end).skip(at).for_each(|byte| *byte = 0);
                fs::write(path, bytes).unwrap();
                format!("bytes {at} to {end} of {name} zeroed")
            }
            4 => {
                fs::remove_file(path).unwrap();
                format!("{name} deleted")
            }
            _ => {
                let (other, others) = *tape.pick(&files);
                fs::write(path, others).unwrap();
                fs::write(other, bytes).unwrap();
                format!("{name} and {} swapped", other.strip_prefix(self.berth.data()).unwrap().display())
            }
        }
    }
}

fn read_all(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.insert(path.clone(), fs::read(&path).unwrap());
        }
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
