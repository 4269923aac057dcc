//! The log as one process reaches it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_log::{
    AppendError, Appended, EventLog, Expected, Follow, FollowError, LogRead, NewCommit, Position, ReadError,
    Stored,
};
use berth_proto::{Kind, StreamKey};
use futures::{StreamExt, stream};
use tokio::{sync::oneshot, time::sleep};

use crate::world::{At, CutOff};

/// How long an engine tries to learn the fate of an append.
const UNKNOWN_AFTER_MILLIS: u64 = 10_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct SharedLog(pub(crate) At);

/// What becomes of an append.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It arrives, and so does the answer.
    Answered,
    /// It arrives, the answer does not.
    AnswerLost,
    /// It arrives when nobody waits for it any more.
    Late(Duration),
    /// It never arrives.
    Lost,
}

// === impl SharedLog ===

impl SharedLog {
    fn fate(&self) -> Fate {
        let (chance, odds) = (&self.0.world.chance, self.0.world.odds());
        match () {
            () if chance.permille(odds.answer_lost) => Fate::AnswerLost,
            () if chance.permille(odds.append_late) => Fate::Late(chance.millis(1, 20_000)),
            () if chance.permille(odds.lost) => Fate::Lost,
            () => Fate::Answered,
        }
    }

    async fn reach_to_read(&self) -> Result<(), ReadError> {
        self.0.reach().await.map_err(|cut| ReadError::Unavailable(cut.into_boxed()))
    }

    async fn unknown(&self, stream: StreamKey) -> AppendError {
        sleep(self.0.world.chance.millis(1, UNKNOWN_AFTER_MILLIS)).await;
        self.0.alive().await;
        AppendError::Unknown { stream, source: CutOff.into_boxed() }
    }
}

#[async_trait]
impl LogRead for SharedLog {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.reach_to_read().await?;
        let tail = self.0.world.log.tail(stream).await;
        self.0.way().await;
        tail
    }

    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        self.reach_to_read().await?;
        let page = self.0.world.log.read(stream, after_version, limit).await;
        self.0.way().await;
        page
    }

    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        let unavailable = |cut: CutOff| FollowError::Unavailable(cut.into_boxed());
        self.0.reach().await.map_err(unavailable)?;
        let followed = self.0.world.log.follow(name, kinds, from).await?;
        let at = self.0.clone();
        Ok(Box::pin(stream::unfold(Some((followed, at)), move |state| async move {
            let (mut followed, at) = state?;
            let next = followed.next().await?;
            at.alive().await;
            let odds = at.world.odds();
            // What comes together comes together, most of the time.
            if at.world.chance.permille(200) {
                at.way().await;
            }
            if at.life.is_cut() || at.world.chance.permille(odds.follower_cut) {
                at.step(format_args!("does not follow the log any more"));
                return Some((Err(FollowError::Unavailable(CutOff.into_boxed())), None));
            }
            Some((next, Some((followed, at))))
        })))
    }

    async fn end(&self) -> Result<Position, ReadError> {
        self.reach_to_read().await?;
        let end = self.0.world.log.end().await;
        self.0.way().await;
        end
    }

    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        self.0.world.log.missing().await
    }

    fn unreadable(&self) -> Option<String> {
        None
    }

    fn shards(&self) -> u8 {
        self.0.world.log.shards()
    }
}

#[async_trait]
impl EventLog for SharedLog {
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        self.0.moment().await;
        let (stream, version, fate) = (commit.stream, commit.version, self.fate());
        if self.0.life.is_cut() {
            self.0.way().await;
            return Err(AppendError::Unavailable(CutOff.into_boxed()));
        }
        let (told, answer) = oneshot::channel();
        let (world, who) = (Arc::clone(&self.0.world), self.0.life.name.clone());
        let way = world.odds().way(&world.chance);
        // What has left a process arrives, whatever becomes of the process.
        self.0.world.go_on(async move {
            match fate {
                Fate::Lost => return,
                Fate::Late(late) => sleep(late).await,
                Fate::Answered | Fate::AnswerLost => sleep(way).await,
            }
            let appended = world.store(commit, expected).await;
            let said = if appended.is_ok() { "stored" } else { "refused" };
            world.trace.step(&who, format_args!("commit {version} of {stream} is {said} ({fate:?})"));
            let _gone = told.send(appended);
        });
        match fate {
            Fate::Answered => {
                let Ok(appended) = answer.await else { return Err(self.unknown(stream).await) };
                self.0.moment().await;
                self.0.way().await;
                if self.0.life.is_cut() {
                    return Err(self.unknown(stream).await);
                }
                appended
            }
            Fate::AnswerLost | Fate::Late(_) | Fate::Lost => Err(self.unknown(stream).await),
        }
    }
}
