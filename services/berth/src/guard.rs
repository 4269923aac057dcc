//! Watching, while the process runs, that the log is still the one that was seen, and that the keys are there.
//!
//! Views notice for themselves that the log lost what they folded. This watch is for everybody: it closes the
//! gate before the log ([`GuardedLog`](berth_log::GuardedLog)), so that nothing is read from or appended to a
//! log that lost its commits, and tells `/readyz`. What it saw of the log it notes in the record of the
//! deployment, where the next start compares.

use std::{error::Error, sync::Arc, time::Duration};

use berth_bus::DeploymentStore;
use berth_log::{EventLog, Halted, LogRead, Position, high_water, jetstream::Tags};
use berth_runtime::{Check, Lifecycle, LogKey, Readiness};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::deployment::{self, Deployment, Kept, Missing};

/// How often the log and the keys are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often what was seen is noted at most: what a crash can leave unguarded.
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// Whether the log can be there at all, asked without reading it.
pub(crate) type IsThere = Box<dyn Fn() -> bool + Send + Sync>;

/// The watch of one process.
pub(crate) struct Guard {
    /// The log itself, not the gate before it.
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) store: Arc<dyn DeploymentStore>,
    pub(crate) deployment: Deployment,
    pub(crate) is_there: IsThere,
    /// How far the log was seen by this process or the ones before it.
    pub(crate) seen: Position,
    /// What it lacked when this process started.
    pub(crate) missing: Missing,
    /// Whether this process notes what was seen.
    pub(crate) notes: bool,
    /// Whether it writes the formats that the deployment writes.
    pub(crate) writes: bool,
    /// The log as this process follows it, for what could not be read there.
    pub(crate) followed: Arc<dyn LogRead>,
    /// The newest generation of formats that it was recorded to write.
    pub(crate) newest: u16,
    /// What tells the deployment's own commits, where others can write, and its key.
    pub(crate) tags: Option<(Tags, LogKey)>,
}

/// What the watch says.
struct Said {
    log: watch::Sender<Halted>,
    keys: watch::Sender<Option<String>>,
    /// The generation of formats that is written from the next start of this process on, if that is another one.
    raised: watch::Sender<Option<u16>>,
}

// === impl Guard ===

impl Guard {
    /// Watches until the process stops; gives what says whether the log is halted.
    pub(crate) fn watch(self, readiness: &Readiness, lifecycle: &Lifecycle) -> watch::Receiver<Halted> {
        let (log, halted) = watch::channel(None);
        let (keys, trouble) = watch::channel(None::<String>);
        let (raised, next) = watch::channel(None::<u16>);
        let (shown, followed) = (halted.clone(), Arc::clone(&self.followed));
        readiness.register("log", move || match (&*shown.borrow(), followed.unreadable()) {
            (Some(why), _) => Check::waiting(format!("halted: {why}")),
            // What is damaged is the business of whom it concerns: everybody else is served.
            (None, Some(places)) => Check::ready(format!("as it was seen, but {places}")),
            (None, None) => Check::ready("as it was seen"),
        });
        readiness.register("keys", move || match &*trouble.borrow() {
            None => Check::ready("there"),
            Some(why) => Check::waiting(why.clone()),
        });
        if self.writes {
            let writes = self.deployment.write_version.number();
            readiness.register("formats", move || {
                Check::ready(match *next.borrow() {
                    None => format!("writes generation {writes}"),
                    Some(next) => format!("writes generation {writes}, and {next} once it is started again"),
                })
            });
        }
        let stop = lifecycle.stop().clone();
        lifecycle.spawn(async move {
            let said = Said { log, keys, raised };
            let mut watched = self;
            let mut noted = Instant::now();
            while stop.run_until_cancelled(sleep(LOOK_EVERY)).await.is_some() {
                let due = noted.elapsed() >= NOTE_EVERY;
                watched.compare(&said, due).await;
                if due {
                    noted = Instant::now();
                }
            }
            watched.compare(&said, true).await;
        });
        halted
    }

    async fn compare(&mut self, said: &Said, due: bool) {
        let kept = self.record().await;
        // A server that is away is told of under `nats`: what was seen last stands.
        if kept.is_err() && berth_bus::nats::is_away() {
            return;
        }
        publish(&said.keys, kept.as_ref().err().cloned(), "the keys cannot be used");
        if let Ok(kept) = &kept
            && self.writes
        {
            self.tell_raise(said, kept.record.write_version());
        }
        // A log that does not answer is nothing that was lost: whoever asks it is told.
        let (Ok(end), Ok(missing)) = (self.log.end().await, self.log.missing().await) else { return };
        let lost = self.lost(&end, &missing);
        let halted = lost.clone().map(Arc::from);
        publish(&said.log, halted, "nothing is built on the log");
        if lost.is_some() {
            return;
        }
        high_water::raise(&mut self.seen, &end);
        if due && self.notes {
            self.note_end(kept.ok()).await;
        }
    }

    /// The record, in words if it cannot be believed. What was read may have been older than what a follower has met since, and a record
    /// that moves while it is read is read as it was before: only what is read twice is told.
    async fn record(&mut self) -> Result<Kept, String> {
        let kept = self.read().await?;
        match self.believe(kept) {
            Ok(kept) => Ok(kept),
            Err(_) => self.read().await.and_then(|kept| self.believe(kept)),
        }
    }

    async fn read(&self) -> Result<Kept, String> {
        match deployment::read(&*self.store).await {
            Ok(Some(kept)) if kept.record.is_of(&self.deployment) => Ok(kept),
            Ok(Some(_)) => Err("the keys are those of another deployment".to_owned()),
            Ok(None) => Err("the keys are gone from the key store; restore it from its backup".to_owned()),
            Err(failure) => Err(format!("keys unreachable: {}", berth_runtime::chain(&failure))),
        }
    }

    /// Takes up from a record what holds for processes that run; in words, if somebody else wrote it.
    fn believe(&mut self, kept: Kept) -> Result<Kept, String> {
        let recorded = kept.record.write_version();
        if recorded < self.newest {
            return Err(format!(
                "the record of the deployment went back from generation {} to {recorded}: somebody else wrote it, or an old \
                 backup of the keys was restored",
                self.newest
            ));
        }
        if let Some((tags, key)) = &self.tags {
            let untagged = kept.record.untagged(key).map_err(|failure| failure.to_string())?;
            if !tags.require(recorded, &untagged) {
                return Err("the record of the deployment takes commits without an authentication tag that it took not before: \
                            somebody else wrote it"
                    .to_owned());
            }
        }
        self.newest = recorded;
        Ok(kept)
    }

    /// What this process writes stays what it wrote from its first commit on: whoever raised it is told which processes are left.
    fn tell_raise(&self, said: &Said, recorded: u16) {
        let writes = self.deployment.write_version.number();
        said.raised.send_if_modified(|before| {
            let now = (recorded != writes).then_some(recorded);
            if now.is_some() && *before != now {
                tracing::info!(
                    writes,
                    recorded,
                    "newer formats may be written: start this process again for them"
                );
            }
            std::mem::replace(before, now) != now
        });
    }

    /// What is lost of the log, in words.
    fn lost(&self, end: &Position, missing: &Missing) -> Option<String> {
        let advice = "restore the log, or accept the loss with `berth recover --accept-rollback`";
        if !(self.is_there)() {
            return Some(format!("the folder of the log is gone; {advice}"));
        }
        let lost = high_water::check(&self.seen, end).err().map(|lost| lost.to_string());
        let lost = lost.or_else(|| deployment::lacks(&self.missing, missing));
        lost.map(|lost| format!("{lost}; {advice}"))
    }

    async fn note_end(&self, kept: Option<Kept>) {
        // One that an operator has just changed is for the next start.
        let kept = kept.filter(|kept| !kept.record.accepted());
        if let Err(failure) = deployment::note_end(&*self.store, kept, &self.seen, &self.missing).await {
            let error = &failure as &dyn Error;
            tracing::warn!(error, "how far the log was seen cannot be noted now");
        }
    }
}

/// Says what changed, once.
fn publish<T: PartialEq + Clone + std::fmt::Debug>(
    to: &watch::Sender<Option<T>>,
    now: Option<T>,
    what: &str,
) {
    to.send_if_modified(|before| {
        let changed = *before != now;
        if changed {
            match &now {
                Some(why) => tracing::error!(?why, "{what}"),
                None => tracing::warn!("this is over: {what}"),
            }
            *before = now;
        }
        changed
    });
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Mutex};

    use async_trait::async_trait;
    use berth_bus::{KeyStoreError, StoredDeployment};
    use berth_log::{jetstream::Untagged, memory::MemoryLog};
    use berth_proto::WriteVersion;
    use berth_runtime::{MasterKey, SeededEntropy};
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::border::Border;

    /// A record that is another one with each read, until its last.
    #[derive(Debug)]
    struct Records(Mutex<Vec<Value>>);

    #[async_trait]
    impl DeploymentStore for Records {
        async fn read(&self) -> Result<Option<StoredDeployment>, KeyStoreError> {
            let mut left = self.0.lock().unwrap();
            let value = if left.len() > 1 { left.remove(0) } else { left[0].clone() };
            Ok(Some(StoredDeployment { revision: 1, value: serde_json::to_vec(&value).unwrap().into() }))
        }

        async fn write(&self, _: Bytes, _: u64) -> Result<bool, KeyStoreError> {
            Ok(false)
        }
    }

    fn record(write_version: u16, border: Option<&Border>) -> Value {
        json!({"id": "a", "write_version": write_version, "seen": {}, "accepted": false, "border": border})
    }

    /// Of a process that started in generation 3 and follows a log of one shard that was raised at its place 7.
    fn guard(records: Vec<Value>) -> Guard {
        let key = MasterKey::generate(&SeededEntropy::new(1)).log_key();
        let tags = Tags::new(key.clone(), 1, 3, &Untagged::UpTo([(0, 7)].into()));
        let log = Arc::new(MemoryLog::new(1));
        let write_version = WriteVersion::new(3).unwrap();
        Guard {
            log: Arc::clone(&log) as _,
            store: Arc::new(Records(Mutex::new(records))),
            deployment: Deployment { id: "a".to_owned(), write_version },
            is_there: Box::new(|| true),
            seen: Position::default(),
            missing: Missing::new(),
            notes: false,
            writes: true,
            followed: log,
            newest: 3,
            tags: Some((tags, key)),
        }
    }

    fn border(end: u64) -> Border {
        let key = MasterKey::generate(&SeededEntropy::new(1)).log_key();
        Border::at(BTreeMap::from([(0, end)]), "a", &key)
    }

    #[tokio::test]
    async fn a_record_is_told_to_be_somebody_elses_if_it_says_so_twice() {
        let mut raised = guard(vec![record(3, None), record(4, Some(&border(7)))]);
        let kept = raised.record().await.unwrap();
        assert_eq!(kept.record.write_version(), 4, "it was raised between the two");
        let mut back = guard(vec![record(3, None)]);
        let why = back.record().await.unwrap_err();
        assert!(why.contains("takes commits without an authentication tag"), "{why}");
        let mut raised = guard(vec![record(4, Some(&border(7))), record(3, None)]);
        raised.record().await.unwrap();
        let why = raised.record().await.unwrap_err();
        assert!(why.contains("went back from generation 4 to 3"), "{why}");
    }

    #[tokio::test]
    async fn a_border_of_before_a_loss_was_accepted_is_one_that_is_not_taken() {
        let mut older = guard(vec![record(4, Some(&border(9)))]);
        older.record().await.unwrap();
        let (tags, _) = older.tags.clone().unwrap();
        assert!(!tags.require(3, &Untagged::Anywhere), "commits behind place 7 need a tag as before");
    }
}
