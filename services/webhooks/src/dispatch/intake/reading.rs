//! What is still to be read of the outbox, and what is being read; pure.
//!
//! ```text
//! what goes on in its lane ─────────────────── every other ──▶ one read at a time, off the loop ──▶ merged ──▶ what changed meanwhile
//! whole instances that something happens to ── first ────────▶
//! everything, a part at a time ─────────────── then ─────────▶
//! instances that were away ─────────────────── every other ──▶
//! ```
//!
//! A read gives rows as they were at some moment since it began. So what changes meanwhile of what is read is only looked at
//! after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use berth_proto::InstanceId;

use crate::{
    dispatch::{board::Board, extent::Extent, heads::InLane, lane::LaneKey},
    outbox::touched::{Change, Changes},
};

/// Instances that are read at once.
const INSTANCES_AT_ONCE: usize = 64;
/// Lanes whose next notices are read at once.
const LANES_AT_ONCE: usize = 64;
/// Notices that are read of them, as many as of a part.
const NOTICES_AT_ONCE: usize = 4_096;

/// What one read is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dispatch) enum Scope {
    /// What waits in these lanes behind a place, so many notices of each.
    Lanes(BTreeMap<LaneKey, (InLane, usize)>),
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
    /// Instances that were away and come back.
    back: BTreeSet<InstanceId>,
    /// Whether the last read but for lanes was of these.
    read_back: bool,
    /// Whether the last read was of lanes: the next one is of something else, if there is anything.
    read_lanes: bool,
    /// The last lane that was read: the next ones are those behind it, so that none waits for others that go on all the time.
    last_lane: Option<LaneKey>,
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
            Self::Lanes(lanes) => lanes.keys().any(|lane| lane.instance == instance),
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
            back: BTreeSet::new(),
            read_back: false,
            read_lanes: false,
            last_lane: None,
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
        self.back.clear();
        self.extent = Extent::up_to(None);
    }

    /// Goes on with what is left in the view, if there is room.
    pub(super) fn make_use_of_room(&mut self, is_free: bool) {
        if self.reads_on.is_some() {
            return;
        }
        if mem::take(&mut self.again) {
            self.begin_anew();
        } else if is_free {
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

    /// Whether an instance is to be read, or is being read, for what happened to it.
    pub(super) fn is_awaited(&self, instance: InstanceId) -> bool {
        let is_read =
            |running: &Running| matches!(running.scope, Scope::Instances(_)) && running.scope.has(instance);
        self.wanted.contains(&instance) || self.running.as_ref().is_some_and(is_read)
    }

    /// Something of an instance stays in the view.
    pub(super) fn leave_out(&mut self, instance: InstanceId) {
        self.extent.leave_out(instance);
    }

    /// All of an instance is to be read.
    pub(super) fn want(&mut self, instance: InstanceId) {
        self.wanted.insert(instance);
    }

    /// Whether more that comes back finds a place among what is to be read.
    pub(super) fn takes_back(&self) -> bool {
        self.running.is_none() && self.back.len() < INSTANCES_AT_ONCE
    }

    /// An instance comes back that was away.
    pub(super) fn comes_back(&mut self, instance: InstanceId) {
        self.back.insert(instance);
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

    /// Whether something can be read now.
    pub(super) fn has_next(&self, board: &Board) -> bool {
        let makes_use = self.again || (self.is_left() && board.is_free());
        let comes_back = !self.back.is_empty() && !board.is_full();
        let reads = comes_back
            || self.reads_on.is_some()
            || !self.wanted.is_empty()
            || board.is_to_be_read()
            || makes_use;
        self.running.is_none() && reads
    }

    /// Whether something is in the view alone for which there was no room.
    fn is_left(&self) -> bool {
        self.extent.read_up_to().is_some() || self.extent.left_out().next().is_some()
    }

    /// What is to be read now. A lane goes on whatever else there is, and all else whatever goes on.
    pub(super) fn next(&mut self, board: &Board) -> Option<Scope> {
        if self.running.is_some() {
            return None;
        }
        let scope = if self.read_lanes {
            self.next_of_all(board).or_else(|| self.next_lanes(board))
        } else {
            self.next_lanes(board).or_else(|| self.next_of_all(board))
        }?;
        self.read_lanes = matches!(scope, Scope::Lanes(_));
        let meanwhile = Changes::new();
        self.running = Some(Running { scope: scope.clone(), meanwhile, is_outdated: false });
        Some(scope)
    }

    /// The next lanes that go on.
    fn next_lanes(&mut self, board: &Board) -> Option<Scope> {
        let lanes = board.to_be_read(self.last_lane, (LANES_AT_ONCE, NOTICES_AT_ONCE));
        self.last_lane = lanes.last_key_value().map(|(lane, _)| *lane);
        (!lanes.is_empty()).then_some(Scope::Lanes(lanes))
    }

    /// What is to be read next but for what goes on in its lane. What finds no room stays in the view until there is some.
    fn next_of_all(&mut self, board: &Board) -> Option<Scope> {
        if board.has_no_room() {
            for instance in mem::take(&mut self.wanted) {
                self.extent.leave_out(instance);
            }
        }
        if self.wanted.is_empty() {
            self.reads_on.take_if(|_| board.is_full());
            let comes_back = !self.back.is_empty() && !board.is_full();
            self.read_back = comes_back && (self.reads_on.is_none() || !self.read_back);
            if self.read_back {
                return Some(Scope::Instances(mem::take(&mut self.back)));
            }
            return self.reads_on.clone();
        }
        self.back.retain(|instance| !self.wanted.contains(instance));
        let rest = self.wanted.iter().nth(INSTANCES_AT_ONCE).copied();
        let rest = rest.map(|rest| self.wanted.split_off(&rest)).unwrap_or_default();
        Some(Scope::Instances(mem::replace(&mut self.wanted, rest)))
    }

    /// The read came to its end.
    pub(super) fn end(&mut self) -> Option<Running> {
        self.running.take()
    }

    /// What was read is in memory; of a part up to an instance, or to the end.
    pub(super) fn merged(&mut self, scope: &Scope, last: Option<InstanceId>) {
        match scope {
            Scope::Lanes(_) => {}
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
    use berth_domain::instance::NoticeClass;
    use berth_notices::fixtures::at;
    use berth_proto::delivery::NoticeKeyV1;

    use super::*;
    use crate::dispatch::{
        fixtures::{ENDPOINT, owed, untried},
        heads::Room,
        lane::Present,
    };

    fn instance(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; 16])
    }

    fn happened() -> Change {
        Change { happened: true, ..Change::default() }
    }

    /// Reads what is next and merges it.
    fn read(reading: &mut Reading, last: Option<InstanceId>) -> Scope {
        let board = Board::default();
        let scope = reading.next(&board).unwrap();
        assert!(reading.next(&board).is_none() && !reading.has_next(&board), "one at a time");
        assert!(!reading.end().unwrap().is_outdated);
        reading.merged(&scope, last);
        scope
    }

    #[test]
    fn instances_that_something_happens_to_come_before_the_next_part() {
        let (mut reading, board) = (Reading::nothing(), Board::default());
        assert!(!reading.has_next(&board) && reading.next(&board).is_none());
        reading.begin_anew();
        assert_eq!(read(&mut reading, Some(instance(5))), Scope::Part { after: None });
        reading.want(instance(9));
        assert!(reading.defers(instance(9), &happened()), "it is read as it is then");
        assert_eq!(read(&mut reading, None), Scope::Instances([instance(9)].into()));
        assert!(reading.has(instance(5)) && reading.has(instance(9)) && !reading.has(instance(7)));
        assert_eq!(read(&mut reading, None), Scope::Part { after: Some(instance(5)) });
        assert!(reading.has(instance(7)) && !reading.has_next(&board));
        for number in 0..=u8::MAX {
            reading.want(instance(number));
        }
        let Scope::Instances(first) = read(&mut reading, None) else { panic!("a part") };
        assert_eq!((first.len(), first.last()), (INSTANCES_AT_ONCE, Some(&instance(63))));
        assert_eq!(reading.wanted.len(), 256 - INSTANCES_AT_ONCE);
    }

    #[test]
    fn what_changes_of_what_is_read_is_looked_at_after_it() {
        let (mut reading, board) = (Reading::nothing(), Board::default());
        reading.begin_anew();
        read(&mut reading, Some(instance(5)));
        reading.next(&board);
        assert!(!reading.defers(instance(5), &happened()), "it was read before");
        assert!(reading.defers(instance(6), &happened()) && reading.defers(instance(6), &Change::default()));
        let running = reading.end().unwrap();
        assert_eq!(running.meanwhile, [(instance(6), happened())].into());
        reading.merged(&running.scope, None);
        assert!(!reading.defers(instance(6), &happened()));
    }

    #[test]
    fn a_read_from_before_everything_is_read_anew_is_of_no_use() {
        let (mut reading, board) = (Reading::nothing(), Board::default());
        reading.begin_anew();
        read(&mut reading, Some(instance(5)));
        reading.next(&board);
        reading.begin_anew();
        assert!(!reading.has(instance(1)));
        assert!(reading.end().unwrap().is_outdated);
        assert_eq!(reading.next(&board), Some(Scope::Part { after: None }));
        reading.end();
        reading.stop();
        assert!(!reading.has_next(&board));
    }

    #[test]
    fn what_finds_no_room_stays_in_the_view_until_there_is_some() {
        let (mut reading, board) = (Reading::nothing(), Board::default());
        let full = Board::with(Room { notices_max: 0, ..Room::default() });
        let fuller = Board::with(Room { notices_max: 0, besides_max: 0, ..Room::default() });
        reading.begin_anew();
        read(&mut reading, Some(instance(5)));
        assert_eq!((reading.next(&full), reading.has_next(&full)), (None, false));
        reading.want(instance(7));
        assert!(reading.next(&full).is_some(), "what something happens to is read all the same");
        reading.end();
        reading.make_use_of_room(full.is_free());
        assert!(!reading.has_next(&full));
        reading.make_use_of_room(board.is_free());
        assert_eq!(read(&mut reading, None), Scope::Part { after: Some(instance(5)) }, "it goes on there");
        reading.leave_out(instance(3));
        reading.make_use_of_room(board.is_free());
        assert_eq!(read(&mut reading, None), Scope::Instances([instance(3)].into()));
        reading.want(instance(8));
        assert_eq!(reading.next(&fuller), None);
        assert!(!reading.has(instance(8)), "it stays in the view");
        reading.once_more();
        assert!(reading.has_next(&full), "everything is to be read once more");
        reading.make_use_of_room(full.is_free());
        assert!(reading.has_next(&board) && !reading.has(instance(1)));
    }

    #[test]
    fn what_comes_back_and_a_scan_take_turns_if_there_is_room() {
        let (mut reading, board) = (Reading::nothing(), Board::default());
        let full = Board::with(Room { notices_max: 0, ..Room::default() });
        reading.begin_anew();
        reading.comes_back(instance(1));
        assert!(reading.takes_back() && reading.has_next(&board));
        assert_eq!(read(&mut reading, Some(instance(5))), Scope::Instances([instance(1)].into()));
        reading.comes_back(instance(2));
        assert_eq!(read(&mut reading, Some(instance(5))), Scope::Part { after: None });
        assert!(reading.next(&full).is_none() && !reading.has_next(&full));
        reading.want(instance(2));
        assert_eq!(read(&mut reading, None), Scope::Instances([instance(2)].into()));
        assert!(reading.back.is_empty(), "it is read once");
    }

    #[test]
    fn what_goes_on_in_its_lane_and_all_else_take_turns() {
        let (mut reading, mut board) =
            (Reading::nothing(), Board::with(Room { lane_max: 1, ..Room::default() }));
        let present = Present { now: at(0), latest: at(1) };
        let keys = [1, 2].map(|version| NoticeKeyV1 {
            instance: instance(1),
            version,
            endpoint: ENDPOINT,
            ordinal: 0,
        });
        for key in keys {
            board.update(key, Some(owed(NoticeClass::Lifecycle)), &untried(), present);
        }
        assert!(!board.is_to_be_read(), "the first one waits");
        board.remove(&keys[0], NoticeClass::Lifecycle);
        reading.begin_anew();
        let mut turn = || {
            let scope = reading.next(&board).unwrap();
            reading.end();
            reading.merged(&scope, Some(instance(9)));
            matches!(scope, Scope::Lanes(_))
        };
        assert_eq!([turn(), turn(), turn(), turn()], [true, false, true, false]);
    }
}
