//! Mailboxes: commands for one stream wait here and are handled in their order, by one worker at a time.
//!
//! A mailbox exists while somebody empties it: the first command makes it, and it ends when nothing more is found.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use berth_proto::{StreamKey, command::Command, frame::CommandRequestV2};

use crate::{asker::Asker, metrics, trouble::Trouble};

/// Commands that wait for one stream; more are refused.
pub(crate) const MAILBOX_COMMANDS_MAX: usize = 1_024;
/// Streams that are at work at once; commands for more are refused.
pub(crate) const MAILBOXES_MAX: usize = 16_384;

/// A command and where its answer goes.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) request: CommandRequestV2,
    /// What the request holds if it is for an instance.
    pub(crate) command: Option<Command>,
    pub(crate) asker: Asker,
}

/// All mailboxes of the process.
#[derive(Debug, Default)]
pub(crate) struct Mailboxes {
    /// Written by the tasks of the partitions.
    waiting: Mutex<HashMap<StreamKey, VecDeque<Posted>>>,
}

impl Mailboxes {
    /// Puts a command into the mailbox of its stream; one for which there is no room is answered so. The stream, if nobody is
    /// at work on it: whoever is told this empties the mailbox.
    pub(crate) fn post(&self, posted: Posted) -> Option<StreamKey> {
        let stream = posted.request.target.stream();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = waiting.get_mut(&stream) {
            if queue.len() < MAILBOX_COMMANDS_MAX {
                queue.push_back(posted);
                return None;
            }
        } else if waiting.len() < MAILBOXES_MAX {
            waiting.insert(stream, VecDeque::from([posted]));
            metrics::mailboxes(waiting.len());
            return Some(stream);
        }
        drop(waiting);
        posted.asker.answer(&Trouble::Overloaded.reply());
        None
    }

    /// Takes up to `limit` waiting commands. None is the end of the mailbox.
    pub(crate) fn drain(&self, stream: StreamKey, limit: usize) -> Option<Vec<Posted>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = waiting.get_mut(&stream)?;
        if queue.is_empty() {
            waiting.remove(&stream);
            metrics::mailboxes(waiting.len());
            return None;
        }
        metrics::mailbox_depth(queue.len());
        let count = queue.len().min(limit);
        Some(queue.drain(..count).collect())
    }
}
