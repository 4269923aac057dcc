//! Receipts: the numbers by which notices that are fetched are named.
//!
//! Clients keep them in signed integers of 32 bits. So a receipt is made from the version of a notice's commit counted
//! modulo [`VERSIONS`], and means the last commit of that number: a notice is kept for a day, and an instance does not
//! come by that many commits meanwhile.

use berth_proto::{EndpointId, InstanceId, delivery::NoticeKeyV1};

/// Receipts of one commit. A commit answers at most 64 commands, each with a handful of events and at most two
/// notices for each of those, so that an ordinal is always smaller.
const PER_VERSION: u64 = 1_024;
/// Versions that are told apart: with [`PER_VERSION`] the greatest receipt is 2^31 - 1.
const VERSIONS: u64 = (1 << 21) - 1;

/// The receipt of a notice, positive: the same whoever makes it, and another for every notice of the instance's queue.
pub(super) fn receipt_of(key: &NoticeKeyV1) -> Option<u64> {
    let ordinal = u64::from(key.ordinal);
    let version = key.version.checked_sub(1)? % VERSIONS + 1;
    (ordinal < PER_VERSION).then_some(version * PER_VERSION + ordinal)
}

/// The notice of an endpoint that a receipt names, when the instance is at the version `latest`.
pub(super) fn key_of(
    instance: InstanceId,
    endpoint: EndpointId,
    latest: u64,
    receipt: u64,
) -> Option<NoticeKeyV1> {
    let ordinal = u16::try_from(receipt % PER_VERSION).ok()?;
    let counted = Some(receipt / PER_VERSION).filter(|counted| (1..=VERSIONS).contains(counted))?;
    let since = latest.checked_add(VERSIONS - counted)? % VERSIONS;
    let version = latest.checked_sub(since).filter(|version| *version > 0)?;
    Some(NoticeKeyV1 { instance, version, endpoint, ordinal })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: InstanceId = InstanceId::from_bytes([1; 16]);
    const ENDPOINT: EndpointId = EndpointId::from_bytes([2; 16]);

    const fn key(version: u64, ordinal: u16) -> NoticeKeyV1 {
        NoticeKeyV1 { instance: INSTANCE, version, endpoint: ENDPOINT, ordinal }
    }

    #[test]
    fn a_receipt_fits_into_31_bits_and_names_its_notice_however_long_the_history_is() {
        for version in [1, 2, 1_000, VERSIONS - 1, VERSIONS, VERSIONS + 1, 3 * VERSIONS + 7, 1 << 40] {
            for ordinal in [0, 1, 1_023] {
                let receipt = receipt_of(&key(version, ordinal)).unwrap();
                assert!(receipt > 0 && receipt < 1 << 31, "{version}/{ordinal}: {receipt}");
                for later in [0, 1, 50_000, VERSIONS - 1] {
                    let named = key_of(INSTANCE, ENDPOINT, version + later, receipt);
                    assert_eq!(named, Some(key(version, ordinal)), "{later} later");
                }
            }
        }
    }

    #[test]
    fn receipts_of_former_releases_are_the_same_numbers() {
        assert_eq!(receipt_of(&key(7, 3)), Some(7 * 1_024 + 3));
    }

    #[test]
    fn what_was_never_handed_out_names_nothing() {
        for receipt in [0, 1_023, 8 * 1_024, 1 << 31, u64::MAX] {
            assert_eq!(key_of(INSTANCE, ENDPOINT, 7, receipt), None, "{receipt}");
        }
        assert_eq!(receipt_of(&key(7, 1_024)), None);
    }
}
