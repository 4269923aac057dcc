//! Ids, subjects and hashes as text: each is written in one way only, and anything else is refused.

use std::{fmt::Display, str::FromStr};

use berth_fuzz::{Tape, Target, Verdict, mutated_text};
use berth_proto::{
    AccountId, CommandId, DirectoryId, EndpointId, Hash, InstanceId, Partition, StreamKey, WriteVersion,
    subject::{CommandSubject, Decider, Sender, command_subject},
};

const TARGET: Target = Target { name: "names", cases: 40_000, seconds: 10 };

/// Something that has a text.
struct Name {
    what: &'static str,
    /// The text of a valid one that is made of these bytes.
    example: fn(&mut Tape<'_>) -> String,
    /// Reads a text and prints what was read.
    reread: fn(&str) -> Option<String>,
}

#[tokio::test]
async fn fuzz_a_text_is_printed_as_it_was_read_or_refused() {
    TARGET.run(async |tape| case(tape, &names())).await;
}

fn case(tape: &mut Tape<'_>, names: &[Name]) -> Verdict {
    let name = tape.pick(names);
    let valid = (name.example)(tape);
    if (name.reread)(&valid).as_ref() != Some(&valid) {
        return Err(format!("{} {valid:?} does not come back", name.what));
    }
    let other = (tape.pick(names).example)(tape);
    let text = if tape.one_in(6) { tape.text() } else { mutated_text(tape, &valid, &other) };
    for one in names {
        if let Some(printed) = (one.reread)(&text).filter(|printed| *printed != text) {
            return Err(format!("{} {text:?} was read and is printed {printed:?}", one.what));
        }
    }
    Ok(())
}

fn names() -> Vec<Name> {
    vec![
        Name { what: "instance id", example: |tape| id(tape).to_string(), reread: reread::<InstanceId> },
        Name { what: "account id", example: |tape| id(tape).to_string(), reread: reread::<AccountId> },
        Name { what: "directory id", example: |tape| id(tape).to_string(), reread: reread::<DirectoryId> },
        Name { what: "endpoint id", example: |tape| id(tape).to_string(), reread: reread::<EndpointId> },
        Name { what: "command id", example: |tape| id(tape).to_string(), reread: reread::<CommandId> },
        Name {
            what: "subject of a stream",
            example: |tape| stream(tape).subject(),
            reread: |text| Some(text.parse::<StreamKey>().ok()?.subject()),
        },
        Name {
            what: "subject of a command",
            example: |tape| {
                let (decider, sender) = (*tape.pick(&Decider::ALL), *tape.pick(&Sender::ALL));
                CommandSubject::new(decider, sender, &stream(tape)).to_string()
            },
            reread: reread::<CommandSubject>,
        },
        Name {
            what: "subject of a command for an owner",
            example: |tape| command_subject(*tape.pick(&Sender::ALL), &stream(tape)),
            reread: reread::<CommandSubject>,
        },
        Name {
            what: "hash",
            example: |tape| Hash::over(b"fuzz", &[&tape.bytes(8)]).to_string(),
            reread: |text| {
                let json = serde_json::to_string(text).ok()?;
                Some(serde_json::from_str::<Hash>(&json).ok()?.to_string())
            },
        },
        Name {
            what: "write version",
            example: |_| serde_json::to_string(&WriteVersion::NEWEST).unwrap(),
            reread: |text| {
                let read = serde_json::from_str::<WriteVersion>(text.trim()).ok()?;
                // JSON may have blanks around a number.
                (text == text.trim()).then(|| serde_json::to_string(&read).unwrap())
            },
        },
    ]
}

fn reread<T: FromStr + Display>(text: &str) -> Option<String> {
    Some(text.parse::<T>().ok()?.to_string())
}

fn id(tape: &mut Tape<'_>) -> InstanceId {
    let mut bytes = [0; 16];
    bytes.iter_mut().for_each(|byte| *byte = tape.byte());
    InstanceId::from_bytes(bytes)
}

fn stream(tape: &mut Tape<'_>) -> StreamKey {
    let id = *id(tape).as_bytes();
    match tape.below(4) {
        0 => StreamKey::instance(InstanceId::from_bytes(id)),
        1 => StreamKey::account(AccountId::from_bytes(id)),
        2 => StreamKey::directory(DirectoryId::from_bytes(id)),
        _ => StreamKey::delivery(Partition::new(id[0] % 64).unwrap()),
    }
}

// === planted faults ===

#[tokio::test]
async fn a_reader_that_knows_two_ways_is_found() {
    let mut names = names();
    names[0].reread = |text| reread::<InstanceId>(&text.to_lowercase());
    let found = Target { cases: 5_000, ..TARGET }.hunt(async |tape| case(tape, &names)).await;
    let fault = found.expect("the fault is found").fault;
    assert!(fault.contains("was read and is printed"), "{fault}");
}

#[tokio::test]
async fn a_number_with_a_zero_before_it_is_found() {
    let mut names = names();
    names.push(Name {
        what: "partition",
        example: |tape| tape.below(64).to_string(),
        reread: |text| Some(text.parse::<u8>().ok().and_then(Partition::new)?.number().to_string()),
    });
    let found = Target { cases: 20_000, ..TARGET }.hunt(async |tape| case(tape, &names)).await;
    assert!(found.is_some(), "the fault is found");
}
