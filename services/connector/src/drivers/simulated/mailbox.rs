//! Plays on their way to a link.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::play::Play;

/// Plays that wait for a link.
const PLAYS_WAITING_MAX: usize = 8;

/// The plays that wait for a link. A channel would do the same, and its padding would take as much memory as
/// all the rest of a link.
#[derive(Debug)]
pub(super) struct Mailbox {
    /// Written by whoever plays, emptied by the link; none when the link has ended.
    waiting: Mutex<Option<VecDeque<Play>>>,
    came: Notify,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::new(Some(VecDeque::new())), came: Notify::new() }
    }

    /// Leaves a play for the link. False if the link has ended or too many wait; the play is then dropped.
    pub(super) fn put(&self, play: Play) -> bool {
        let mut waiting = self.waiting();
        let Some(plays) = waiting.as_mut().filter(|plays| plays.len() < PLAYS_WAITING_MAX) else {
            return false;
        };
        plays.push_back(play);
        self.came.notify_one();
        true
    }

    /// The next play. Only one task takes them.
    pub(super) async fn take(&self) -> Play {
        loop {
            let next = self.waiting().as_mut().and_then(VecDeque::pop_front);
            match next {
                Some(play) => return play,
                None => self.came.notified().await,
            }
        }
    }

    /// Takes no more plays and drops those that wait: whoever plays is told so.
    pub(super) fn close(&self) {
        *self.waiting() = None;
    }

    fn waiting(&self) -> MutexGuard<'_, Option<VecDeque<Play>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::drivers::simulated::play::Action;

    fn play() -> Play {
        Play { action: Action::Return, reply: oneshot::channel().0 }
    }

    #[tokio::test]
    async fn plays_are_taken_in_turn_and_few_may_wait() {
        let mailbox = Mailbox::new();
        for _ in 0..PLAYS_WAITING_MAX {
            assert!(mailbox.put(play()));
        }
        assert!(!mailbox.put(play()));
        mailbox.take().await;
        assert!(mailbox.put(play()));
        mailbox.close();
        assert!(!mailbox.put(play()));
    }
}
