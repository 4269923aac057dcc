//! The operating system's randomness, from a seed.
//!
//! Two sources of chance cannot be given from outside on stable Rust: the keys of the standard library's hash maps, which
//! decide in which order they are walked, and the order in which `tokio::select!` looks at its branches, whose seed tokio
//! takes from such a key (its own setting for it is behind `--cfg tokio_unstable`, which would build everything a second
//! time). Both begin with `getrandom`. The standard library calls it as a weak symbol, so that a program may have its
//! own; this program has, and no other crate of the workspace may be linked with it.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

static SEED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// How often this thread asked: others, which an engine may have, change nothing of what the one that counts is told.
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// From now on what a thread is told follows from this seed. To be called before the thread makes its first hash map.
pub(crate) fn seed(seed: u64) {
    SEED.store(seed, Ordering::SeqCst);
}

/// As `getrandom(2)`: fills the buffer, always.
///
/// # Safety
/// `buffer` points to `length` bytes that may be written.
#[expect(
    unsafe_code,
    reason = "a function of the C library is replaced; nothing on stable Rust does it otherwise"
)]
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    let asked = ASKED.get();
    ASKED.set(asked.wrapping_add(1));
    let mut state = SEED.load(Ordering::SeqCst) ^ asked.wrapping_mul(0xA076_1D64_78BD_642F);
    // SAFETY: whoever calls says so.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer, length) };
    for chunk in bytes.chunks_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        for (byte, random) in chunk.iter_mut().zip(mixed.to_le_bytes()) {
            *byte = random;
        }
    }
    isize::try_from(length).unwrap_or(isize::MAX)
}
