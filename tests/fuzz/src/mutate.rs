//! Bytes and texts that are nearly right.

use crate::tape::Tape;

/// The bytes after one to four changes: flips, cuts, insertions, repetitions, pieces of the other value.
pub fn mutated(tape: &mut Tape<'_>, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=tape.below(4) {
        change(tape, &mut bytes, other);
    }
    bytes
}

/// The same for characters.
pub fn mutated_text(tape: &mut Tape<'_>, text: &str, other: &str) -> String {
    match tape.below(8) {
        0 => text.to_uppercase(),
        1 => format!("{text}{}", tape.text()),
        2 => format!("{}{text}", tape.text()),
        3 => text.replace('.', ".."),
        _ => String::from_utf8_lossy(&mutated(tape, text.as_bytes(), other.as_bytes())).into_owned(),
    }
}

fn change(tape: &mut Tape<'_>, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = tape.below(bytes.len().max(1)).min(bytes.len());
    let end = (at + 1 + tape.below(8)).min(bytes.len());
    match tape.below(8) {
        0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << tape.below(8)),
        1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = tape.byte()),
        2 => bytes.truncate(at),
        3 => {
            let more = tape.bytes(8);
            bytes.splice(at..at, more);
        }
        4 => {
            bytes.drain(at..end);
        }
        5 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        6 => {
            // The highest bit says that a number goes on: zeros behind it write the same number in another way.
            if let Some(byte) = bytes.get_mut(at) {
                *byte |= 0x80;
                bytes.insert(at + 1, 0);
            }
        }
        _ => {
            let from = tape.below(other.len().max(1)).min(other.len());
            let to = (from + 1 + tape.below(other.len().max(1))).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
    }
}
