//! What a deployment acknowledged before its files were damaged, the damage, and the judgement of what it says then.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use berth_journeys::{ACCOUNT_TOKEN, Client, Process, steps};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{tape::Tape, target::Verdict};

/// Exit codes that say what somebody has to do: a usage or a service that is not there.
const REFUSALS: [i32; 2] = [64, 69];
/// How long a start may take: on NATS it waits half a minute for streams that are not there.
const PATIENCE: Duration = Duration::from_secs(45);
/// Bytes that one change of a file concerns at most.
const CHANGE_BYTES_MAX: usize = 64;
/// The instance that is asked for something; the others must stay as they are.
const ASKED: &str = "created";

/// What was acknowledged of an instance.
#[derive(Debug)]
pub struct Acknowledged {
    /// Its id.
    pub id: String,
    /// What is read of it.
    pub instance: Value,
    /// Its events.
    pub events: Value,
    /// What its verification says.
    pub verified: Value,
}

/// What may happen to the answers on the way: the planted faults.
pub type Meddle = fn(&Acknowledged, &str, u16, Value) -> (u16, Value);

/// Makes instances that differ in what they went through.
///
/// # Panics
/// When a step is refused.
pub async fn settle(client: &Client) {
    for name in ["linked", "created", "gone"] {
        let hooks = json!([{"url": "https://example.com/hook", "enabled": false}]);
        client.post("/v1/instances", json!({"name": name, "webhooks": hooks})).await.expect(201);
    }
    steps::link(client, "gone").await;
    client.post("/v1/instances/gone/logout", json!({"wait": "unlinked"})).await.expect(200);
    for setting in 0..6 {
        client
            .keyed(&format!("key-{setting}"))
            .post("/v1/instances/created/logout", json!({}))
            .await
            .expect(200);
    }
    client.post("/v1/instances/linked/webhooks", json!({"url": "https://example.com/2"})).await.expect(201);
}

/// What is read of them now.
///
/// # Panics
/// When something is not served.
pub async fn acknowledged(client: &Client) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::new();
    for name in ["linked", "created", "gone"] {
        let instance = client.get(&format!("/v1/instances/{name}")).await.expect(200);
        let id = instance["id"].as_str().unwrap().to_owned();
        let events = client.get(&format!("/v1/instances/{id}/events?limit=100")).await.expect(200);
        let verified = client.get(&format!("/v1/instances/{id}/verify")).await.expect(200);
        acknowledged.push(Acknowledged { id, instance, events, verified });
    }
    acknowledged
}

/// What came of the start.
pub async fn judge(process: &mut Process, before: &[Acknowledged], meddle: Meddle) -> Verdict {
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
    for one in before {
        served(&client, one, meddle).await?;
    }
    // What is asked of one instance, again under its key, is done to no other one.
    let asked = client.keyed("key-0").post(&format!("/v1/instances/{ASKED}/logout"), json!({})).await;
    if asked.status != 200 && !asked.body["code"].is_string() {
        return Err(format!("a logout answers {}: {}", asked.status, asked.text()));
    }
    for one in before.iter().filter(|one| one.instance["name"] != ASKED) {
        served(&client, one, meddle).await?;
    }
    if process.stderr().contains("panicked") { Err(format!("a panic: {}", process.stderr())) } else { Ok(()) }
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

/// Files of a stopped deployment as they were then.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    pristine: BTreeMap<PathBuf, Vec<u8>>,
}

// === impl Files ===

impl Files {
    /// Everything below a folder.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn of(root: PathBuf) -> Self {
        let mut pristine = BTreeMap::new();
        read_all(&root, &mut pristine);
        Self { root, pristine }
    }

    /// Makes the folder as it was.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn put_back(&self) {
        fs::remove_dir_all(&self.root).expect("the folder can be removed");
        for (path, bytes) in &self.pristine {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            fs::write(path, bytes).expect("a file can be written");
        }
    }

    /// Damages one file, or swaps two; what was done, in words. Every second time it is one with the preferred ending.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn damage(&self, tape: &mut Tape<'_>, preferred: Option<&str>) -> String {
        let files: Vec<_> = self.pristine.iter().collect();
        let preferred = preferred.filter(|_| tape.one_in(2));
        let fits = |path: &Path| {
            preferred.is_none_or(|ending| path.extension().is_some_and(|other| other == ending))
        };
        let likely: Vec<_> = files.iter().copied().filter(|(path, _)| fits(path)).collect();
        let (path, bytes) = *tape.pick(&likely);
        let mut bytes = bytes.clone();
        // Engines allocate files ahead; what nobody wrote is not worth a flip.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let at = tape.below(used.max(1));
        let end = (at + 1 + tape.below(CHANGE_BYTES_MAX)).min(bytes.len());
        let name = path.strip_prefix(&self.root).expect("a file").display();
        match tape.below(6) {
            0 | 1 => {
                let bit = tape.below(8);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << bit);
                fs::write(path, bytes).expect("a file");
                format!("bit {bit} of byte {at} of {name} flipped")
            }
            2 => {
                bytes.truncate(at);
                fs::write(path, bytes).expect("a file");
                format!("{name} cut to {at} bytes")
            }
            3 => {
                bytes.iter_mut().take(end).skip(at).for_each(|byte| *byte = 0);
                fs::write(path, bytes).expect("a file");
                format!("bytes {at} to {end} of {name} zeroed")
            }
            4 => {
                fs::remove_file(path).expect("a file");
                format!("{name} deleted")
            }
            _ => {
                let (other, others) = *tape.pick(&files);
                fs::write(path, others).expect("a file");
                fs::write(other, bytes).expect("a file");
                format!("{name} and {} swapped", other.strip_prefix(&self.root).expect("a file").display())
            }
        }
    }
}

fn read_all(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a file") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
}
