//! An export of the client, checked by the verifier that shares no code with Berth; and what it says when somebody lied.

use std::{collections::HashMap, path::Path, process::Command};

use base64::{Engine, prelude::BASE64_STANDARD};
use berth_evidence::{Head, Keys, SigningKey, Tree, leaf_hash};
use berth_journeys::{Berth, Running, eventually, steps::link};
use berth_proto::{
    CommitV2, Hash, StreamKey,
    codec::{decode, encode},
};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

use crate::world::Shell;

/// The key of the deployment, and one of somebody else.
const KEYS: [&str; 2] =
    ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk="];

#[tokio::test]
async fn an_export_holds_and_whoever_alters_it_is_found_out_embedded() {
    told(Berth::embedded()).await;
}

#[tokio::test]
async fn an_export_holds_and_whoever_alters_it_is_found_out_on_nats() {
    let server = NatsServer::start().await;
    told(Berth::on_nats(&server)).await;
}

/// What somebody who checks has: the export, what was kept, and a folder to write into.
struct Case {
    lines: Vec<Value>,
    /// The first public key, as it was noted down.
    key: String,
    /// An answer of `GET /v1/checkpoints` that was kept.
    held: Value,
    shell: Shell,
}

async fn told(berth: Berth) {
    let started =
        berth.setting("BERTH_EVIDENCE_KEY", KEYS[0]).setting("BERTH_EVIDENCE_INTERVAL", "1").start();
    let berth = started.await;
    let client = berth.client();
    let shell = Shell::of(&berth);
    let made = client.post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    client.post("/v1/instances", json!({ "name": "bar" })).await.expect(201);
    link(&client, "shop").await;
    client.post("/v1/instances/shop/logout", json!({ "wait": "unlinked" })).await.expect(200);
    let id = made["id"].as_str().expect("an id").to_owned();
    // Erased values keep the chain whole.
    client.delete("/v1/instances/shop").await.expect(200);
    client.post("/v1/instances/bar/connect", json!({})).await.expect(200);
    let bar = client.get("/v1/instances/bar").await.expect(200)["id"].as_str().expect("an id").to_owned();
    let lines = exported(&shell, &[&id, &bar]).await;
    let held = held_of(&berth, &lines).await;
    let key = held["keys"][0]["public_key"].as_str().expect("a key").to_owned();
    let case = Case { lines, key, held, shell };
    case.holds();
    for (number, (what, alter, words)) in ALTERATIONS.iter().enumerate() {
        let mut lines = case.lines.clone();
        alter(&mut lines);
        let (code, said) = case.verified(&text_of(&lines), &case.held);
        assert!(code != 0 && said.contains(words), "{number}: {what} ends with {code}: {said}");
    }
    case.cut_off();
    case.forks();
    case.is_old(&berth).await;
}

/// The lines of an export.
async fn exported(shell: &Shell, instances: &[&str]) -> Vec<Value> {
    let out = shell.run(&[&["export"], instances].concat()).await.expect(0);
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// What is signed, once it is of the sizes that the export is about.
async fn held_of(berth: &Running, lines: &[Value]) -> Value {
    eventually("the same is signed", async || {
        let latest = berth.client().get("/v1/checkpoints").await.body;
        let sizes = |lines: &[Value]| -> HashMap<u64, String> {
            let of = |line: &Value| Some((line["shard"].as_u64()?, line["note"].as_str()?.to_owned()));
            lines.iter().filter_map(of).collect()
        };
        let (wanted, signed) =
            (sizes(lines), sizes(latest["checkpoints"].as_array().map(Vec::as_slice).unwrap_or_default()));
        let is_same = wanted.iter().all(|(shard, note)| signed.get(shard) == Some(note));
        if is_same { Ok(latest) } else { Err("later ones are signed") }
    })
    .await
}

/// How many commits of each shard are signed.
fn signed_sizes(latest: &Value) -> HashMap<u64, u64> {
    let checkpoints = latest["checkpoints"].as_array().expect("checkpoints").iter();
    let size = |note: &str| note.lines().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    checkpoints
        .map(|line| (line["shard"].as_u64().expect("a shard"), size(line["note"].as_str().expect("a note"))))
        .collect()
}

fn text_of(lines: &[Value]) -> String {
    lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect()
}

impl Case {
    /// What the verifier ends with and says.
    fn verified(&self, text: &str, held: &Value) -> (i32, String) {
        let export = self.shell.file("export.ndjson", text);
        let held = self.shell.file("held.json", &held.to_string());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verify.py");
        let run = Command::new("python3")
            .arg(script)
            .args([&export, "--key", &self.key, "--held", &held])
            .output()
            .expect("python3 runs");
        let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
        assert!(!said.contains("Traceback"), "{said}");
        (run.status.code().unwrap_or(-1), said)
    }

    fn holds(&self) {
        let (code, said) = self.verified(&text_of(&self.lines), &self.held);
        assert_eq!(code, 0, "{said}");
        for words in [
            "It holds. This is the history of 2 instance(s)",
            "under the key that you know",
            "is the one of this export",
        ] {
            assert!(said.contains(words), "{said}");
        }
    }

    /// Offered to somebody who has seen more since: what is old is not the newest, though all of it is true.
    async fn is_old(&self, berth: &Running) {
        let before: HashMap<u64, u64> = signed_sizes(&self.held);
        berth.client().post("/v1/instances/bar/disconnect", json!({})).await.expect(200);
        let later = eventually("more is signed of what is in the export", async || {
            let latest = berth.client().get("/v1/checkpoints").await.body;
            let has_grown = self.lines.iter().filter(|line| line["kind"] == "checkpoint").any(|line| {
                let shard = line["shard"].as_u64().expect("a shard");
                signed_sizes(&latest).get(&shard) > before.get(&shard)
            });
            if has_grown { Ok(latest) } else { Err("nothing more is signed") }
        })
        .await;
        let (code, said) = self.verified(&text_of(&self.lines), &later);
        assert!(code == 1 && said.contains("an old state is offered as a new one"), "{said}");
    }

    /// Wherever it is cut, it is noticed.
    fn cut_off(&self) {
        let text = text_of(&self.lines);
        let (letters, first_line) = (text.chars().count(), text.find('\n').expect("a line") + 1);
        for there in [letters - 1, letters - 20, letters / 2, first_line] {
            let cut: String = text.chars().take(there).collect();
            let (code, said) = self.verified(&cut, &self.held);
            assert!(code == 1 && said.contains("cut off"), "{there}: {said}");
        }
    }

    /// Somebody who has the key itself writes everything anew: an export that holds by itself, and contradicts what others
    /// kept.
    fn forks(&self) {
        let mut lines = self.lines.clone();
        written_anew(&mut lines);
        signed_anew(&mut lines, KEYS[0], false);
        let (code, said) = self.verified(&text_of(&lines), &json!({}));
        assert_eq!(code, 0, "nothing in it contradicts itself: {said}");
        let (code, said) = self.verified(&text_of(&lines), &self.held);
        assert!(code == 1 && (said.contains("FORK") || said.contains("newer than this export")), "{said}");
        // Of the very same size the two contradict each other.
        let mut kept = self.held.clone();
        let mut other = lines.clone();
        written_anew(&mut other);
        signed_anew(&mut other, KEYS[0], false);
        kept["checkpoints"] = other.iter().filter(|line| line["kind"] == "checkpoint").cloned().collect();
        let (code, said) = self.verified(&text_of(&lines), &kept);
        assert!(code == 1 && said.contains("FORK"), "{said}");
        let mut older = lines;
        older.retain(|line| line["kind"] != "checkpoint");
        let (code, said) = self.verified(&text_of(&older), &self.held);
        assert!(code == 1 && said.contains("no checkpoint"), "{said}");
    }
}

/// What somebody does to an export, and what is to be said of it.
type Alteration = (&'static str, fn(&mut Vec<Value>), &'static str);

const ALTERATIONS: &[Alteration] = &[
    ("a commit is taken out", |lines| drop(lines.remove(commit_at(lines, 2))), "lines are missing"),
    (
        "a commit is taken out and the count mended",
        |lines| {
            lines.remove(commit_at(lines, 2));
            recount(lines);
        },
        "is expected",
    ),
    (
        "the first commit is taken out",
        |lines| {
            lines.remove(commit_at(lines, 0));
            recount(lines);
        },
        "where version 1 is expected",
    ),
    (
        "two commits change places",
        |lines| {
            let (one, two) = (commit_at(lines, 1), commit_at(lines, 2));
            lines.swap(one, two);
        },
        "is expected",
    ),
    (
        "a commit stands twice",
        |lines| {
            let at = commit_at(lines, 1);
            lines.insert(at, lines[at].clone());
            recount(lines);
        },
        "is expected",
    ),
    ("one bit of a commit is changed", |lines| flip(lines, 2, 40), "not in the tree"),
    ("the last bit of a commit is changed", |lines| flip(lines, 2, usize::MAX), "not in the tree"),
    (
        "a commit says something else, with the right checksum",
        |lines| rewrite(lines, 3, false),
        "not in the tree",
    ),
    ("every later commit is chained anew", |lines| rewrite(lines, 1, true), "not in the tree"),
    (
        "everything is written, put into a tree and signed anew with another key",
        |lines| {
            written_anew(lines);
            signed_anew(lines, KEYS[1], false);
        },
        "not signed by a key of the deployment",
    ),
    (
        "the same, with an announcement of that key",
        |lines| {
            written_anew(lines);
            signed_anew(lines, KEYS[1], true);
        },
        "not the one that you know",
    ),
    (
        "another key is announced behind the first",
        |lines| {
            let usurper = Keys::default().announce(&deployment(lines), &key(KEYS[1]), None).expect("a note");
            lines[0]["keys"].as_array_mut().expect("keys").push(usurper.into());
        },
        "another number",
    ),
    (
        "a proof is another's",
        |lines| {
            let (one, two) = (commit_at(lines, 1), commit_at(lines, 2));
            lines[one]["path"] = lines[two]["path"].clone();
        },
        "not in the tree",
    ),
    ("a proof is longer", |lines| longer(lines), "not in the tree"),
    (
        "a commit stands at another place",
        |lines| {
            let at = commit_at(lines, 1);
            lines[at]["index"] = 0.into();
        },
        "not in the tree",
    ),
    (
        "a place lies behind the tree",
        |lines| {
            let at = commit_at(lines, 1);
            lines[at]["index"] = 1_000_000.into();
        },
        "which ends before it",
    ),
    (
        "a commit is said to be another instance's",
        |lines| {
            let (one, two) = (commit_at(lines, 0), lines.iter().rposition(is_commit).expect("a commit"));
            lines[one]["subject"] = lines[two]["subject"].clone();
        },
        "not in the tree",
    ),
    ("a commit is said to be of another shard", |lines| other_shard(lines), "no checkpoint that holds"),
    (
        "the deployment has another name",
        |lines| lines[0]["deployment"] = "another".into(),
        "another deployment",
    ),
    ("the root in the checkpoint is changed", |lines| change_note(lines, 2), "is wrong"),
    ("the size in the checkpoint is changed", |lines| change_note(lines, 1), "is wrong"),
    (
        "an earlier export is put before a later one",
        |lines| {
            let all = lines.clone();
            lines.extend(all);
        },
        "stands behind the last line",
    ),
    (
        "an instance that was asked for has no history",
        |lines| {
            let subject = lines[commit_at(lines, 0)]["subject"].clone();
            lines.retain(|line| line["subject"] != subject);
            recount(lines);
        },
        "there is no commit of the instance",
    ),
    ("it is of a newer format", |lines| lines[0]["version"] = 3.into(), "get a newer one"),
    ("a line is of an unknown kind", |lines| lines.insert(1, json!({ "kind": "later" })), "get a newer one"),
    ("it is no export", |lines| drop(lines.remove(0)), "no export of Berth"),
];

fn is_commit(line: &Value) -> bool {
    line["kind"] == "commit"
}

/// The line of a commit of the first history.
fn commit_at(lines: &[Value], number: usize) -> usize {
    let commits = lines.iter().enumerate().filter(|(_, line)| is_commit(line));
    commits.map(|(at, _)| at).nth(number).expect("so many commits")
}

fn recount(lines: &mut [Value]) {
    let commits = lines.iter().filter(|line| is_commit(line)).count();
    lines.last_mut().expect("a last line")["commits"] = commits.into();
}

fn bytes_of(line: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(line["bytes"].as_str().expect("bytes")).expect("base64")
}

fn stream_of(line: &Value) -> StreamKey {
    line["subject"].as_str().expect("a subject").parse().expect("a stream")
}

fn flip(lines: &mut [Value], number: usize, byte: usize) {
    let at = commit_at(lines, number);
    let mut bytes = bytes_of(&lines[at]);
    let place = byte.min(bytes.len() - 1);
    bytes[place] ^= 1;
    lines[at]["bytes"] = BASE64_STANDARD.encode(bytes).into();
}

fn longer(lines: &mut [Value]) {
    let at = commit_at(lines, 1);
    let hash = BASE64_STANDARD.encode([7; 32]);
    lines[at]["path"].as_array_mut().expect("a path").push(hash.into());
}

fn other_shard(lines: &mut [Value]) {
    let at = commit_at(lines, 1);
    lines[at]["shard"] = 63.into();
}

fn change_note(lines: &mut [Value], line: usize) {
    let at = lines.iter().position(|line| line["kind"] == "checkpoint").expect("a checkpoint");
    let note = lines[at]["note"].as_str().expect("a note").to_owned();
    let mut parts: Vec<_> = note.split('\n').map(str::to_owned).collect();
    parts[line] = if line == 1 { "1".to_owned() } else { BASE64_STANDARD.encode([7; 32]) };
    lines[at]["note"] = parts.join("\n").into();
}

/// A commit is dated a moment later, with the right checksum; and what comes after it is chained to that.
fn rewrite(lines: &mut [Value], number: usize, is_chained: bool) {
    let first = commit_at(lines, number);
    let stream = stream_of(&lines[first]);
    let mut previous: Option<Hash> = None;
    for line in lines.iter_mut().skip(first) {
        if !is_commit(line) || stream_of(line) != stream {
            continue;
        }
        let mut commit: CommitV2 = decode(&bytes_of(line)).expect("a commit");
        match previous {
            None => commit.occurred_at.0 += 1,
            Some(hash) => commit.previous = hash,
        }
        let bytes = encode(&commit).expect("bytes");
        previous = Some(Hash::of_commit(&stream, commit.previous, &bytes));
        line["bytes"] = BASE64_STANDARD.encode(bytes).into();
        if !is_chained {
            return;
        }
    }
}

fn written_anew(lines: &mut [Value]) {
    rewrite(lines, 1, true);
}

fn key(text: &str) -> SigningKey {
    SigningKey::from_base64(text).expect("a key")
}

fn deployment(lines: &[Value]) -> String {
    lines[0]["deployment"].as_str().expect("an id").to_owned()
}

/// Puts all commits of each shard into a tree of their own, and signs that.
fn signed_anew(lines: &mut Vec<Value>, with: &str, is_announced: bool) {
    let (deployment, with) = (deployment(lines), key(with));
    if is_announced {
        let note = Keys::default().announce(&deployment, &with, None).expect("a note");
        lines[0]["keys"] = json!([note]);
    }
    lines.retain(|line| line["kind"] != "checkpoint");
    let folder = tempfile::tempdir().expect("a folder");
    let mut trees: HashMap<u64, Tree> = HashMap::new();
    for line in lines.iter_mut().filter(|line| is_commit(line)) {
        let shard = line["shard"].as_u64().expect("a shard");
        let open = || Tree::open(&folder.path().join(shard.to_string()), 0).expect("a tree");
        let tree = trees.entry(shard).or_insert_with(open);
        line["index"] = tree.size().into();
        tree.push(leaf_hash(&stream_of(line), &bytes_of(line))).expect("room");
    }
    for line in lines.iter_mut().filter(|line| is_commit(line)) {
        let tree = &trees[&line["shard"].as_u64().expect("a shard")];
        let path = tree.inclusion(line["index"].as_u64().expect("a place"), tree.size()).expect("a proof");
        line["path"] = path.iter().map(|hash| Value::from(BASE64_STANDARD.encode(hash.0))).collect();
    }
    for (shard, tree) in &trees {
        let origin = format!("berth/{deployment}/{shard}");
        let head = Head {
            origin,
            size: tree.size(),
            root: tree.root(tree.size()).expect("a root"),
            follows: Vec::new(),
        };
        let note = head.sign(&with).expect("a note");
        lines.insert(1, json!({ "kind": "checkpoint", "shard": shard, "note": note, "consistency": null }));
    }
}
