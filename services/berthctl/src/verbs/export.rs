//! `berthctl export`

use std::collections::HashMap;

use clap::Args;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::named;
use crate::{failure::Failure, http::Ask, json::Fields, session::Session};

/// The version of the format.
const FORMAT: u32 = 1;
/// Instances that are asked for at once.
const PAGE: usize = 500;
/// Every state, that of deleted instances too.
const ALL_STATES: &str = "created,connecting,pairing,linked,paused,logged_out,deleted";

const EXAMPLES: &str = "\
Examples:
  berthctl export shop > shop.ndjson
  berthctl export --all --deleted > everything.ndjson
  python3 docs/verify.py shop.ndjson --key PUBLIC-KEY --held kept.json

What was decided in the last minute may not be signed yet: it is waited for.";

/// Write histories as lines of JSON, each commit with the proof that it is in what was signed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    /// Their ids, names or numbers; after a delete their ids.
    #[arg(required_unless_present = "all")]
    instances: Vec<String>,
    /// All instances that the token may see.
    #[arg(long, conflicts_with = "instances")]
    all: bool,
    /// Those that are deleted too.
    #[arg(long, requires = "all")]
    deleted: bool,
}

/// The last checkpoint of each shard that was written.
type Written = HashMap<u64, Value>;

impl Export {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let ids = if self.all {
            all(session, self.deleted).await?
        } else {
            given(session, &self.instances).await?
        };
        if let Some(first) = ids.first() {
            // The first checkpoint of all announces the key.
            proof(session, first, 1).await?;
        }
        let latest = session.client.get(&["v1", "checkpoints"]).await?;
        let keys: Vec<_> = latest.list("keys").iter().map(|key| key.at("announcement").clone()).collect();
        let first = json!({
            "kind": "export", "version": FORMAT, "deployment": latest.at("deployment"),
            "shards": latest.at("shards"), "keys": keys, "instances": ids,
        });
        session.out.line(&first.to_string())?;
        let (mut written, mut commits) = (Written::new(), 0_u64);
        for id in &ids {
            let mut version = 1_u64;
            while let Some(proof) = proof(session, id, version).await? {
                connect(session, &mut written, proof.at("checkpoint")).await?;
                let line = json!({
                    "kind": "commit", "shard": proof.at("checkpoint").at("shard"), "index": proof.at("index"),
                    "subject": proof.at("subject"), "bytes": proof.at("commit"), "path": proof.at("path"),
                });
                session.out.line(&line.to_string())?;
                (commits, version) = (commits + 1, version + 1);
            }
        }
        session.out.line(&json!({ "kind": "end", "commits": commits }).to_string())
    }
}

/// The ids of the instances that were named.
async fn given(session: &Session, names: &[String]) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(session.client.get(&["v1", "instances", named(name)?]).await?.text("id").to_owned());
    }
    Ok(ids)
}

/// The ids of all instances.
async fn all(session: &Session, with_deleted: bool) -> Result<Vec<String>, Failure> {
    let states = with_deleted.then_some(ALL_STATES);
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let ask = Ask::get(&["v1", "instances"])
            .query("state", states)
            .query("limit", Some(PAGE))
            .query("cursor", cursor);
        let page = session.client.send(ask).await?.body;
        ids.extend(page.list("instances").iter().map(|instance| instance.text("id").to_owned()));
        cursor = page.at("next_cursor").as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(ids);
        }
    }
}

/// The proof of a commit; none if there is no such version.
async fn proof(session: &Session, id: &str, version: u64) -> Result<Option<Value>, Failure> {
    let ask = Ask::get(&["v1", "instances", id, "proof"]).query("version", Some(version));
    let proof = session.client.send(ask.taking(StatusCode::NOT_FOUND)).await?.body;
    Ok(if proof.at("code") == "not_found" { None } else { Some(proof) })
}

/// Writes the checkpoint of the proofs that follow, with the proof that it goes on from the one before.
async fn connect(session: &Session, written: &mut Written, checkpoint: &Value) -> Result<(), Failure> {
    let shard = checkpoint.at("shard").as_u64().unwrap_or_default();
    let before = written.insert(shard, checkpoint.clone());
    let consistency = match &before {
        Some(before) if before.at("note") == checkpoint.at("note") => return Ok(()),
        None => Value::Null,
        Some(before) => {
            let ask = Ask::get(&["v1", "checkpoints", &shard.to_string(), "consistency"])
                .query("from", before.at("size").as_u64())
                .query("to", checkpoint.at("size").as_u64());
            session.client.send(ask).await?.body.at("path").clone()
        }
    };
    let line = json!({
        "kind": "checkpoint", "shard": shard, "note": checkpoint.at("note"), "consistency": consistency,
    });
    session.out.line(&line.to_string())
}
