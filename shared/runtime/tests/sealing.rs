//! The promises of sealing: only the right key, owner and field open a value, and equal stays equal.

use berth_proto::Sealed;
use berth_runtime::{DataKey, MasterKey, SeededEntropy, Unique, UniqueInAccount, WrappedKey, sealing::field};
use proptest::prelude::*;

const OWNER: [u8; 16] = [7; 16];
const OTHER: [u8; 16] = [8; 16];

fn data_key(seed: u64) -> DataKey {
    DataKey::generate(&SeededEntropy::new(seed))
}

fn master_key(seed: u64) -> MasterKey {
    MasterKey::generate(&SeededEntropy::new(seed))
}

proptest! {
    #[test]
    fn a_sealed_value_opens_again_and_only_with_its_key_owner_and_field(value: Vec<u8>, seed: u64) {
        let key = data_key(seed);
        let sealed = key.seal(&OWNER, field::PHONE, &value);
        prop_assert_eq!(key.open(&OWNER, field::PHONE, &sealed).unwrap(), value);
        prop_assert!(key.open(&OTHER, field::PHONE, &sealed).is_err(), "another owner");
        prop_assert!(key.open(&OWNER, field::JID, &sealed).is_err(), "another field");
        prop_assert!(data_key(seed ^ 1).open(&OWNER, field::PHONE, &sealed).is_err(), "another key");
    }

    #[test]
    fn a_changed_or_shortened_value_does_not_open(value: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
        let key = data_key(1);
        let sealed = key.seal(&OWNER, field::NAME, &value);
        let mut changed = sealed.clone();
        let place = at.index(changed.0.len());
        changed.0[place] ^= 1 << bit;
        prop_assert!(key.open(&OWNER, field::NAME, &changed).is_err());
        let shortened = Sealed(sealed.0[..place].to_vec());
        prop_assert!(key.open(&OWNER, field::NAME, &shortened).is_err());
    }

    #[test]
    fn equal_values_of_one_owner_and_field_stay_equal(one: Vec<u8>, other: Vec<u8>) {
        let key = data_key(1);
        let [a, b] = [&one, &other].map(|value| key.seal(&OWNER, field::NAME, value));
        prop_assert_eq!(a == b, one == other);
    }

    #[test]
    fn a_keyed_digest_does_not_confuse_where_parts_end(a: Vec<u8>, b: Vec<u8>, c: Vec<u8>, d: Vec<u8>) {
        let master = master_key(1);
        let [one, other] = [[&a[..], &b[..]], [&c[..], &d[..]]];
        prop_assert_eq!(master.request_digest(&one) == master.request_digest(&other), one == other);
    }
}

#[test]
fn another_master_key_over_the_same_root_looks_up_and_opens_the_same_and_signs_otherwise() {
    let entropy = SeededEntropy::new(7);
    let [first, second] = [(); 2].map(|()| MasterKey::generate(&entropy));
    let root = DataKey::generate(&entropy);
    let [over, under] = [&first, &second].map(|key| key.rooted(&root));
    let key = DataKey::generate(&entropy);
    let wrapped = over.wrap(&[1; 16], &key);
    let opened = under.unwrap(&[1; 16], &wrapped).unwrap();
    assert_eq!(opened.seal(&[1; 16], "name", b"x"), key.seal(&[1; 16], "name", b"x"));
    assert_eq!(over.entry(Unique::Token, "t"), under.entry(Unique::Token, "t"));
    assert_eq!(over.request_digest(&[b"a"]), under.request_digest(&[b"a"]));
    assert_ne!(over.derive("jwt"), under.derive("jwt"));
    assert_eq!((over.derive("jwt"), over.to_base64()), (first.derive("jwt"), first.to_base64()));
    assert_ne!(first.root_owner(), second.root_owner());
    assert_eq!(first.root_owner(), over.root_owner());
    assert!(first.unwrap(&[1; 16], &wrapped).is_err(), "the key alone opens nothing");
    assert_eq!(first.rooted(&over.root()).check_value(), under.check_value());
}

#[test]
fn a_sealed_value_shows_neither_itself_nor_its_key() {
    let key = data_key(1);
    let sealed = key.seal(&OWNER, field::PHONE, b"5511987654321");
    assert!(!sealed.0.windows(13).any(|bytes| bytes == b"5511987654321"));
    assert_eq!(format!("{key:?} {:?}", master_key(1)), "DataKey(hidden) MasterKey(hidden)");
}

#[test]
fn a_data_key_unwraps_only_for_its_owner_under_its_master_key() {
    let (master, key) = (master_key(1), data_key(2));
    let wrapped = master.wrap(&OWNER, &key);
    let again = master.unwrap(&OWNER, &wrapped).unwrap();
    assert_eq!(again.seal(&OWNER, field::NAME, b"berth"), key.seal(&OWNER, field::NAME, b"berth"));
    assert!(master.unwrap(&OTHER, &wrapped).is_err());
    assert!(master_key(9).unwrap(&OWNER, &wrapped).is_err());
    assert!(master.unwrap(&OWNER, &WrappedKey(Vec::new())).is_err());
}

#[test]
fn a_master_key_is_read_from_what_it_was_written_as_and_from_nothing_else() {
    let master = master_key(1);
    let text = master.to_base64();
    assert_eq!(text.len(), 44);
    let again = MasterKey::from_base64(&format!("{text}\n")).unwrap();
    assert_eq!(again.check_value(), master.check_value());
    assert_ne!(master_key(2).check_value(), master.check_value());
    for bad in
        ["", "AAAA", &text[..43], &format!("{text}{text}"), "!AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    {
        assert!(MasterKey::from_base64(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn look_ups_are_apart_by_purpose_and_by_key() {
    let (master, account, other) = (master_key(1), data_key(1), data_key(2));
    assert_eq!(master.entry(Unique::Token, "x"), master_key(1).entry(Unique::Token, "x"));
    assert_ne!(master.entry(Unique::Token, "x"), master.entry(Unique::Number, "x"));
    assert_ne!(master.entry(Unique::Token, "x"), master_key(2).entry(Unique::Token, "x"));
    assert_ne!(
        account.entry(UniqueInAccount::Name, "x"),
        other.entry(UniqueInAccount::Name, "x"),
        "a name is an account's own"
    );
    assert_ne!(account.command_id("x"), other.command_id("x"), "an idempotency key is an account's own");
    assert_ne!(account.command_id("x").as_bytes(), account.entry(UniqueInAccount::Name, "x").as_bytes());
    assert_ne!(master.derive("jwt"), master.derive("other"));
    let there = master.entry_at_upstream("evo1", "x");
    assert_eq!(there, master_key(1).entry_at_upstream("evo1", "x"));
    for other in [
        master.entry_at_upstream("evo2", "x"),
        master.entry_at_upstream("evo", "1x"),
        master_key(2).entry_at_upstream("evo1", "x"),
    ] {
        assert_ne!(there, other);
    }
}

#[test]
fn what_a_release_sealed_every_later_one_opens() {
    let (master, data) = (master_key(1), data_key(2));
    let written = [
        data_encoding::HEXLOWER.encode(&master.wrap(&OWNER, &data).0),
        data_encoding::HEXLOWER.encode(&data.seal(&OWNER, field::NAME, b"berth").0),
        master.check_value().to_string(),
        master.entry(Unique::Token, "secret").to_string(),
        master.request_digest(&[b"a", b"b"]).to_string(),
        data.entry(UniqueInAccount::Name, "berth").to_string(),
        data.command_id("once").to_string(),
    ];
    let frozen = [
        "ef955034c3618201541ac29a1bc39ccab646430ca0372cee92e369cc0fc2a651fea91bc9fe78734a67c4c6db234bba2a",
        "ea083987ed25d214732f7966ace3577e4cfd0ef9a4",
        "f7a974cf887eb3b5f5bce8c9cdcc2700f250704938aca8526b12388cfde946bd",
        "3krt56bu4iojbukij01tahh4l0",
        "393525da828d336c2ef5ad68622784761940ba22f19ac16ec678af59467e9053",
        "ps79s4giee6g31vu9meepghgr4",
        "r32ogja94896qp70ql3963voco",
    ];
    assert_eq!(written, frozen);
}
