//! The prelude and the payload: what is refused, and that everything comes back as it was.

use berth_proto::{
    DecodeError, EncodeError, RecordV1, Sealed,
    account::{AccountStateV1, AccountStateV2, AccountStateV3},
    codec::{Frozen, PRELUDE_BYTES, decode, encode, encoded_len, peek},
    command::{Command, LogoutV1},
    commit::CarriedState as _,
    event::{DeviceUnlinkedV1, Event, StopRequestedV1},
    instance::SettingsBlockV1,
    limits,
};
use proptest::prelude::*;

use crate::{arbitrary::arbitrary, catalogue::catalogue};

fn encoded() -> Vec<u8> {
    encode(&DeviceUnlinkedV1 { attempt: 300 }).unwrap()
}

#[test]
fn the_prelude_stands_as_documented() {
    assert_eq!(encoded(), [0xBE, 0x27, 1, 0, 14, 1, 0, 0, 0, 2, 0xAC, 0x02]);
    assert_eq!(peek(&encoded()), Ok((14, 1)));
}

#[test]
fn bytes_left_over_are_refused() {
    let mut longer = encoded();
    longer.push(0);
    assert_eq!(decode::<DeviceUnlinkedV1>(&longer), Err(DecodeError::Length { stated: 2, actual: 3 }));
    longer[PRELUDE_BYTES - 1] = 3;
    assert_eq!(decode::<DeviceUnlinkedV1>(&longer), Err(DecodeError::LeftOver(1)));
}

#[test]
fn a_number_that_is_written_longer_than_it_is_is_refused() {
    let mut longer = encoded();
    // 300 is 0xAC 0x02; with another zero at its end it is 300 again.
    longer.truncate(PRELUDE_BYTES);
    longer.extend_from_slice(&[0xAC, 0x82, 0x00]);
    longer[PRELUDE_BYTES - 1] = 3;
    let refused = DecodeError::NotCanonical { found: 3, canonical: 2 };
    assert_eq!(decode::<DeviceUnlinkedV1>(&longer), Err(refused));
}

#[test]
fn a_cut_value_is_refused() {
    let whole = encoded();
    for length in 0..PRELUDE_BYTES {
        assert_eq!(decode::<DeviceUnlinkedV1>(&whole[..length]), Err(DecodeError::Prelude));
    }
    let cut = &whole[..=PRELUDE_BYTES];
    assert_eq!(decode::<DeviceUnlinkedV1>(cut), Err(DecodeError::Length { stated: 2, actual: 1 }));
    let mut shorter = cut.to_vec();
    shorter[PRELUDE_BYTES - 1] = 1;
    assert!(matches!(decode::<DeviceUnlinkedV1>(&shorter), Err(DecodeError::Payload(_))));
}

#[test]
fn another_type_version_magic_or_codec_is_refused() {
    assert_eq!(decode::<StopRequestedV1>(&encoded()), Err(DecodeError::WrongType { found: 14, expected: 9 }));
    let with = |place: usize, byte: u8| {
        let mut bytes = encoded();
        bytes[place] = byte;
        decode::<DeviceUnlinkedV1>(&bytes)
    };
    assert_eq!(with(0, 0), Err(DecodeError::Prelude));
    assert_eq!(with(2, 3), Err(DecodeError::Prelude));
    assert_eq!(with(2, 2), Err(DecodeError::Checksum));
    assert_eq!(with(5, 2), Err(DecodeError::Unknown { type_id: 14, version: 2 }));
}

#[test]
fn a_value_beyond_its_bound_is_neither_written_nor_read() {
    let body = Sealed(vec![0; limits::STATE_BYTES_MAX]);
    let block = SettingsBlockV1 { owner: "native".to_owned(), body };
    let bytes = encoded_len(&block).unwrap();
    let event = Event::SettingsChanged(berth_proto::event::SettingsChangedV1 { block });
    let refused = EncodeError::TooLarge { bytes, max: limits::STATE_BYTES_MAX };
    assert_eq!(event.to_record().unwrap_err(), refused);

    let record = RecordV1 { type_id: 14, version: 1, body: vec![0; limits::STATE_BYTES_MAX + 1] };
    assert!(matches!(Event::from_record(&record), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn a_record_says_what_it_is() {
    let event = Event::from(DeviceUnlinkedV1 { attempt: 7 });
    let record = event.to_record().unwrap();
    assert_eq!(Event::from_record(&record), Ok(event));
    let unknown = RecordV1 { type_id: 199, ..record.clone() };
    assert_eq!(Event::from_record(&unknown), Err(DecodeError::Unknown { type_id: 199, version: 1 }));
    assert_eq!(record.open::<StopRequestedV1>(), Err(DecodeError::WrongType { found: 14, expected: 9 }));
    let command = Command::from(LogoutV1 {});
    assert_eq!((command.name(), command.type_id()), ("Logout", 2006));
    assert!(Event::from_record(&command.to_record().unwrap()).is_err());
}

proptest! {
    #[test]
    fn every_value_comes_back_as_it_was(seed: u64) {
        for entry in catalogue() {
            let bytes = (entry.example)(seed);
            let (json, again) = (entry.reread)(&bytes).unwrap();
            prop_assert_eq!(&again, &bytes, "{} from {}: {}", entry.name, seed, json);
        }
    }

    #[test]
    fn random_bytes_never_panic(payload in proptest::collection::vec(any::<u8>(), 0..400)) {
        let length = u32::try_from(payload.len()).unwrap();
        for entry in catalogue() {
            let mut bytes = vec![0xBE, 0x27, 1];
            bytes.extend(entry.type_id.to_be_bytes());
            bytes.push(entry.version);
            bytes.extend(length.to_be_bytes());
            bytes.extend(&payload);
            if let Ok((json, again)) = (entry.reread)(&bytes) {
                // Whatever could be read is a value like any other.
                prop_assert_eq!((entry.reread)(&again).unwrap().0, json);
            }
            let _ = (entry.reread)(&payload);
        }
    }

    #[test]
    fn damaged_values_never_panic(seed: u64, place: prop::sample::Index, bits in 1..=255_u8) {
        for entry in catalogue() {
            let mut bytes = (entry.example)(seed);
            let place = place.index(bytes.len());
            bytes[place] ^= bits;
            let _ = (entry.reread)(&bytes);
            bytes.truncate(place);
            prop_assert!((entry.reread)(&bytes).is_err(), "{} was read although cut", entry.name);
        }
    }
}

#[test]
fn an_earlier_version_of_a_state_is_converted() {
    let earlier: AccountStateV1 = arbitrary(3);
    let read: AccountStateV2 = decode(&encode(&earlier).unwrap()).unwrap();
    assert_eq!(read, AccountStateV2::from(earlier.clone()));
    assert_eq!(RecordV1::of(&earlier).unwrap().open::<AccountStateV2>(), Ok(read));
    let newest: AccountStateV3 = decode(&encode(&earlier).unwrap()).unwrap();
    assert_eq!(newest, AccountStateV3::from(AccountStateV2::from(earlier)));
    let second: AccountStateV2 = arbitrary(4);
    let newest: AccountStateV3 = decode(&encode(&second).unwrap()).unwrap();
    assert_eq!(newest, AccountStateV3::from(second.clone()));
    // One that the earlier shape says as well is written in that one, which processes of before read.
    let written = newest.record().unwrap();
    assert_eq!((written.version, written.open()), (2, Ok(second)));
    let on_upstream = AccountStateV3 { upstream: Some("evo1".to_owned()), ..newest };
    let written = on_upstream.record().unwrap();
    assert_eq!((written.version, written.open()), (3, Ok(on_upstream)));
    // Never the other way round: an earlier release must not take the state for one that it understands.
    let later: AccountStateV2 = arbitrary(3);
    let refused = DecodeError::Unknown { type_id: AccountStateV1::TYPE, version: 2 };
    assert_eq!(decode::<AccountStateV1>(&encode(&later).unwrap()), Err(refused));
}
