//! Whatever comes and goes: nobody is above a share, and nobody waits for ever.

use std::collections::HashMap;

use berth_notices::fixtures::at;
use berth_proto::{EndpointId, InstanceId};
use proptest::prelude::*;

use super::*;

fn lane(number: u16) -> LaneKey {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    let endpoint = EndpointId::from_bytes([1; 16]);
    LaneKey { instance: InstanceId::from_bytes(id), endpoint, codes: false }
}

fn slot(account: u8, place: u8, of: Try) -> Slot {
    let account = AccountId::from_bytes([account; 16]);
    let to = Destination { account, place: Place::of(&place.to_string()) };
    Slot { of, to, voice: Voice::Silent }
}

/// Everything that may start now.
fn start(shares: &mut Shares, now: Timestamp) -> Vec<(LaneKey, Slot)> {
    std::iter::from_fn(|| shares.next(now)).collect()
}

fn any_slot() -> impl Strategy<Value = Slot> {
    (0..6_u8, 0..9_u8, any::<bool>())
        .prop_map(|(account, place, first)| slot(account, place, if first { Try::First } else { Try::Later }))
}

#[test]
fn a_place_that_does_not_answer_has_sixteen_and_one_that_does_has_more() {
    let mut shares = Shares::default();
    for number in 0..400 {
        shares.add(slot(1, 1, Try::First), at(0), lane(number));
    }
    let running = start(&mut shares, at(0));
    assert_eq!(running.len(), PLACE_SILENT_MAX);
    for (_, slot) in running {
        shares.give_back(slot, Some(true), at(0));
    }
    // One account has half of the budget, and this place no more than its share.
    assert_eq!(start(&mut shares, at(0)).len(), PLACE_ANSWERING_MAX);
}

#[test]
fn a_place_that_stops_answering_gets_no_more_than_sixteen() {
    let mut shares = Shares::default();
    let one = slot(1, 1, Try::First);
    shares.add(one, at(0), lane(0));
    assert_eq!(start(&mut shares, at(0)).len(), 1);
    shares.give_back(one, Some(true), at(0));
    for number in 0..40 {
        shares.add(one, at(0), lane(number));
    }
    assert_eq!(start(&mut shares, at(0)).len(), 40);
    shares.add(one, at(3), lane(40));
    assert_eq!(shares.next(at(3)), None, "it owes forty answers for three seconds");
    for _ in 0..25 {
        shares.give_back(one, Some(false), at(3));
    }
    assert_eq!(shares.next(at(3)).map(|(lane, _)| lane), Some(lane(40)));
}

#[test]
fn a_place_that_answered_long_ago_has_sixteen_until_the_first_answer() {
    let mut shares = Shares::default();
    let one = slot(1, 1, Try::First);
    shares.add(one, at(0), lane(0));
    let (_, taken) = shares.next(at(0)).unwrap();
    shares.give_back(taken, Some(true), at(0));
    for number in 1..=40 {
        shares.add(one, at(11), lane(number));
    }
    let first = start(&mut shares, at(11));
    assert_eq!(first.len(), PLACE_SILENT_MAX);
    assert!(first.iter().all(|(_, slot)| slot.voice == Voice::Answering), "it waits for none that hang");
    shares.give_back(first[0].1, Some(true), at(11));
    assert_eq!(start(&mut shares, at(11)).len(), 40 - PLACE_SILENT_MAX);
}

#[test]
fn places_that_answer_wait_for_none_that_do_not() {
    let mut shares = Shares::default();
    let answers = slot(1, 0, Try::First);
    shares.add(answers, at(0), lane(0));
    let (_, taken) = shares.next(at(0)).unwrap();
    shares.give_back(taken, Some(true), at(0));
    for number in 1..=640 {
        shares.add(slot(1, 1 + (number % 40) as u8, Try::First), at(0), lane(number));
    }
    assert_eq!(start(&mut shares, at(0)).len(), 128, "half of what is left free");
    for number in 641..=700 {
        shares.add(answers, at(0), lane(number));
    }
    let told = start(&mut shares, at(0));
    assert_eq!(told.len(), 60);
    assert!(told.iter().all(|(_, slot)| slot.to == answers.to && slot.voice == Voice::Answering));
    // Another account has its turn beside both.
    shares.add(slot(2, 99, Try::First), at(0), lane(701));
    assert_eq!(shares.next(at(0)).map(|(lane, _)| lane), Some(lane(701)));
}

#[test]
fn a_lane_that_was_taken_away_has_no_turn() {
    let mut shares = Shares::default();
    let one = slot(1, 1, Try::First);
    shares.add(one, at(0), lane(0));
    shares.add(one, at(1), lane(1));
    shares.remove(one, at(0), lane(0));
    assert_eq!(start(&mut shares, at(1)), [(lane(1), one)]);
    shares.give_back(one, Some(false), at(1));
    assert!(shares.places.is_empty() && shares.first.accounts.is_empty(), "nothing is left behind");
}

proptest! {
    #[test]
    fn nobody_is_above_a_share(
        steps in proptest::collection::vec((any_slot(), 0..40_u16, 0..30_usize, any::<Option<bool>>()), 1..60)
    ) {
        let mut shares = Shares::default();
        let mut running: Vec<Slot> = Vec::new();
        let mut answered: BTreeSet<Place> = BTreeSet::new();
        let mut number = 0;
        for (slot, waiting, ended, answer) in steps {
            for _ in 0..waiting {
                shares.add(slot, at(0), lane(number));
                number += 1;
            }
            while let Some((_, slot)) = shares.next(at(0)) {
                running.push(slot);
                let same = |test: &dyn Fn(&Slot) -> bool| running.iter().filter(|slot| test(slot)).count();
                let max = match slot.of { Try::First => FIRST_MAX, Try::Later => LATER_MAX };
                let budget = same(&|one| one.of == slot.of);
                let account = same(&|one| {
                    (one.of, one.to.account, one.voice) == (slot.of, slot.to.account, slot.voice)
                });
                let place = same(&|one| one.to.place == slot.to.place);
                let parts = match slot.voice { Voice::Answering => 1, Voice::Silent => SILENT_PART };
                prop_assert!(parts * (account - 1) < max + 1 - budget, "{account} of {budget}");
                let place_max =
                    if answered.contains(&slot.to.place) { PLACE_ANSWERING_MAX } else { PLACE_SILENT_MAX };
                prop_assert!(place <= place_max);
            }
            for _ in 0..ended.min(running.len()) {
                let slot = running.remove(0);
                shares.give_back(slot, answer, at(0));
                if answer == Some(true) {
                    answered.insert(slot.to.place);
                }
            }
        }
        let (first, later) = shares.in_flight();
        prop_assert_eq!(first + later, running.len());
    }

    #[test]
    fn whoever_waits_has_a_turn_though_nobody_ever_answers(
        waiting in proptest::collection::vec(any_slot(), 1..500)
    ) {
        let mut shares = Shares::default();
        for (number, slot) in (0..).zip(&waiting) {
            shares.add(*slot, at(0), lane(number));
        }
        let mut seen: HashMap<LaneKey, usize> = HashMap::new();
        // Each round starts at least sixteen, or all that wait.
        for _ in 0..=waiting.len() / PLACE_SILENT_MAX {
            for (lane, slot) in start(&mut shares, at(0)) {
                *seen.entry(lane).or_default() += 1;
                shares.give_back(slot, Some(false), at(0));
            }
        }
        prop_assert_eq!(seen.len(), waiting.len());
        prop_assert!(seen.values().all(|turns| *turns == 1));
        prop_assert!(shares.places.is_empty());
    }

    #[test]
    fn a_newcomer_is_next_whatever_hangs(hanging in proptest::collection::vec(any_slot(), 0..1_000)) {
        let mut shares = Shares::default();
        for (number, slot) in (0..).zip(&hanging) {
            shares.add(*slot, at(0), lane(number));
        }
        start(&mut shares, at(0));
        shares.add(slot(99, 99, Try::First), at(0), lane(u16::MAX));
        prop_assert_eq!(shares.next(at(0)).map(|(lane, _)| lane), Some(lane(u16::MAX)));
    }
}
