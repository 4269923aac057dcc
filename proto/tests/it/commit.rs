//! The commit: a changed bit is noticed, earlier ones are read, and what a state goes without is added again.

use berth_proto::{
    CommandId, CommitV1, CommitV2, DecodeError, Hash, WriteVersion,
    codec::{Frozen, decode, encode},
    commit::{CarriedState, CarriedV1, DamageV1, OutcomeCodeV1, OutcomeV1},
    frame::{CommandRequestV1, CommandRequestV2},
    instance::{InstanceStateV1, RememberedV1, remember_in},
    limits::{KEYED_RECEIPTS_MAX, UNKEYED_RECEIPTS_MAX},
};
use proptest::prelude::*;

use crate::{arbitrary::arbitrary, vectors::commit_of_a_logout};

fn with_bit_flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    *changed.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
    changed
}

#[test]
fn every_flipped_bit_of_a_commit_is_noticed() {
    let mut commits = vec![CommitV2::from(commit_of_a_logout())];
    commits.extend((0..4).map(arbitrary::<CommitV2>));
    for commit in commits {
        let bytes = encode(&commit).unwrap();
        assert_eq!(decode(&bytes), Ok(commit));
        for bit in 0..bytes.len() * 8 {
            let read = decode::<CommitV2>(&with_bit_flipped(&bytes, bit));
            assert!(read.is_err(), "bit {bit} of {} bytes was flipped and read", bytes.len());
        }
    }
}

#[test]
fn a_checksum_can_neither_be_left_out_nor_added() {
    let commit = CommitV2::from(commit_of_a_logout());
    let mut without = encode(&commit).unwrap();
    without.truncate(without.len() - 16);
    without[2] = 1;
    assert_eq!(decode::<CommitV2>(&without), Err(DecodeError::Prelude));
}

#[test]
fn an_earlier_commit_is_read_and_written_while_the_deployment_asks_for_it() {
    let earlier = commit_of_a_logout();
    let bytes = encode(&earlier).unwrap();
    let commit: CommitV2 = decode(&bytes).unwrap();
    assert_eq!(commit, CommitV2::from(earlier.clone()));
    assert_eq!(commit.full_state(), Some(&earlier.state));
    assert_eq!(commit.encode_for(WriteVersion::OLDEST), Some(Ok(bytes)));
    let newest = commit.encode_for(WriteVersion::NEWEST).unwrap().unwrap();
    assert_eq!(decode(&newest), Ok(commit.clone()));
    let refused = DecodeError::Unknown { type_id: CommitV1::TYPE, version: 2 };
    assert!([Err(refused), Err(DecodeError::Prelude)].contains(&decode::<CommitV1>(&newest)));
    // What the earlier shape cannot say is not said in it.
    let since = arbitrary::<InstanceStateV1>(1).since(3, 7).unwrap();
    let stateless = CommitV2 { state: CarriedV1::Since(since), ..commit.clone() };
    assert_eq!(stateless.encode_for(WriteVersion::OLDEST), None);
    let damage = DamageV1 { version: 8, stored: None, good_version: 7 };
    let tombstone = CommitV2 { damage: Some(damage), ..commit };
    assert_eq!(tombstone.encode_for(WriteVersion::OLDEST), None);
}

#[test]
fn a_command_without_a_caller_is_sent_in_the_earlier_shape() {
    let earlier: CommandRequestV1 = arbitrary(5);
    let request = CommandRequestV2::from(earlier.clone());
    assert_eq!(request.encode(), encode(&earlier));
    assert_eq!(decode::<CommandRequestV2>(&encode(&earlier).unwrap()), Ok(request.clone()));
    let traced = CommandRequestV2 { traceparent: Some("00-1-2-01".to_owned()), ..request };
    assert_eq!(decode(&traced.encode().unwrap()), Ok(traced));
}

#[test]
fn write_versions_are_a_closed_range() {
    assert_eq!(WriteVersion::new(0), None);
    assert_eq!(WriteVersion::new(1), Some(WriteVersion::OLDEST));
    assert_eq!(WriteVersion::new(4), Some(WriteVersion::NEWEST));
    assert_eq!(WriteVersion::new(5), None);
    assert!(serde_json::from_str::<WriteVersion>("5").is_err());
    assert_eq!(serde_json::from_str::<WriteVersion>("1").unwrap(), WriteVersion::OLDEST);
    let said = [1, 2, 3, 4].map(|number| WriteVersion::new(number).unwrap());
    assert_eq!(said.map(WriteVersion::checked_commits), [false, true, true, true]);
    assert_eq!(said.map(WriteVersion::account_wide), [false, false, true, true]);
    assert_eq!(said.map(WriteVersion::tagged_commits), [false, false, false, true]);
}

proptest! {
    /// What is added to an earlier state is the state that a commit would have carried.
    #[test]
    fn a_state_is_that_of_its_base_and_what_is_remembered_since(
        before in prop::collection::vec(any::<bool>(), 0..50),
        since in prop::collection::vec(any::<bool>(), 0..80),
    ) {
        let mut state = InstanceStateV1 { keyed: Vec::new(), unkeyed: Vec::new(), ..arbitrary(4) };
        let mut version = 1_u64;
        let mut remember = |state: &mut InstanceStateV1, keyed: bool| {
            version += 1;
            let mut id = [0; 16];
            id[..8].copy_from_slice(&version.to_be_bytes());
            let one = RememberedV1 {
                command_id: CommandId::from_bytes(id),
                digest: Hash([1; 32]),
                version,
                outcome: OutcomeV1 { code: OutcomeCodeV1::Unchanged, attempt: 0, endpoint: None },
            };
            if keyed {
                remember_in(&mut state.keyed, KEYED_RECEIPTS_MAX, &[one]);
            } else {
                remember_in(&mut state.unkeyed, UNKEYED_RECEIPTS_MAX, &[one]);
            }
        };
        for keyed in &before {
            remember(&mut state, *keyed);
        }
        let mut base = state.clone();
        let base_version = 1 + before.len() as u64;
        for keyed in &since {
            remember(&mut state, *keyed);
        }
        prop_assert!(base.remember_since(&state.since(base_version, 9).unwrap()));
        prop_assert_eq!(base, state);
    }
}
