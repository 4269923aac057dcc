//! The way of one letter: attempts, and between them looks whether it may still be told.

use std::{sync::Arc, time::Duration};

use berth_bus::{Holds, Postbag};
use berth_proto::{InstanceId, Timestamp, codec, letter::LetterV1};
use tokio::time::{Instant, sleep_until};

use super::{
    PAUSE,
    deliver::{Head, Look, Next, deliver, look},
    slots::Slots,
};
use crate::{
    dispatch::{Fault, Tools},
    metrics,
    schedule::plus,
};

/// How the way of a letter ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is delivered, given up, or nobody is to be told of it.
    Done,
    /// Nothing that came so far may be told any more.
    Silence,
}

/// See the module.
pub(super) struct Passage {
    pub(super) tools: Tools,
    pub(super) postbag: Arc<dyn Postbag>,
    pub(super) slots: Arc<Slots>,
    pub(super) holds: Holds,
    pub(super) instance: InstanceId,
    pub(super) place: u64,
    /// None until it was read.
    pub(super) head: Option<Head>,
}

impl Passage {
    /// Goes on until the letter is at its end.
    pub(super) async fn run(mut self) -> End {
        let mut attempts = 0;
        loop {
            let next = match self.attempt(attempts).await {
                Ok(next) => next,
                Err(fault) => self.after(&fault, attempts).await,
            };
            let after = match next {
                Next::End(end) => return end,
                Next::Again { attempts: made, after } => {
                    attempts = made;
                    after
                }
            };
            if let Some(end) = self.wait(after).await {
                return end;
            }
        }
    }

    /// Tries it once. What may not be told takes up no room and is not read.
    async fn attempt(&mut self, attempts: u16) -> Result<Next, Fault> {
        let account = match look(&self.tools, self.instance, self.head.as_ref()).await? {
            Look::Wanted(account) => account,
            Look::Hold => return Ok(Next::Again { attempts, after: self.tools.schedule.letter_look }),
            Look::Over(end) => return Ok(Next::End(end)),
        };
        let _slot = self.slots.take(account).await;
        // Before the log is read for its permission: see `flights`.
        let flight = self.tools.flights.begin(self.instance);
        let Some(letter) = self.letter().await? else { return Ok(Next::End(End::Done)) };
        deliver(&self.tools, (self.holds.clone(), &flight), (self.instance, self.place), &letter, attempts)
            .await
    }

    /// Reads the letter; none if there is nothing that could be told.
    async fn letter(&mut self) -> Result<Option<LetterV1>, Fault> {
        let Some(letter) = self.postbag.get(self.instance, self.place).await? else { return Ok(None) };
        let Ok(letter) = codec::decode::<LetterV1>(&letter) else {
            tracing::error!(instance = %self.instance, "a message that waited cannot be read: it is not handed on");
            metrics::letter("unreadable");
            return Ok(None);
        };
        self.head.get_or_insert_with(|| Head::of(&letter));
        Ok(Some(letter))
    }

    /// A fault of ours makes it wait, but not for longer than a letter waits.
    async fn after(&mut self, fault: &Fault, attempts: u16) -> Next {
        // It never was, or it is gone.
        if matches!(fault, Fault::Missing) {
            return Next::End(End::Silence);
        }
        tracing::warn!(instance = %self.instance, error = fault as &dyn std::error::Error,
            "a message cannot be handed on now");
        if !fault.lasts() {
            return self.unless_expired(Next::Again { attempts, after: PAUSE });
        }
        if self.head.is_none() && matches!(self.letter().await, Ok(None)) {
            return Next::End(End::Done);
        }
        self.unless_expired(Next::Again { attempts, after: self.tools.schedule.letter_look })
    }

    fn unless_expired(&self, next: Next) -> Next {
        match &self.head {
            Some(head) if head.is_expired(self.tools.clock.now()) => {
                metrics::letter("expired");
                Next::End(End::Done)
            }
            _ => next,
        }
    }

    /// Waits for the next attempt. A letter that may not be told any more does not stay until then, nor hold up what comes
    /// behind it.
    async fn wait(&self, after: Duration) -> Option<End> {
        let due = Instant::now() + after;
        loop {
            let now = Instant::now();
            if now >= due {
                return None;
            }
            sleep_until(due.min(now + self.tools.schedule.letter_look)).await;
            if Instant::now() >= due {
                return None;
            }
            match look(&self.tools, self.instance, self.head.as_ref()).await {
                Ok(Look::Over(end)) => return Some(end),
                Err(Fault::Missing) => return Some(End::Silence),
                // An attempt says what is wrong.
                Ok(Look::Wanted(_) | Look::Hold) | Err(_) => {}
            }
        }
    }
}

impl Head {
    /// Whether it waited for as long as a letter may.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        plus(self.received_at, berth_bus::postbag::LETTER_AGE_MAX) <= now
    }
}
