//! Ids, subjects and hashes: what stands in the names of things.

use std::collections::HashSet;

use berth_proto::{
    AccountId, DirectoryId, Hash, InstanceId, Kind, Partition, Sealed, StreamKey, Timestamp,
    ids::ID_CHARS,
    subject::{
        ApiSubject, ApiVerb, CommandSubject, Decider, InvalidApiSubject, InvalidCommandSubject,
        InvalidSubject, Sender, command_subject, log_filter, public_event_subject, query_subject,
    },
};
use proptest::prelude::*;

fn any_stream() -> impl Strategy<Value = StreamKey> {
    let id = any::<[u8; 16]>();
    prop_oneof![
        id.prop_map(|id| StreamKey::instance(InstanceId::from_bytes(id))),
        id.prop_map(|id| StreamKey::account(AccountId::from_bytes(id))),
        id.prop_map(|id| StreamKey::directory(DirectoryId::from_bytes(id))),
        (0..64_u8).prop_map(|number| StreamKey::delivery(Partition::new(number).unwrap())),
    ]
}

#[test]
fn subjects_are_the_documented_ones() {
    let instance = InstanceId::from_bytes([0; 16]);
    let stream = StreamKey::instance(instance);
    let zeros = "0".repeat(ID_CHARS);
    // SHA-256 of sixteen zero bytes starts with 0x37.
    assert_eq!(stream.partition().number(), 13);
    assert_eq!(stream.subject(), format!("berth.v1.log.instance.13.{zeros}"));
    assert_eq!(command_subject(Sender::Link, &stream), format!("berth.v1.cmd.link.13.{zeros}"));
    let any = CommandSubject::new(Decider::Any, Sender::Client, &stream);
    assert_eq!(any.to_string(), format!("berth.v1.any.client.13.{zeros}"));
    assert_eq!(query_subject("records"), "berth.v1.query.records");
    assert_eq!(log_filter(Kind::Account, Partition::new(7).unwrap()), "berth.v1.log.account.7.*");
    let account = AccountId::from_bytes([0xFF; 16]);
    assert_eq!(
        public_event_subject(account, instance),
        format!("berth.v1.events.vvvvvvvvvvvvvvvvvvvvvvvvvs.{zeros}")
    );
    let delivery = StreamKey::delivery(Partition::new(63).unwrap());
    assert_eq!(delivery.subject(), format!("berth.v1.log.delivery.63.{}7s", "0".repeat(24)));
}

#[test]
fn foreign_subjects_are_refused() {
    let zeros = "0".repeat(ID_CHARS);
    for subject in [
        String::new(),
        format!("berth.v1.log.instance.{zeros}"),
        format!("berth.v1.log.instance.12.{zeros}"),
        format!("berth.v1.log.instance.013.{zeros}"),
        format!("berth.v1.log.instance.13.{zeros}.x"),
        format!("berth.v1.log.nothing.13.{zeros}"),
        format!("berth.v1.log.instance.13.{}", &zeros[1..]),
        format!("berth.v2.log.instance.13.{zeros}"),
        "berth.v1.log.instance.*.>".to_owned(),
    ] {
        assert_eq!(subject.parse::<StreamKey>(), Err(InvalidSubject), "{subject}");
    }
}

#[test]
fn foreign_subjects_of_commands_are_refused() {
    let zeros = "0".repeat(ID_CHARS);
    for subject in [
        String::new(),
        format!("berth.v1.cmd.13.{zeros}"),
        format!("berth.v1.cmd.Client.13.{zeros}"),
        format!("berth.v1.cmd.native.13.{zeros}"),
        format!("berth.v1.all.client.13.{zeros}"),
        format!("berth.v1.cmd.client.64.{zeros}"),
        format!("berth.v1.cmd.client.013.{zeros}"),
        format!("berth.v1.cmd.client.13.{}", &zeros[1..]),
        format!("berth.v1.cmd.client.13.{zeros}.x"),
        format!("berth.v2.cmd.client.13.{zeros}"),
        Decider::Owner.filter().to_owned(),
    ] {
        assert_eq!(subject.parse::<CommandSubject>(), Err(InvalidCommandSubject), "{subject}");
    }
}

#[test]
fn every_partition_is_one_of_sixty_four() {
    assert_eq!(Partition::all().collect::<HashSet<_>>().len(), 64);
    assert_eq!(Partition::new(64), None);
    assert!(Partition::all().all(|partition| partition.shard(4) < 4));
}

#[test]
fn an_id_is_written_in_one_way_only() {
    let text = InstanceId::from_bytes([0xAB; 16]).to_string();
    assert_eq!(text.parse::<InstanceId>(), Ok(InstanceId::from_bytes([0xAB; 16])));
    for wrong in [
        text.to_uppercase(),
        text[1..].to_owned(),
        format!("{text}0"),
        format!("{}w", &text[..25]),
        // The last character has four unused bits, which must be zero.
        format!("{}1", &text[..25]),
        "é".repeat(13),
        String::new(),
    ] {
        assert!(wrong.parse::<InstanceId>().is_err(), "{wrong}");
    }
}

#[test]
fn a_hash_binds_subject_predecessor_and_bytes() {
    let one = StreamKey::instance(InstanceId::from_bytes([1; 16]));
    let two = StreamKey::instance(InstanceId::from_bytes([2; 16]));
    let genesis = Hash::genesis(&one);
    let hashes = [
        genesis,
        Hash::genesis(&two),
        Hash::of_commit(&one, genesis, b"x"),
        Hash::of_commit(&two, genesis, b"x"),
        Hash::of_commit(&one, Hash::genesis(&two), b"x"),
        Hash::of_commit(&one, genesis, b"y"),
        Hash::over(b"d", &[b"ab", b"c"]),
        Hash::over(b"d", &[b"a", b"bc"]),
    ];
    assert_eq!(HashSet::from(hashes).len(), hashes.len());
}

#[test]
fn a_sealed_value_does_not_print_itself() {
    assert_eq!(format!("{:?}", Sealed(b"secret".to_vec())), "Sealed(6 bytes)");
}

#[test]
fn moments_are_written_in_utc() {
    assert_eq!(Timestamp(0).to_rfc3339(), "1970-01-01T00:00:00.000000Z");
    assert_eq!(Timestamp(1_770_000_000_123_456).to_rfc3339(), "2026-02-02T02:40:00.123456Z");
    assert_eq!(Timestamp(-1).to_rfc3339(), "1969-12-31T23:59:59.999999Z");
    assert!(Timestamp(i64::MAX).to_rfc3339().starts_with("9999-12-"));
    assert_eq!(Timestamp(-1).seconds(), -1);
    assert_eq!(Timestamp(i64::MAX).plus_seconds(1), Timestamp(i64::MAX));
}

proptest! {
    #[test]
    fn subjects_of_commands_come_back_as_they_were(stream in any_stream(), sender in 0..5_usize, any: bool) {
        let decider = Decider::ALL[usize::from(any)];
        let subject = CommandSubject::new(decider, Sender::ALL[sender], &stream);
        prop_assert_eq!(subject.to_string().parse::<CommandSubject>(), Ok(subject));
        prop_assert!(subject.is_of(&stream));
    }

    #[test]
    fn subjects_come_back_as_they_were(stream in any_stream()) {
        prop_assert_eq!(stream.subject().parse::<StreamKey>(), Ok(stream));
        prop_assert!(stream.subject().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'));
    }

    #[test]
    fn ids_come_back_and_sort_like_their_bytes(one: [u8; 16], two: [u8; 16]) {
        let (one, two) = (InstanceId::from_bytes(one), InstanceId::from_bytes(two));
        prop_assert_eq!(one.to_string().parse::<InstanceId>(), Ok(one));
        prop_assert_eq!(InstanceId::from_uuid(one.to_uuid()), one);
        prop_assert_eq!(one.cmp(&two), one.to_string().cmp(&two.to_string()));
        let json = serde_json::to_string(&one).unwrap();
        prop_assert_eq!(serde_json::from_str::<InstanceId>(&json).unwrap(), one);
    }

    #[test]
    fn any_text_is_an_id_or_an_error(text in "\\PC{0,40}") {
        if let Ok(id) = text.parse::<InstanceId>() {
            prop_assert_eq!(id.to_string(), text.clone());
        }
        let _ = text.parse::<StreamKey>();
    }
}

#[test]
fn what_a_program_asks_is_read_from_its_subject() {
    let account = AccountId::from_bytes([7; 16]);
    for verb in ApiVerb::ALL {
        let asked = ApiSubject { account, verb, instance: "shop".to_owned() };
        assert_eq!(asked.to_string(), format!("berth.v1.api.{account}.{verb}.shop"));
        assert_eq!(asked.to_string().parse(), Ok(asked));
    }
    for other in ["get", "get.", "get.shop.x", "delete.shop", "Get.shop"] {
        assert_eq!(format!("berth.v1.api.{account}.{other}").parse::<ApiSubject>(), Err(InvalidApiSubject));
    }
    assert_eq!("berth.v1.api.x.get.shop".parse::<ApiSubject>(), Err(InvalidApiSubject));
    assert_eq!(format!("berth.v1.events.{account}.get.shop").parse::<ApiSubject>(), Err(InvalidApiSubject));
}
