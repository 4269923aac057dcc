//! Ids: repeatable from a seed, sorted by their time, and of the right form.

use berth_proto::Timestamp;
use berth_runtime::{
    Entropy, ManualClock, SeededEntropy, SystemEntropy,
    entropy::{new_account_id, new_command_id, new_endpoint_id, new_instance_id, new_number, uuid_v7},
};
use proptest::prelude::*;

fn clock() -> ManualClock {
    ManualClock::new(Timestamp(1_767_225_600_000_000))
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let ids = |seed| {
        let entropy = SeededEntropy::new(seed);
        (
            new_instance_id(&clock(), &entropy),
            new_account_id(&clock(), &entropy),
            new_endpoint_id(&clock(), &entropy),
            new_command_id(&entropy),
            new_number(&entropy),
        )
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
}

#[test]
fn the_system_does_not_repeat_itself() {
    assert_ne!(SystemEntropy.bytes32(), SystemEntropy.bytes32());
    assert_ne!(SystemEntropy.bytes16(), [0; 16]);
}

#[test]
fn ids_sort_like_their_times_also_as_text() {
    let (clock, entropy) = (clock(), SeededEntropy::new(3));
    let mut last = new_instance_id(&clock, &entropy);
    for _ in 0..1_000 {
        clock.advance_seconds(1);
        let next = new_instance_id(&clock, &entropy);
        assert!(next > last);
        assert!(next.to_string() > last.to_string());
        last = next;
    }
}

proptest! {
    #[test]
    fn an_id_is_a_version_7_uuid_with_its_milliseconds(micros in 0..4_000_000_000_000_000_i64, seed: u64) {
        let bytes = uuid_v7(&ManualClock::new(Timestamp(micros)), &SeededEntropy::new(seed));
        prop_assert_eq!(bytes[6] >> 4, 7);
        prop_assert_eq!(bytes[8] >> 6, 0b10);
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&bytes[..6]);
        prop_assert_eq!(i64::from_be_bytes(millis), micros / 1_000);
    }

    #[test]
    fn a_number_has_ten_digits_and_does_not_start_with_zero(seed: u64) {
        let number = new_number(&SeededEntropy::new(seed));
        prop_assert!((1_000_000_000..10_000_000_000).contains(&number));
    }

    #[test]
    fn a_bound_is_kept(seed: u64, bound: u64) {
        let drawn = SeededEntropy::new(seed).below(bound);
        prop_assert!(drawn < bound || bound == 0 && drawn == 0);
    }
}
