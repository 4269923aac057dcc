//! An account's histories with the proofs of all their commits, line by line: what `docs/verify.py` checks.
//!
//! Nothing is gathered: a line is made when the one before it was taken. What ends early lacks its last line, which says how many
//! commits there are, so that whoever checks it notices.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use berth_proto::{AccountId, Hash, InstanceId, evidence::PublishedV1, query::InstanceQueryV1};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    evidence::{Evidence, Inclusion},
    failure::Failure,
    lists::Lists,
    principal::Principal,
    record::Records,
};

/// The version of the format.
const FORMAT: u32 = 1;
/// Exports that run at once in a gateway; each reads whole histories.
const EXPORTS_AT_ONCE_MAX: usize = 2;
/// How long is waited for a checkpoint that covers what was decided just now: the longest usual interval and a little.
const SIGNED_MAX: Duration = Duration::from_secs(90);
/// The pause before it is looked again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Others export at this moment. A retry helps when they are done.
#[derive(Debug, Error)]
#[error("as many exports as there may be run at this moment")]
struct Busy;

/// Exports histories.
#[derive(Debug)]
pub struct Exports {
    lists: Arc<Lists>,
    records: Arc<Records>,
    evidence: Arc<Evidence>,
    stop: CancellationToken,
    turns: Arc<Semaphore>,
}

/// One export under way.
struct Export {
    of: Arc<Exports>,
    principal: Principal,
    ids: VecDeque<InstanceId>,
    /// The instance and version that comes next.
    next: Option<(InstanceId, u64)>,
    /// The last checkpoint of each shard that was written.
    written: BTreeMap<u8, PublishedV1>,
    lines: VecDeque<Value>,
    commits: u64,
    ended: bool,
    _turn: OwnedSemaphorePermit,
}

// === impl Exports ===

impl Exports {
    pub(super) fn new(
        lists: &Arc<Lists>,
        records: &Arc<Records>,
        evidence: &Arc<Evidence>,
        stop: &CancellationToken,
    ) -> Self {
        Self {
            lists: Arc::clone(lists),
            records: Arc::clone(records),
            evidence: Arc::clone(evidence),
            stop: stop.clone(),
            turns: Arc::new(Semaphore::new(EXPORTS_AT_ONCE_MAX)),
        }
    }

    /// The lines of an export of all instances of an account, deleted ones among them if that is wanted. The first line is
    /// made before this returns. Afterwards an error ends it.
    pub async fn begin(
        self: &Arc<Self>,
        principal: Principal,
        account: AccountId,
        with_deleted: bool,
    ) -> Result<BoxStream<'static, Result<String, Failure>>, Failure> {
        let turn = Arc::clone(&self.turns).try_acquire_owned();
        let turn = turn.map_err(|_| Failure::unavailable("another export", Busy))?;
        let ids = self.ids(account, with_deleted).await?;
        let mut export = Export {
            of: Arc::clone(self),
            principal,
            ids,
            next: None,
            written: BTreeMap::new(),
            lines: VecDeque::new(),
            commits: 0,
            ended: false,
            _turn: turn,
        };
        export.head().await?;
        let lines = stream::try_unfold(export, |mut export| async move {
            let line = export.line().await?;
            Ok(line.map(|line| (format!("{line}\n"), export)))
        });
        Ok(lines.boxed())
    }

    async fn ids(&self, account: AccountId, with_deleted: bool) -> Result<VecDeque<InstanceId>, Failure> {
        let (mut ids, mut after) = (VecDeque::new(), None);
        loop {
            let query = InstanceQueryV1 { with_deleted, after, ..InstanceQueryV1::default() };
            let (page, more) = self.lists.ids(account, query).await?;
            after = page.last().copied();
            ids.extend(page);
            if !more {
                return Ok(ids);
            }
        }
    }

    /// The proof of a commit, which is waited for; none if there is no such version.
    async fn proof(&self, instance: InstanceId, version: u64) -> Result<Option<Inclusion>, Failure> {
        let until = Instant::now() + SIGNED_MAX;
        loop {
            match self.evidence.inclusion(instance, Some(version)).await {
                Ok(inclusion) => return Ok(Some(inclusion)),
                Err(Failure::NotFound) => return Ok(None),
                Err(Failure::Unavailable { .. } | Failure::NotSignedYet { .. })
                    if Instant::now() < until && !self.stop.is_cancelled() => {}
                Err(failure) => return Err(failure),
            }
            self.stop.run_until_cancelled(sleep(LOOK_AGAIN)).await;
        }
    }
}

// === impl Export ===

impl Export {
    /// What stands first: which histories follow, and which keys have signed. A first checkpoint announces the first key, so
    /// there is nothing to begin with before it; what is not signed later on is waited for.
    async fn head(&mut self) -> Result<(), Failure> {
        if let Some(first) = self.ids.front() {
            self.of.evidence.inclusion(*first, Some(1)).await?;
        }
        let latest = self.of.evidence.latest().await?;
        let ids: Vec<_> = self.ids.iter().map(ToString::to_string).collect();
        self.lines.push_back(json!({
            "kind": "export", "version": FORMAT, "deployment": latest.deployment, "shards": latest.shards,
            "keys": latest.keys, "instances": ids,
        }));
        Ok(())
    }

    /// The next line; none at the end.
    async fn line(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(None);
            }
            match self.next.take() {
                Some((instance, version)) => self.commit(instance, version).await?,
                None => match self.ids.pop_front() {
                    // The token may have ended since the export began.
                    Some(instance) => {
                        self.of.records.read_again(&self.principal, instance).await?;
                        self.next = Some((instance, 1));
                    }
                    None => {
                        self.ended = true;
                        self.lines.push_back(json!({ "kind": "end", "commits": self.commits }));
                    }
                },
            }
        }
    }

    async fn commit(&mut self, instance: InstanceId, version: u64) -> Result<(), Failure> {
        let Some(inclusion) = self.of.proof(instance, version).await? else { return Ok(()) };
        let Inclusion { commit, published, index, path, .. } = inclusion;
        let shard = published.shard;
        self.connect(published).await?;
        self.lines.push_back(json!({
            "kind": "commit", "shard": shard, "index": index, "subject": commit.stream.subject(),
            "bytes": BASE64_STANDARD.encode(&commit.payload), "path": in_base64(&path),
        }));
        self.commits += 1;
        self.next = Some((instance, version + 1));
        Ok(())
    }

    /// Writes the checkpoint of the proofs that follow, with the proof that it goes on from the one before.
    async fn connect(&mut self, published: PublishedV1) -> Result<(), Failure> {
        let shard = published.shard;
        let before = self.written.get(&shard);
        if before.is_some_and(|before| before.note == published.note) {
            return Ok(());
        }
        let consistency = match before {
            None => Value::Null,
            Some(before) => {
                let (from, to) = (size_of(before), size_of(&published));
                json!(in_base64(&self.of.evidence.consistency(shard, from, to).await?))
            }
        };
        let note = &published.note;
        let line = json!({ "kind": "checkpoint", "shard": shard, "note": note, "consistency": consistency });
        self.lines.push_back(line);
        self.written.insert(shard, published);
        Ok(())
    }
}

/// The size of the tree of a checkpoint: its second line.
fn size_of(published: &PublishedV1) -> u64 {
    published.note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or_default()
}

fn in_base64(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| BASE64_STANDARD.encode(hash.0)).collect()
}
