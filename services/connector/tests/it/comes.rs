//! What comes of a connect at the scripted upstream, where a device has scanned a code.

use crate::scripted::{JID, There};

/// The first connects are given up, each after so many looks, and the next one logs in after as many.
#[derive(Debug)]
pub(crate) struct Comes {
    given_up: usize,
    looks: usize,
    /// Connects that were asked for.
    asked: usize,
    /// Looks since the last one of them.
    looked: usize,
}

impl Comes {
    pub(crate) const fn given_up(given_up: usize, looks: usize) -> Self {
        Self { given_up, looks, asked: 0, looked: 0 }
    }

    pub(crate) const fn is_asked(&mut self) {
        (self.asked, self.looked) = (self.asked + 1, 0);
    }

    /// Looked at once more.
    pub(crate) fn is_looked_at(&mut self, there: &mut There) {
        if there.socket != "connecting" {
            return;
        }
        if self.looked < self.looks {
            self.looked += 1;
        } else if self.asked > self.given_up {
            (there.socket, there.database, there.jid) = ("open", None, Some(JID));
        } else {
            there.socket = "close";
        }
    }
}
