//! The asymmetric signature of Standard Webhooks (`v1a`, ed25519), for receivers that shall be able to check a notice and
//! not to make one.
//!
//! The key follows from the endpoint's signing secret, so it is made, sealed, shown, rotated and forgotten with that, and
//! there is nothing more to keep. Whoever has the secret has both; who is given the public key has neither.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{SECRET_KEY_LENGTH, Signer, SigningKey};
use hkdf::Hkdf;
use serde_json::{Map, Value};
use sha2::Sha256;

/// How a secret begins in text.
const SECRET_PREFIX: &str = "whsec_";
/// How a public key begins in text.
const PUBLIC_PREFIX: &str = "whpk_";
/// What the key is derived for.
const PURPOSE: &[u8] = b"berth.v1.webhook.v1a";
/// The option of an endpoint that wants this signature beside the usual one.
const OPTION: &str = "v1a";

/// A key that signs so.
pub struct AsymmetricKey(SigningKey);

impl fmt::Debug for AsymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsymmetricKey").field(&self.public()).finish()
    }
}

impl AsymmetricKey {
    /// The key that belongs to the bytes of a secret.
    #[expect(clippy::expect_used, reason = "32 bytes are fewer than the derivation can give")]
    pub fn of_secret(secret: &[u8]) -> Self {
        let mut seed = [0; SECRET_KEY_LENGTH];
        Hkdf::<Sha256>::new(None, secret).expand(PURPOSE, &mut seed).expect("a short output");
        Self(SigningKey::from_bytes(&seed))
    }

    /// The key that belongs to a secret as it is written, `whsec_` and base64; none if it is no secret.
    pub fn of_text(secret: &str) -> Option<Self> {
        let bytes = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
        Some(Self::of_secret(&bytes))
    }

    /// The signature of a message: `v1a,` and base64.
    pub fn sign(&self, message: &[u8]) -> String {
        format!("v1a,{}", STANDARD.encode(self.0.sign(message).to_bytes()))
    }

    /// What checks it: `whpk_` and base64.
    pub fn public(&self) -> String {
        format!("{PUBLIC_PREFIX}{}", STANDARD.encode(self.0.verifying_key().as_bytes()))
    }
}

/// Whether the options of an endpoint ask for this signature.
pub fn is_wanted(options: &Map<String, Value>) -> bool {
    options.get(OPTION).is_some_and(|wanted| wanted == true)
}

/// The options of an endpoint with that wish or without it.
pub fn wanting(options: Option<Value>, wanted: bool) -> Option<Value> {
    let mut options = match options {
        Some(Value::Object(options)) => options,
        _ => Map::new(),
    };
    if wanted {
        options.insert(OPTION.to_owned(), Value::Bool(true));
    } else {
        options.remove(OPTION);
    }
    (!options.is_empty()).then_some(Value::Object(options))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_golden_case_of_the_specification() {
        let pair = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
        let pair: [u8; 64] = STANDARD.decode(pair).unwrap().try_into().unwrap();
        let key = AsymmetricKey(SigningKey::from_keypair_bytes(&pair).unwrap());
        assert_eq!(key.public(), "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
        let message = br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let signature =
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
        assert_eq!(key.sign(message), signature);
    }

    #[test]
    fn each_secret_has_a_key_of_its_own_which_does_not_show_it() {
        let one = AsymmetricKey::of_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let other = AsymmetricKey::of_text("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        assert_ne!(one.public(), other.public());
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(AsymmetricKey::of_secret(&bytes).public(), one.public());
        assert!(AsymmetricKey::of_text("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_none());
        assert_eq!(format!("{one:?}"), format!("AsymmetricKey({:?})", one.public()));
    }

    #[test]
    fn a_wish_stands_beside_what_a_format_keeps() {
        let wanted = wanting(Some(json!({"flags": {"a": true}})), true);
        assert_eq!(wanted, Some(json!({"flags": {"a": true}, "v1a": true})));
        assert!(is_wanted(wanted.as_ref().unwrap().as_object().unwrap()));
        assert_eq!(wanting(wanting(None, true), false), None);
        assert!(!is_wanted(&Map::new()));
    }
}
