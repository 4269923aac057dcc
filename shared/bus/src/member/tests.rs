//! How partitions find their members.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn names() -> impl Strategy<Value = BTreeSet<MemberId>> {
    let name = "[a-z0-9-]{1,12}".prop_map(|text: String| text.parse().unwrap());
    proptest::collection::btree_set(name, 1..12)
}

fn spread(members: &BTreeSet<MemberId>) -> BTreeMap<Partition, MemberId> {
    Partition::all().map(|partition| (partition, preferred(partition, members).unwrap().clone())).collect()
}

proptest! {
    #[test]
    fn the_order_in_which_members_are_seen_does_not_matter(members in names()) {
        for partition in Partition::all() {
            prop_assert_eq!(preferred(partition, members.iter()), preferred(partition, members.iter().rev()));
        }
    }

    #[test]
    fn a_member_that_comes_takes_and_moves_nothing_else(members in names(), new in "[A-Z]{1,8}") {
        let new: MemberId = new.parse().unwrap();
        let before = spread(&members);
        let after = spread(&members.iter().cloned().chain([new.clone()]).collect());
        for (partition, owner) in after {
            prop_assert!(owner == new || owner == before[&partition]);
        }
    }

    #[test]
    fn a_member_that_goes_leaves_what_it_had_and_moves_nothing_else(members in names(), which in any::<prop::sample::Index>()) {
        prop_assume!(members.len() > 1);
        let gone = which.get(&Vec::from_iter(members.clone())).clone();
        let before = spread(&members);
        let rest: BTreeSet<_> = members.iter().filter(|member| **member != gone).cloned().collect();
        for (partition, owner) in spread(&rest) {
            prop_assert!(owner == before[&partition] || before[&partition] == gone);
        }
    }

    #[test]
    fn two_members_of_any_names_share_the_work(one in "[a-z0-9]{10}", other in "[a-z0-9]{10}") {
        prop_assume!(one != other);
        let members = BTreeSet::from([one.parse().unwrap(), other.parse().unwrap()]);
        let first: MemberId = one.parse().unwrap();
        let share = spread(&members).values().filter(|owner| **owner == first).count();
        // Five standard deviations of a fair coin that is thrown 64 times.
        prop_assert!((12..=52).contains(&share), "{}", share);
    }
}

#[test]
fn many_members_share_evenly_over_many_deployments() {
    let mut counts = BTreeMap::new();
    for deployment in 0..200 {
        let members = (0..4).map(|number| format!("m{number}-{deployment}").parse().unwrap()).collect();
        for owner in spread(&members).into_values() {
            *counts.entry(owner.as_str()[..2].to_owned()).or_insert(0_u32) += 1;
        }
    }
    // A quarter each of 12,800, give or take four standard deviations.
    assert!(counts.values().all(|count| (3_004..=3_396).contains(count)), "{counts:?}");
}

#[test]
fn the_preference_is_the_same_in_every_release() {
    let members: Vec<MemberId> = ["a", "b", "c"].map(|name| name.parse().unwrap()).to_vec();
    let first = Partition::all().take(16).map(|partition| preferred(partition, &members).unwrap().as_str());
    assert_eq!(first.collect::<String>(), "caaaccbacacbbcca");
}

fn present(leaving: bool) -> Present {
    let member = Member {
        id: "x".parse().unwrap(),
        start: "1".to_owned(),
        address: String::new(),
        version: String::new(),
        since: Timestamp(0),
        status: Status::default(),
    };
    Present { member, leaving }
}

#[test]
fn only_members_of_the_role_that_stay_are_owners() {
    let seat = |text: &str| text.parse::<Seat>().unwrap();
    let seats = [("connector.a", false), ("connector.b", true), ("serve.c", false), ("webhooks.d", false)];
    let roster = Roster::new(seats.map(|(text, leaving)| (seat(text), present(leaving))));
    let owners: BTreeSet<_> =
        Lease::all_of(Role::Connector).filter_map(|lease| roster.owner(lease)).collect();
    assert_eq!(owners, BTreeSet::from([&seat("connector.a"), &seat("serve.c")]));
    assert!(roster.has(Role::Projections), "of whoever runs everything");
    assert!(
        Roster::default()
            .owner(Lease { role: Role::Connector, partition: Partition::new(0).unwrap() })
            .is_none()
    );
}

#[test]
fn a_member_id_is_one_token_of_a_subject() {
    for text in ["a", "eu-west-1", "7f00AB"] {
        assert_eq!(text.parse::<MemberId>().unwrap().as_str(), text);
    }
    for text in ["", "a.b", "a b", "a_b", "*", ">", "ä", &"a".repeat(MEMBER_ID_CHARS_MAX + 1)] {
        assert!(text.parse::<MemberId>().is_err(), "{text}");
    }
}
