//! A round over all lanes for endpoints that are told nothing more; pure.

use std::{collections::BTreeSet, mem};

use berth_proto::{EndpointId, InstanceId};

use crate::dispatch::{board::Board, lane::LaneKey};

/// Lanes that are looked at at once.
const LANES_AT_ONCE: usize = 16_384;

/// See the module. What comes to be known of while it goes on is looked for in the next one, or none would ever end while accounts
/// change.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Endpoints that are looked for.
    gone: BTreeSet<EndpointId>,
    next: BTreeSet<EndpointId>,
    /// The last lane that was looked at; none before the first.
    looked_at: Option<LaneKey>,
}

// === impl Round ===

impl Round {
    /// These are told nothing more.
    pub(super) fn add(&mut self, gone: impl IntoIterator<Item = EndpointId>) {
        let of = if self.looked_at.is_none() { &mut self.gone } else { &mut self.next };
        of.extend(gone);
    }

    /// Whether nothing is looked for.
    pub(super) fn is_over(&self) -> bool {
        self.gone.is_empty()
    }

    /// Instances of which something waits for such an endpoint, among the next lanes.
    pub(super) fn go_on(&mut self, board: &Board) -> BTreeSet<InstanceId> {
        if self.is_over() {
            return BTreeSet::new();
        }
        let (instances, last) =
            board.instances_with(|lane| self.gone.contains(&lane.endpoint), self.looked_at, LANES_AT_ONCE);
        self.looked_at = last;
        if last.is_none() {
            self.gone = mem::take(&mut self.next);
        }
        instances
    }
}

#[cfg(test)]
mod tests {
    use berth_domain::instance::NoticeClass;
    use berth_notices::fixtures::at;
    use berth_proto::delivery::NoticeKeyV1;

    use super::*;
    use crate::dispatch::{
        fixtures::{owed, untried},
        lane::Present,
    };

    /// So many instances of which something waits for one endpoint each, every other one for the same.
    fn board(instances: u16) -> Board {
        let mut board = Board::default();
        for number in 0..instances {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&number.to_be_bytes());
            let instance = InstanceId::from_bytes(id);
            let endpoint = endpoint(u8::try_from(number % 2).unwrap());
            let key = NoticeKeyV1 { instance, version: 1, endpoint, ordinal: 0 };
            let rows = vec![(key, owed(NoticeClass::Lifecycle))];
            board.merge(instance, rows.into(), &untried(), Present { now: at(0), latest: at(1) });
        }
        board
    }

    const fn endpoint(number: u8) -> EndpointId {
        EndpointId::from_bytes([number; 16])
    }

    #[test]
    fn a_round_looks_at_a_part_of_the_lanes_at_a_time_and_ends_before_the_next_begins() {
        let lanes = u16::try_from(LANES_AT_ONCE).unwrap() + 2;
        let (board, mut round) = (board(lanes), Round::default());
        assert!(round.is_over() && round.go_on(&board).is_empty());
        round.add([endpoint(1)]);
        assert_eq!(round.go_on(&board).len(), LANES_AT_ONCE / 2);
        round.add([endpoint(0)]);
        assert_eq!(round.go_on(&board).len(), 1, "the others are of the next round");
        assert!(!round.is_over());
        assert_eq!(round.go_on(&board).len(), LANES_AT_ONCE / 2);
        assert_eq!(round.go_on(&board).len(), 1);
        assert!(round.is_over());
    }
}
