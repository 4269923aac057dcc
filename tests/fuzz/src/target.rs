//! One target: how much of it is run, and what happens to a tape that finds a fault.

use std::{
    env, fs,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::FutureExt;
use tokio::time::Instant;

use crate::tape::Tape;

/// The seed unless `BERTH_FUZZ_SEED` says otherwise: a test is the same each time.
const SEED_DEFAULT: u64 = 1;
/// Bytes of a tape at most.
const TAPE_BYTES_MAX: usize = 512;
/// How often a tape with a fault is run again to find a shorter one.
const SHRINK_TRIES_MAX: usize = 48;
/// How long that may take.
const SHRINK_TIME_MAX: Duration = Duration::from_secs(30);

/// What came of a case: nothing, or what is wrong, in words.
pub type Verdict = Result<(), String>;

/// A target and what of it is run where nobody says more.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: that of its file, and of its folder in the corpus.
    pub name: &'static str,
    /// Cases without `BERTH_FUZZ_SECONDS`.
    pub cases: u64,
    /// Seconds without `BERTH_FUZZ_SECONDS`, if the cases take longer than that.
    pub seconds: u64,
}

/// A tape that found a fault.
#[derive(Debug, Clone)]
pub struct Found {
    /// The tape.
    pub tape: Vec<u8>,
    /// What is wrong.
    pub fault: String,
}

// === impl Target ===

impl Target {
    /// Replays the corpus and runs new cases.
    ///
    /// # Panics
    /// When a case finds a fault: with the fault, the seed and the file of the corpus that keeps the tape.
    pub async fn run(&self, mut case: impl AsyncFnMut(&mut Tape<'_>) -> Verdict) {
        let Some(found) = self.hunt(&mut case).await else { return };
        println!("{}, seed {}: {}\nlooking for a shorter tape", self.name, seed(), found.fault);
        let found = shrunk(&mut case, found).await;
        let path = self.corpus().join(format!("{:016x}.tape", digest(&found.tape)));
        let kept = fs::create_dir_all(self.corpus()).and_then(|()| fs::write(&path, &found.tape));
        panic!("{}, seed {}: {}\nits tape: {} ({kept:?})", self.name, seed(), found.fault, path.display());
    }

    /// The same, and gives the first fault as it was found instead of keeping it.
    pub async fn hunt(&self, mut case: impl AsyncFnMut(&mut Tape<'_>) -> Verdict) -> Option<Found> {
        let (begin, corpus) = (Instant::now(), self.kept());
        for tape in &corpus {
            if let Err(fault) = judge(&mut case, tape).await {
                return Some(Found { tape: tape.clone(), fault });
            }
        }
        let asked: Option<u64> = env::var("BERTH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
        let (seconds, cases) = asked.map_or((self.seconds, self.cases), |seconds| (seconds, u64::MAX));
        let mut source = Source(seed() ^ digest(self.name.as_bytes()));
        let mut run = 0;
        while run < cases && begin.elapsed() < Duration::from_secs(seconds) {
            let tape = source.tape(&corpus);
            run += 1;
            if let Err(fault) = judge(&mut case, &tape).await {
                return Some(Found { tape, fault });
            }
        }
        let (seed, kept, took) = (seed(), corpus.len(), begin.elapsed());
        println!("{}: seed {seed}, {kept} kept tapes and {run} new ones in {took:.1?}", self.name);
        None
    }

    fn corpus(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name)
    }

    /// The tapes of the corpus, in the order of their names.
    fn kept(&self) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(self.corpus()).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "tape"));
        paths.sort();
        paths.iter().filter_map(|path| fs::read(path).ok()).collect()
    }
}

/// Runs a case; a panic is a fault.
async fn judge(case: &mut impl AsyncFnMut(&mut Tape<'_>) -> Verdict, bytes: &[u8]) -> Verdict {
    let mut tape = Tape::new(bytes);
    let ran = AssertUnwindSafe(case(&mut tape)).catch_unwind().await;
    ran.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("a panic: {}", said.unwrap_or("without words")))
    })
}

/// Looks for a shorter or plainer tape that finds a fault too.
async fn shrunk(case: &mut impl AsyncFnMut(&mut Tape<'_>) -> Verdict, mut found: Found) -> Found {
    let (begin, mut tries) = (Instant::now(), 0);
    let mut part = found.tape.len() / 2;
    while part > 0 {
        let mut at = 0;
        while at + part <= found.tape.len() {
            if tries == SHRINK_TRIES_MAX || begin.elapsed() > SHRINK_TIME_MAX {
                return found;
            }
            tries += 1;
            let mut shorter = found.tape.clone();
            shorter.drain(at..at + part);
            match judge(case, &shorter).await {
                Err(fault) => found = Found { tape: shorter, fault },
                Ok(()) => at += part,
            }
        }
        part /= 2;
    }
    found
}

fn seed() -> u64 {
    env::var("BERTH_FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(SEED_DEFAULT)
}

/// FNV-1a: for names of files only.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// `SplitMix64`: the same tapes of a seed on every machine.
struct Source(u64);

impl Source {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or_default()
    }

    /// A new tape; one in eight is a kept one with some of its bytes changed.
    fn tape(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        if !corpus.is_empty() && self.below(8) == 0 {
            let mut tape = corpus[self.below(corpus.len())].clone();
            for _ in 0..self.below(4) {
                let at = self.below(tape.len());
                let [byte, ..] = self.next().to_le_bytes();
                tape.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
            return tape;
        }
        let length = 8 + self.below(TAPE_BYTES_MAX - 8);
        (0..length.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(length).collect()
    }
}
