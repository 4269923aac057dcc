//! What is still to be read of the outbox, and what is being read; pure.
//!
//! ```text
//! whole instances that something happens to ── first ──▶ one read at a time, off the loop ──▶ merged ──▶ what changed meanwhile
//! everything, a part at a time ─────────────── then ───▶
//! ```
//!
//! A read gives rows as they were at some moment since it began. So what changes meanwhile of what is read is only looked at
//! after it.

use std::{collections::BTreeSet, mem};

use berth_proto::InstanceId;

use crate::{
    dispatch::extent::Extent,
    outbox::touched::{Change, Changes},
};

/// Notices that are kept in memory, about 100 MB of them if each has a lane of its own; the rest stays in the view until
/// these are fewer.
pub(super) const OWED_IN_MEMORY_MAX: usize = 400_000;
/// Notices that are kept besides, of instances that something happens to meanwhile.
pub(super) const OWED_BESIDES_MAX: usize = 40_000;
/// Instances that are read at once.
const INSTANCES_AT_ONCE: usize = 64;

/// What one read is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dispatch) enum Scope {
    /// These instances.
    Instances(BTreeSet<InstanceId>),
    /// The next ones behind one, or the first ones.
    Part { after: Option<InstanceId> },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Reading {
    /// From where on everything is still to be read; none if it is not.
    reads_on: Option<Scope>,
    /// Whether everything is to be read once more after this.
    again: bool,
    /// Of which instances everything is in memory.
    extent: Extent,
    /// Instances that are to be read.
    wanted: BTreeSet<InstanceId>,
    running: Option<Running>,
}

/// What is being read.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) scope: Scope,
    /// What changed of it since that began.
    pub(super) meanwhile: Changes,
    /// Whether it is of no use any more, since everything is read anew.
    pub(super) is_outdated: bool,
}

// === impl Scope ===

impl Scope {
    fn has(&self, instance: InstanceId) -> bool {
        match self {
            Self::Instances(instances) => instances.contains(&instance),
            // How far it will come is not known.
            Self::Part { after } => after.is_none_or(|after| instance > after),
        }
    }
}

// === impl Reading ===

impl Reading {
    /// Nothing is to be read, since nothing is dispatched.
    pub(super) const fn nothing() -> Self {
        Self {
            reads_on: None,
            again: false,
            extent: Extent::up_to(None),
            wanted: BTreeSet::new(),
            running: None,
        }
    }

    /// Everything is to be read.
    pub(super) fn begin_anew(&mut self) {
        (self.reads_on, self.again) = (Some(Scope::Part { after: None }), false);
        self.extent = Extent::of_nothing();
        if let Some(running) = &mut self.running {
            running.is_outdated = true;
        }
    }

    /// Everything is to be read once what is being read is: a scan that goes on comes to its end first, or none ever would
    /// while much happens.
    pub(super) fn once_more(&mut self) {
        self.again = true;
    }

    /// Nothing more is to be read.
    pub(super) fn stop(&mut self) {
        self.reads_on = None;
        self.wanted.clear();
        self.extent = Extent::up_to(None);
    }

    /// With so many notices in memory: goes on with what is left in the view, if there is room.
    pub(super) fn make_use_of_room(&mut self, in_memory: usize) {
        if self.reads_on.is_some() {
            return;
        }
        if mem::take(&mut self.again) {
            self.begin_anew();
        } else if in_memory < OWED_IN_MEMORY_MAX / 2 {
            match self.extent.read_up_to() {
                Some(last) => self.reads_on = Some(Scope::Part { after: Some(last) }),
                None => self.wanted.extend(self.extent.left_out().take(INSTANCES_AT_ONCE)),
            }
        }
    }

    /// Whether all of an instance is in memory.
    pub(super) fn has(&self, instance: InstanceId) -> bool {
        self.extent.has(instance)
    }

    /// Something of an instance stays in the view.
    pub(super) fn leave_out(&mut self, instance: InstanceId) {
        self.extent.leave_out(instance);
    }

    /// All of an instance is to be read.
    pub(super) fn want(&mut self, instance: InstanceId) {
        self.wanted.insert(instance);
    }

    /// Whether a change of an instance is looked at later, with what is read of it.
    pub(super) fn defers(&mut self, instance: InstanceId, change: &Change) -> bool {
        if self.wanted.contains(&instance) {
            return true;
        }
        let running = self.running.as_mut().filter(|running| running.scope.has(instance));
        if let Some(running) = running {
            running.meanwhile.entry(instance).or_default().add(change.clone());
            return true;
        }
        false
    }

    /// Whether something can be read now, with so many notices in memory.
    pub(super) fn has_next(&self, in_memory: usize) -> bool {
        let makes_use = self.is_left() && in_memory < OWED_IN_MEMORY_MAX / 2;
        self.running.is_none() && (self.reads_on.is_some() || !self.wanted.is_empty() || makes_use)
    }

    /// Whether something is in the view alone for which there was no room.
    fn is_left(&self) -> bool {
        self.extent.read_up_to().is_some() || self.extent.left_out().next().is_some()
    }

    /// What is to be read now, with so many notices in memory.
    pub(super) fn next(&mut self, in_memory: usize) -> Option<Scope> {
        if self.running.is_some() {
            return None;
        }
        // What finds no room stays in the view until there is some.
        if in_memory >= OWED_IN_MEMORY_MAX + OWED_BESIDES_MAX {
            for instance in mem::take(&mut self.wanted) {
                self.extent.leave_out(instance);
            }
        }
        let scope = if self.wanted.is_empty() {
            self.reads_on.take_if(|_| in_memory >= OWED_IN_MEMORY_MAX);
            self.reads_on.clone()?
        } else {
            let rest = self.wanted.iter().nth(INSTANCES_AT_ONCE).copied();
            let rest = rest.map(|rest| self.wanted.split_off(&rest)).unwrap_or_default();
            Scope::Instances(mem::replace(&mut self.wanted, rest))
        };
        let meanwhile = Changes::new();
        self.running = Some(Running { scope: scope.clone(), meanwhile, is_outdated: false });
        Some(scope)
    }

    /// The read came to its end.
    pub(super) fn end(&mut self) -> Option<Running> {
        self.running.take()
    }

    /// What was read is in memory; of a part up to an instance, or to the end.
    pub(super) fn merged(&mut self, scope: &Scope, last: Option<InstanceId>) {
        match scope {
            Scope::Instances(instances) => instances.iter().for_each(|instance| self.extent.read(*instance)),
            Scope::Part { after } => {
                self.extent.scanned(*after, last);
                self.reads_on = last.map(|last| Scope::Part { after: Some(last) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; 16])
    }

    fn happened() -> Change {
        Change { happened: true, ..Change::default() }
    }

    /// Reads what is next and merges it.
    fn read(reading: &mut Reading, last: Option<InstanceId>) -> Scope {
        let scope = reading.next(0).unwrap();
        assert!(reading.next(0).is_none() && !reading.has_next(0), "one at a time");
        assert!(!reading.end().unwrap().is_outdated);
        reading.merged(&scope, last);
        scope
    }

    #[test]
    fn instances_that_something_happens_to_come_before_the_next_part() {
        let mut reading = Reading::nothing();
        assert!(!reading.has_next(0) && reading.next(0).is_none());
        reading.begin_anew();
        assert_eq!(read(&mut reading, Some(instance(5))), Scope::Part { after: None });
        reading.want(instance(9));
        assert!(reading.defers(instance(9), &happened()), "it is read as it is then");
        assert_eq!(read(&mut reading, None), Scope::Instances([instance(9)].into()));
        assert!(reading.has(instance(5)) && reading.has(instance(9)) && !reading.has(instance(7)));
        assert_eq!(read(&mut reading, None), Scope::Part { after: Some(instance(5)) });
        assert!(reading.has(instance(7)) && !reading.has_next(0));
        for number in 0..=u8::MAX {
            reading.want(instance(number));
        }
        let Scope::Instances(first) = read(&mut reading, None) else { panic!("a part") };
        assert_eq!((first.len(), first.last()), (INSTANCES_AT_ONCE, Some(&instance(63))));
        assert_eq!(reading.wanted.len(), 256 - INSTANCES_AT_ONCE);
    }

    #[test]
    fn what_changes_of_what_is_read_is_looked_at_after_it() {
        let mut reading = Reading::nothing();
        reading.begin_anew();
        read(&mut reading, Some(instance(5)));
        reading.next(0);
        assert!(!reading.defers(instance(5), &happened()), "it was read before");
        assert!(reading.defers(instance(6), &happened()) && reading.defers(instance(6), &Change::default()));
        let running = reading.end().unwrap();
        assert_eq!(running.meanwhile, [(instance(6), happened())].into());
        reading.merged(&running.scope, None);
        assert!(!reading.defers(instance(6), &happened()));
    }

    #[test]
    fn a_read_from_before_everything_is_read_anew_is_of_no_use() {
        let mut reading = Reading::nothing();
        reading.begin_anew();
        read(&mut reading, Some(instance(5)));
        reading.next(0);
        reading.begin_anew();
        assert!(!reading.has(instance(1)));
        assert!(reading.end().unwrap().is_outdated);
        assert_eq!(reading.next(0), Some(Scope::Part { after: None }));
        reading.end();
        reading.stop();
        assert!(!reading.has_next(0));
    }

    #[test]
    fn what_finds_no_room_stays_in_the_view_until_half_of_it_is_free() {
        let mut reading = Reading::nothing();
        reading.begin_anew();
        read(&mut reading, Some(instance(5)));
        assert_eq!((reading.next(OWED_IN_MEMORY_MAX), reading.has_next(OWED_IN_MEMORY_MAX)), (None, false));
        reading.want(instance(7));
        assert!(reading.next(OWED_IN_MEMORY_MAX).is_some(), "what something happens to is read all the same");
        reading.end();
        reading.make_use_of_room(OWED_IN_MEMORY_MAX / 2);
        assert!(!reading.has_next(OWED_IN_MEMORY_MAX / 2));
        reading.make_use_of_room(OWED_IN_MEMORY_MAX / 2 - 1);
        assert_eq!(read(&mut reading, None), Scope::Part { after: Some(instance(5)) }, "it goes on there");
        reading.leave_out(instance(3));
        reading.make_use_of_room(0);
        assert_eq!(read(&mut reading, None), Scope::Instances([instance(3)].into()));
        reading.want(instance(8));
        assert_eq!(reading.next(OWED_IN_MEMORY_MAX + OWED_BESIDES_MAX), None);
        assert!(!reading.has(instance(8)), "it stays in the view");
        reading.once_more();
        reading.make_use_of_room(OWED_IN_MEMORY_MAX);
        assert!(reading.has_next(0) && !reading.has(instance(1)));
    }
}
