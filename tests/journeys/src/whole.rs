//! A whole deployment as `berth export` writes it, and what the file says of it that shares no code with Berth.

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::{berth::Running, wait::eventually};

/// The whole deployment in a file, which is gone when it is dropped.
///
/// # Panics
/// When it is not exported.
pub async fn exported(berth: &Running) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file");
    let mut process = berth.run_into(file.reopen().expect("a temporary file"), &["export"]);
    let status = process.ended().await;
    assert!(status.success(), "{status}: {}", process.stderr());
    file
}

/// What `docs/verify.py` says of an export, for somebody who kept an answer of `GET /v1/checkpoints`.
///
/// # Panics
/// When there is no Python.
pub fn verified(export: &Path, held: &Value) -> String {
    let kept = NamedTempFile::new().expect("a temporary file");
    fs::write(kept.path(), held.to_string()).expect("a file can be written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verify.py");
    let mut run = Command::new("python3");
    run.arg(script).arg(export).arg("--held").arg(kept.path());
    if let Some(key) = held["keys"][0]["public_key"].as_str() {
        run.args(["--key", key]);
    }
    let out = run.output().expect("python3 runs");
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// What an outsider keeps of a deployment, once something of every shard is signed.
///
/// # Panics
/// When that does not happen.
pub async fn held(berth: &Running) -> Value {
    let client = berth.client();
    eventually("something of every shard is signed", async || {
        let latest = client.get("/v1/checkpoints").await.body;
        let signed = latest["checkpoints"].as_array().map_or(0, Vec::len) as u64;
        if latest["shards"].as_u64() == Some(signed) { Ok(latest) } else { Err(latest) }
    })
    .await
}
