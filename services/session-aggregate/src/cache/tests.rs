use berth_domain::instance::evolve;
use berth_proto::{
    AccountId, DirectoryId, Sealed, StreamKey, Timestamp,
    event::{Event, InstanceCreatedV1},
    instance::EntriesV1,
};

use super::*;

fn id(number: u32) -> InstanceId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    InstanceId::from_bytes(bytes)
}

/// An instance with a name of so many bytes.
fn loaded(instance: InstanceId, name_bytes: usize) -> Loaded<State> {
    let entry = DirectoryId::from_bytes([1; 16]);
    let created = InstanceCreatedV1 {
        account: AccountId::from_bytes([2; 16]),
        number: 1_111_111_111,
        name: Sealed(vec![3; name_bytes]),
        token: Sealed(vec![4; 40]),
        entries: EntriesV1 { name: entry, token: entry, number: entry, alias: None, creation: None },
        settings: Vec::new(),
    };
    let mut loaded = Loaded::empty(StreamKey::instance(instance));
    loaded.state = evolve(None, &Event::from(created), Timestamp(1));
    loaded
}

#[test]
fn a_state_comes_back_as_it_was_put_in_encoded_or_not() {
    let cache = StateCache::new(usize::MAX);
    let count = 2 * u32::try_from(AT_HAND_MAX.get()).unwrap();
    for number in 0..count {
        cache.put(id(number), loaded(id(number), 20));
    }
    for number in 0..count {
        let found = cache.take(id(number)).unwrap();
        assert_eq!(
            (found.stream, found.state),
            (StreamKey::instance(id(number)), loaded(id(number), 20).state)
        );
        assert!(cache.take(id(number)).is_none(), "it is taken out");
    }
    assert_eq!(cache.inner().bytes, 0);
}

#[test]
fn a_hundred_thousand_instances_in_a_cycle_are_all_remembered() {
    const INSTANCES: u32 = 100_000;
    let cache = StateCache::new(crate::STATE_CACHE_BYTES_MAX);
    for number in 0..INSTANCES {
        cache.put(id(number), loaded(id(number), 200));
    }
    for number in 0..INSTANCES {
        let found = cache.take(id(number)).unwrap_or_else(|| panic!("{number} was forgotten"));
        cache.put(id(number), found);
    }
}

#[test]
fn the_oldest_states_make_room() {
    const ROOM: u32 = 10;
    let one = RecordV1::of(&loaded(id(0), 1_000).state.unwrap()).unwrap().body.len() + ENTRY_OVERHEAD_BYTES;
    let cache = StateCache::new(one * usize::try_from(ROOM).unwrap());
    let at_hand = u32::try_from(AT_HAND_MAX.get()).unwrap();
    let count = at_hand + ROOM + 1;
    for number in 0..count {
        cache.put(id(number), loaded(id(number), 1_000));
    }
    assert!(cache.take(id(0)).is_none(), "the oldest is gone");
    assert!((1..count).all(|number| cache.take(id(number)).is_some()));
    cache.put(id(0), loaded(id(0), 1_000_000));
    for number in 1..=at_hand {
        cache.put(id(number), loaded(id(number), 1_000));
    }
    assert!(cache.take(id(0)).is_none(), "what is larger than the whole is not kept");
}

#[test]
fn a_newer_state_takes_the_place_of_an_encoded_one() {
    let cache = StateCache::new(usize::MAX);
    cache.put(id(0), loaded(id(0), 10));
    for number in 1..=u32::try_from(AT_HAND_MAX.get()).unwrap() {
        cache.put(id(number), loaded(id(number), 10));
    }
    cache.put(id(0), loaded(id(0), 20));
    assert_eq!(cache.take(id(0)).unwrap().state, loaded(id(0), 20).state);
    assert!(cache.take(id(0)).is_none());
}
