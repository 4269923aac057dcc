//! Bytes of every frozen type: what is read is what was written, and in one way only.

#[path = "../../../proto/tests/it/arbitrary.rs"]
mod arbitrary;
#[expect(dead_code, reason = "the list is that of berth-proto's tests, which trace shapes too")]
#[path = "../../../proto/tests/it/catalogue.rs"]
mod catalogue;

use berth_fuzz::{Tape, Target, Verdict, mutated};
use berth_proto::{CommitV2, DecodeError, codec::Frozen};
use catalogue::{Entry, Reread, catalogue};
use sha2::{Digest, Sha256};

const TARGET: Target = Target { name: "codec", cases: 60_000, seconds: 20 };
/// Bytes before the payload, the place of its length, and bytes of a checksum behind it, as documented.
const PRELUDE_BYTES: usize = 10;
const LENGTH_AT: usize = 6;
const CHECKSUM_BYTES: usize = 16;
/// Memory that the whole run may take: no bytes make a reader take much more than they are long.
const MEMORY_KIB_MAX: u64 = 512 * 1024;

/// How bytes are read as the type of an entry.
type Reader = fn(&Entry, &[u8]) -> Reread;

#[tokio::test]
async fn fuzz_what_is_read_is_what_was_written() {
    let all = catalogue();
    TARGET.run(async |tape| case(tape, &all, ours)).await;
    let peak = peak_kib();
    assert!(peak < MEMORY_KIB_MAX, "{peak} KiB were taken");
}

fn ours(entry: &Entry, bytes: &[u8]) -> Reread {
    (entry.reread)(bytes)
}

/// One value, changed or not, before every reader that its prelude may lead to.
fn case(tape: &mut Tape<'_>, all: &[Entry], reader: Reader) -> Verdict {
    let entry = tape.pick(all);
    let whole = (entry.example)(tape.number());
    let other = (tape.pick(all).example)(tape.number());
    if tape.one_in(8) {
        let (_, again) = reader(entry, &whole).map_err(|error| format!("{}: {error}", entry.name))?;
        return same(entry.name, &whole, &again);
    }
    let only_a_bit = tape.one_in(6);
    let bytes = if only_a_bit {
        with_bit_flipped(whole.clone(), tape.below(whole.len() * 8))
    } else {
        let mut bytes = mutated(tape, &whole, &other);
        put_right(tape, &mut bytes);
        bytes
    };
    for one in all.iter().filter(|one| one.type_id == entry.type_id) {
        if let Ok((_, again)) = reader(one, &bytes) {
            if only_a_bit && (entry.type_id, entry.version) == (CommitV2::TYPE, CommitV2::VERSION) {
                return Err(format!("a commit with a flipped bit was read as {}", one.name));
            }
            canonical(one, all, &bytes, &again, reader)?;
        }
    }
    Ok(())
}

/// What was read writes the very bytes; what was read of an earlier version does so as that version.
fn canonical(read_as: &Entry, all: &[Entry], bytes: &[u8], again: &[u8], reader: Reader) -> Verdict {
    let version = bytes[LENGTH_AT - 1];
    if version == read_as.version {
        return same(read_as.name, bytes, again);
    }
    let earlier = all.iter().find(|one| (one.type_id, one.version) == (read_as.type_id, version));
    let Some(earlier) = earlier else {
        return Err(format!("{} read a version {version} that nobody wrote", read_as.name));
    };
    let (_, as_earlier) = reader(earlier, bytes)
        .map_err(|error| format!("{} reads it, {}: {error}", read_as.name, earlier.name))?;
    same(earlier.name, bytes, &as_earlier)?;
    let (_, twice) = reader(read_as, again).map_err(|error| format!("{}: {error}", read_as.name))?;
    same(read_as.name, again, &twice)
}

fn same(name: &str, bytes: &[u8], again: &[u8]) -> Verdict {
    if bytes == again {
        return Ok(());
    }
    Err(format!(
        "{name}: {} bytes were read and {} other ones written\n{bytes:x?}\n{again:x?}",
        bytes.len(),
        again.len()
    ))
}

/// Most often the length and the checksum are made right again: what stands behind them is to be read.
fn put_right(tape: &mut Tape<'_>, bytes: &mut Vec<u8>) {
    if bytes.len() < PRELUDE_BYTES || tape.one_in(4) {
        return;
    }
    let checked = bytes[2] == 2;
    let behind = if checked { CHECKSUM_BYTES } else { 0 };
    let payload = bytes.len().saturating_sub(PRELUDE_BYTES + behind);
    let stated = u32::try_from(payload).unwrap().to_be_bytes();
    bytes[LENGTH_AT..PRELUDE_BYTES].copy_from_slice(&stated);
    if checked && !tape.one_in(4) {
        bytes.truncate(PRELUDE_BYTES + payload);
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum[..CHECKSUM_BYTES]);
    }
}

fn with_bit_flipped(mut bytes: Vec<u8>, bit: usize) -> Vec<u8> {
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// The most memory that this process has had.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

// === planted faults ===

async fn finds(reader: Reader) -> String {
    let all = catalogue();
    let found = Target { cases: 20_000, ..TARGET }.hunt(async |tape| case(tape, &all, reader)).await;
    found.expect("the fault is found").fault
}

#[tokio::test]
async fn a_reader_that_ignores_what_is_left_over_is_found() {
    let careless: Reader = |entry, bytes| match (entry.reread)(bytes) {
        Err(DecodeError::LeftOver(left)) => {
            let mut shorter = bytes[..bytes.len() - left].to_vec();
            let payload = u32::try_from(shorter.len() - PRELUDE_BYTES).unwrap();
            shorter[LENGTH_AT..PRELUDE_BYTES].copy_from_slice(&payload.to_be_bytes());
            (entry.reread)(&shorter)
        }
        read => read,
    };
    let fault = finds(careless).await;
    assert!(fault.contains("other ones written"), "{fault}");
}

#[tokio::test]
async fn a_reader_that_does_not_look_at_the_checksum_is_found() {
    let trusting: Reader = |entry, bytes| match (entry.reread)(bytes) {
        Err(DecodeError::Checksum) if bytes.len() > PRELUDE_BYTES + CHECKSUM_BYTES => {
            let mut bytes = bytes[..bytes.len() - CHECKSUM_BYTES].to_vec();
            let checksum = Sha256::digest(&bytes);
            bytes.extend_from_slice(&checksum[..CHECKSUM_BYTES]);
            (entry.reread)(&bytes)
        }
        read => read,
    };
    let fault = finds(trusting).await;
    assert!(fault.contains("flipped bit") || fault.contains("other ones written"), "{fault}");
}

#[tokio::test]
async fn a_reader_that_panics_is_found() {
    let fragile: Reader = |entry, bytes| {
        let read = (entry.reread)(bytes);
        assert!(!matches!(read, Err(DecodeError::Payload(_))), "a payload that cannot be read");
        read
    };
    let fault = finds(fragile).await;
    assert!(fault.contains("a panic: a payload"), "{fault}");
}
