use proptest::{collection::vec, prelude::*};

use super::*;

fn id(number: u16) -> InstanceId {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    InstanceId::from_bytes(bytes)
}

fn owner(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn found(text: &str, wanted: Option<&str>, phone: Option<&str>) -> bool {
    let mut index = TextIndex::default();
    index.insert(id(2), owner(1), &"0\n2\nbefore\n".to_owned());
    index.insert(id(3), owner(1), &text.to_owned());
    index.insert(id(4), owner(1), &"0\n4\nbehind\n".to_owned());
    let needle = Needle::of(wanted, phone).unwrap();
    index.find(&needle, Some(owner(1)), None, 9) == [id(3)]
}

#[test]
fn a_phone_is_found_exactly_and_a_text_anywhere() {
    let text = "5511999\n1234567890\nloja são paulo\nana\n\n";
    let found = |wanted: Option<&str>, phone: Option<&str>| found(text, wanted, phone);
    assert!(found(Some("SÃO"), None) && found(Some("345678"), None) && found(Some("1199"), None));
    assert!(found(None, Some("5511999")) && found(Some("Ana"), Some("5511999")));
    assert!(!found(None, Some("511999")) && !found(None, Some("1234567890")) && !found(None, Some("")));
    assert!(!found(Some("rio"), Some("5511999")) && !found(Some("paulo\nana"), None));
    assert!(Needle::of(Some(""), None).is_none());
}

/// What is done to an index.
#[derive(Debug, Clone)]
enum Step {
    Insert(u16, u8, String),
    Remove(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        9 => (0..4_000_u16, 0..3_u8, "[0-9]{0,2}\n[a-c]{0,3}\nsã?[xy]{0,2}\n")
            .prop_map(|(id, owner, text)| Step::Insert(id, owner, text)),
        1 => (0..4_000_u16).prop_map(Step::Remove),
    ];
    vec(step, 0..4_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever was done to it, it finds what a walk over texts of their own finds.
    #[test]
    fn it_finds_what_a_plain_map_finds(
        steps in steps(),
        text in proptest::option::of("[abcsãxy]{1,2}"),
        phone in proptest::option::of("[0-9]{0,2}"),
        asker in proptest::option::of(0..3_u8),
        after in proptest::option::of(0..4_000_u16),
        limit in 1..60_usize,
    ) {
        let (mut index, mut plain) = (TextIndex::default(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Insert(number, of, text) => {
                    index.insert(id(number), owner(of), &text);
                    plain.insert(id(number), (owner(of), text));
                }
                Step::Remove(number) => {
                    index.remove(id(number));
                    plain.remove(&id(number));
                }
            }
        }
        prop_assert_eq!(index.len(), plain.len());
        prop_assert_eq!(index.bytes(), plain.values().map(|(_, text)| text.len()).sum::<usize>());
        prop_assert!(index.blocks.values().all(|block| (1..=BLOCK_MAX).contains(&block.ids.len())));
        let Some(needle) = Needle::of(text.as_deref(), phone.as_deref()) else { return Ok(()) };
        let (asker, after) = (asker.map(owner), after.map(id));
        let expected: Vec<InstanceId> = plain
            .iter()
            .filter(|(id, (of, text))| {
                after.is_none_or(|after| **id > after)
                    && asker.is_none_or(|asker| asker == *of)
                    && phone.as_deref() != Some("")
                    && needle.is_in(text)
            })
            .map(|(id, _)| *id)
            .take(limit)
            .collect();
        prop_assert_eq!(index.find(&needle, asker, after, limit), expected);
    }
}
