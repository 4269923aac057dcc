//! Randomness and ids as parameters, so that a test or a simulation can repeat a run.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use berth_proto::{AccountId, CommandId, EndpointId, InstanceId};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::clock::Clock;

/// The source of randomness.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills the buffer with random bytes fit for keys.
    fn fill(&self, buffer: &mut [u8]);

    /// Sixteen random bytes.
    fn bytes16(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }

    /// Thirty-two random bytes.
    fn bytes32(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        bytes
    }

    /// A number below `bound`, without bias worth speaking of; 0 if `bound` is 0.
    fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        u64::try_from(u128::from_le_bytes(bytes) % u128::from(bound.max(1))).unwrap_or_default()
    }
}

/// The operating system's randomness, behind a generator that is seeded from it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that takes ambient randomness")]
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

/// Repeatable randomness for tests. Never for keys that matter.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<StdRng>);

impl SeededEntropy {
    /// The same seed gives the same bytes.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
    }
}

/// Sixteen bytes of a `UUIDv7` (RFC 9562 section 5.7): milliseconds, then randomness.
pub fn uuid_v7(clock: &dyn Clock, entropy: &dyn Entropy) -> [u8; 16] {
    let millis = u64::try_from(clock.now().millis()).unwrap_or_default();
    let random = entropy.bytes16();
    let [_, _, m0, m1, m2, m3, m4, m5] = millis.to_be_bytes();
    let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, ..] = random;
    [m0, m1, m2, m3, m4, m5, 0x70 | (r0 & 0x0F), r1, 0x80 | (r2 & 0x3F), r3, r4, r5, r6, r7, r8, r9]
}

/// A new instance id.
pub fn new_instance_id(clock: &dyn Clock, entropy: &dyn Entropy) -> InstanceId {
    InstanceId::from_bytes(uuid_v7(clock, entropy))
}

/// A new account id.
pub fn new_account_id(clock: &dyn Clock, entropy: &dyn Entropy) -> AccountId {
    AccountId::from_bytes(uuid_v7(clock, entropy))
}

/// A new endpoint id.
pub fn new_endpoint_id(clock: &dyn Clock, entropy: &dyn Entropy) -> EndpointId {
    EndpointId::from_bytes(uuid_v7(clock, entropy))
}

/// An id for a command that came without an idempotency key.
pub fn new_command_id(entropy: &dyn Entropy) -> CommandId {
    CommandId::from_bytes(entropy.bytes16())
}

/// Ten random digits, the first from 1 to 9.
pub fn new_number(entropy: &dyn Entropy) -> u64 {
    1_000_000_000 + entropy.below(9_000_000_000)
}
