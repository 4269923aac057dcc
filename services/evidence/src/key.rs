//! The key that signs checkpoints: ed25519, and no other key of the deployment follows from it or it from them.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use berth_runtime::Entropy;
use ed25519_dalek::{SECRET_KEY_LENGTH, VerifyingKey};
use signed_note::{StandardSigner, StandardVerifier, key_id, new_ed25519_verifier_key};
use thiserror::Error;
use zeroize::Zeroizing;

/// What signed notes write before an ed25519 key.
const ED25519: u8 = 1;

/// Not a key of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("32 bytes in base64 are expected")]
pub struct InvalidKey;

/// A key that signs. It does not print itself.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<[u8; SECRET_KEY_LENGTH]>);

/// A key that verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl SigningKey {
    /// A new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut seed = Zeroizing::new([0; SECRET_KEY_LENGTH]);
        entropy.fill(&mut *seed);
        Self(seed)
    }

    /// Reads [`Self::to_base64`]; white space around it does not matter.
    pub fn from_base64(text: &str) -> Result<Self, InvalidKey> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).map_err(|_| InvalidKey)?);
        let seed = <[u8; SECRET_KEY_LENGTH]>::try_from(bytes.as_slice()).map_err(|_| InvalidKey)?;
        Ok(Self(Zeroizing::new(seed)))
    }

    /// How it is kept.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_STANDARD.encode(*self.0))
    }

    /// The key that verifies what it signs.
    pub fn public(&self) -> PublicKey {
        PublicKey(ed25519_dalek::SigningKey::from_bytes(&self.0).verifying_key())
    }

    /// Signs notes in the name of an origin.
    pub(crate) fn signer(&self, origin: &str) -> Result<StandardSigner, InvalidKey> {
        let id = key_id(origin, &[&[ED25519], self.public().0.as_bytes().as_slice()].concat());
        let seed = Zeroizing::new(BASE64_STANDARD.encode([&[ED25519], self.0.as_slice()].concat()));
        let text = Zeroizing::new(format!("PRIVATE+KEY+{origin}+{id:08x}+{}", *seed));
        StandardSigner::new(&text).map_err(|_| InvalidKey)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey of {:?}", self.public())
    }
}

impl PublicKey {
    /// Reads [`Self::to_base64`].
    pub fn from_base64(text: &str) -> Result<Self, InvalidKey> {
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| InvalidKey)?;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| InvalidKey)?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| InvalidKey)
    }

    /// Its 32 bytes.
    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0.as_bytes())
    }

    /// How the tools of signed notes name it, for what an origin signs.
    pub fn verifier_key(self, origin: &str) -> String {
        new_ed25519_verifier_key(origin, &self.0)
    }

    pub(crate) fn verifier(self, origin: &str) -> Result<StandardVerifier, InvalidKey> {
        StandardVerifier::new(&self.verifier_key(origin)).map_err(|_| InvalidKey)
    }
}

#[cfg(test)]
mod tests {
    use berth_runtime::SeededEntropy;

    use super::*;

    #[test]
    fn a_key_comes_back_and_shows_its_public_half_only() {
        let key = SigningKey::generate(&SeededEntropy::new(1));
        let text = key.to_base64();
        assert_eq!(SigningKey::from_base64(&format!(" {}\n", *text)).unwrap().public(), key.public());
        assert_eq!(PublicKey::from_base64(&key.public().to_base64()).unwrap(), key.public());
        assert!(!format!("{key:?}").contains(&**text));
        for wrong in ["", "AAAA", "not base64", &text[1..]] {
            assert_eq!(SigningKey::from_base64(wrong).unwrap_err(), InvalidKey);
        }
    }
}
