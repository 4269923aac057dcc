//! The root key as a process keeps it: only its keyed digest.

use berth_proto::Hash;
use subtle::ConstantTimeEq;

use crate::sealing::MasterKey;

/// May manage accounts. The key itself is kept nowhere; a presented one is compared by its keyed digest in
/// constant time.
#[derive(Debug, Clone)]
pub struct RootKey {
    master: MasterKey,
    digest: Hash,
}

impl RootKey {
    /// Of the key itself.
    pub fn new(master: &MasterKey, key: &str) -> Self {
        Self { master: master.clone(), digest: digest(master, key) }
    }

    /// Of the digest that an earlier start kept.
    pub fn from_digest(master: &MasterKey, digest: Hash) -> Self {
        Self { master: master.clone(), digest }
    }

    /// What may be kept.
    pub const fn digest(&self) -> Hash {
        self.digest
    }

    /// Whether this is the root key.
    pub fn matches(&self, presented: &str) -> bool {
        digest(&self.master, presented).0.ct_eq(&self.digest.0).into()
    }
}

fn digest(master: &MasterKey, key: &str) -> Hash {
    master.request_digest(&[b"root_key", key.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn only_the_key_itself_matches_also_by_the_kept_digest() {
        let master = MasterKey::generate(&SeededEntropy::new(1));
        let root = RootKey::new(&master, "harbour-master");
        let kept = RootKey::from_digest(&master, root.digest());
        for root in [root, kept] {
            assert!(root.matches("harbour-master"));
            assert!(!root.matches("harbour-mastes"));
            assert!(!root.matches(""));
        }
    }

    #[test]
    fn the_digest_of_another_deployment_is_worth_nothing() {
        let [one, other] = [1, 2].map(|seed| MasterKey::generate(&SeededEntropy::new(seed)));
        let stolen = RootKey::new(&one, "harbour-master").digest();
        assert!(!RootKey::from_digest(&other, stolen).matches("harbour-master"));
    }
}
