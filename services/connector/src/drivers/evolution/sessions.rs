//! Which sessions run on an upstream: an instance has one there, so an old device must not be unlinked over a new one.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use berth_proto::InstanceId;

use crate::driver::Link;

/// An attempt of an instance. Another instance may have its name there once it is deleted.
type Attempt = (InstanceId, u32);

/// The sessions of one upstream.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// By the instance's name there: the attempt that has or makes the session.
    attempts: Mutex<HashMap<String, Attempt>>,
    /// By that name: the attempt that saw the sessions of all before it ended.
    freed: Mutex<HashMap<String, Attempt>>,
    /// By that name: what the QR code hashes to that was shown last, which the upstream goes on answering until the next session has one.
    shown: Mutex<HashMap<String, u64>>,
}

/// A run, until it is dropped.
#[derive(Debug)]
pub(super) struct Running<'a> {
    sessions: &'a Sessions,
    /// None if it only watches.
    session: Option<(String, Attempt)>,
}

impl Sessions {
    /// A run begins. One that only watches has no session.
    pub(super) fn begin(&self, name: &str, link: &Link, watches: bool) -> Running<'_> {
        let session = (!watches).then(|| (name.to_owned(), (link.instance, link.attempt)));
        if let Some((name, attempt)) = &session {
            self.attempts().insert(name.clone(), *attempt);
        }
        Running { sessions: self, session }
    }

    /// Whether a later attempt has or makes the session of an instance, or another instance that has the name there by now.
    pub(super) fn is_superseded(&self, name: &str, link: &Link) -> bool {
        let is_later = |(instance, attempt): &Attempt| *instance != link.instance || *attempt > link.attempt;
        self.attempts().get(name).is_some_and(is_later)
    }

    /// An attempt logged out what was there before it, and saw that it was.
    pub(super) fn note_freed(&self, name: &str, link: &Link) {
        lock(&self.freed).insert(name.to_owned(), (link.instance, link.attempt));
    }

    /// Whether the session of an attempt was seen ended by a later one.
    pub(super) fn was_freed(&self, name: &str, link: &Link) -> bool {
        let is_later = |(instance, attempt): &Attempt| *instance == link.instance && *attempt > link.attempt;
        lock(&self.freed).get(name).is_some_and(is_later)
    }

    /// A QR code is shown.
    pub(super) fn note_shown(&self, name: &str, code: u64) {
        lock(&self.shown).insert(name.to_owned(), code);
    }

    /// The one that was shown last, by whichever attempt.
    pub(super) fn shown_last(&self, name: &str) -> Option<u64> {
        lock(&self.shown).get(name).copied()
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<String, Attempt>> {
        lock(&self.attempts)
    }
}

/// One entry for each instance that the upstream has.
fn lock<T>(of: &Mutex<HashMap<String, T>>) -> MutexGuard<'_, HashMap<String, T>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some((name, attempt)) = &self.session {
            let mut attempts = self.sessions.attempts();
            if attempts.get(name) == Some(attempt) {
                attempts.remove(name);
            }
        }
    }
}
