//! Standard Webhooks 1.0.0 as a receiver sees it: whether a notice comes from Berth, unchanged and now.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// How a secret begins.
const SECRET_PREFIX: &str = "whsec_";
/// How a signature of the one version that there is begins.
const SIGNATURE_PREFIX: &str = "v1,";
/// How far the clocks of sender and receiver may be apart.
pub(crate) const CLOCKS_APART_MAX_SECONDS: u64 = 300;

/// The key of an endpoint.
#[derive(Clone)]
pub(crate) struct Secret(Vec<u8>);

/// The text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a signing secret is `whsec_` and base64")]
pub(crate) struct NoSecret;

/// The notice is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Forged {
    /// A header is not there, or there more than once.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// The time of its attempt is not now.
    #[error("it is {0} s old")]
    Old(i64),
    /// The time of its attempt is no number.
    #[error("its `webhook-timestamp` is no number")]
    NoTime,
    /// No signature fits.
    #[error("its signature is not by the secret of this endpoint")]
    Signature,
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) id: &'a str,
    pub(crate) timestamp: &'a str,
    pub(crate) signatures: &'a str,
    pub(crate) body: &'a [u8],
}

// === impl Secret ===

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// Reads `whsec_` and base64.
    pub(crate) fn parse(text: &str) -> Result<Self, NoSecret> {
        let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|base64| STANDARD.decode(base64).ok());
        bytes.filter(|bytes| !bytes.is_empty()).map(Self).ok_or(NoSecret)
    }
}

// === impl Signed ===

impl Signed<'_> {
    /// Whether one of these secrets signed it, not long ago.
    pub(crate) fn verify(&self, secrets: &[Secret], now_seconds: i64) -> Result<(), Forged> {
        let sent: i64 = self.timestamp.parse().map_err(|_| Forged::NoTime)?;
        if now_seconds.abs_diff(sent) > CLOCKS_APART_MAX_SECONDS {
            return Err(Forged::Old(now_seconds.saturating_sub(sent)));
        }
        let signatures = self.signatures.split(' ').filter_map(|one| one.strip_prefix(SIGNATURE_PREFIX));
        let signatures: Vec<Vec<u8>> = signatures.filter_map(|one| STANDARD.decode(one).ok()).collect();
        let fits = secrets.iter().any(|secret| signatures.iter().any(|one| self.is_by(secret, one)));
        if fits { Ok(()) } else { Err(Forged::Signature) }
    }

    /// Compares in constant time.
    fn is_by(&self, Secret(key): &Secret, signature: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
        for part in [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", self.body] {
            mac.update(part);
        }
        mac.verify_slice(signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    const EXAMPLE: Signed<'_> = Signed {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        body: br#"{"test": 2432232314}"#,
    };
    const SENT: i64 = 1_614_265_330;

    fn secrets() -> Vec<Secret> {
        ["whsec_AAAA", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"].map(|it| Secret::parse(it).unwrap()).to_vec()
    }

    #[test]
    fn the_example_of_the_specification_verifies() {
        EXAMPLE.verify(&secrets(), SENT).unwrap();
        let several = Signed { signatures: &format!("v1a,x v1,AAAA {}", EXAMPLE.signatures), ..EXAMPLE };
        several.verify(&secrets(), SENT + 299).unwrap();
    }

    #[test]
    fn whatever_was_changed_does_not() {
        let secrets = secrets();
        let body = br#"{"test": 2432232315}"#;
        assert_eq!(Signed { body, ..EXAMPLE }.verify(&secrets, SENT), Err(Forged::Signature));
        assert_eq!(Signed { id: "msg_x", ..EXAMPLE }.verify(&secrets, SENT), Err(Forged::Signature));
        assert_eq!(
            Signed { timestamp: "1614265331", ..EXAMPLE }.verify(&secrets, SENT),
            Err(Forged::Signature)
        );
        assert_eq!(Signed { timestamp: "soon", ..EXAMPLE }.verify(&secrets, SENT), Err(Forged::NoTime));
        assert_eq!(EXAMPLE.verify(&secrets, SENT + 301), Err(Forged::Old(301)));
        assert_eq!(EXAMPLE.verify(&secrets[..1], SENT), Err(Forged::Signature));
        assert_eq!(Secret::parse("secret").unwrap_err(), NoSecret);
    }
}
