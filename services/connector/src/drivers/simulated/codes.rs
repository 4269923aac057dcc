//! Texts of codes, shaped as WhatsApp's.

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_runtime::Entropy;

/// What stands before the references in a QR code.
const QR_PREFIX: &str = "https://wa.me/settings/linked_devices#";
/// The alphabet of pairing codes: Crockford's base32 without zero.
const PAIRING_ALPHABET: &[u8; 32] = b"123456789ABCDEFGHJKLMNPQRSTVWXYZ";
/// Characters of a pairing code.
const PAIRING_CHARS: usize = 8;

/// A QR text: reference, noise key, identity key, ADV secret, client type.
pub(super) fn qr(entropy: &dyn Entropy) -> String {
    let key = || STANDARD.encode(entropy.bytes32());
    format!("{QR_PREFIX}2@{},{},{},{},1", key(), key(), key(), key())
}

/// A pairing code.
pub(super) fn pairing(entropy: &dyn Entropy) -> String {
    let mut random = [0_u8; PAIRING_CHARS];
    entropy.fill(&mut random);
    random
        .iter()
        .map(|byte| char::from(*PAIRING_ALPHABET.get(usize::from(byte % 32)).unwrap_or(&b'1')))
        .collect()
}

#[cfg(test)]
mod tests {
    use berth_runtime::SeededEntropy;

    use super::*;

    #[test]
    fn codes_have_their_shape() {
        let entropy = SeededEntropy::new(1);
        let text = qr(&entropy);
        assert_eq!(text.strip_prefix(QR_PREFIX).unwrap().split(',').count(), 5);
        let code = pairing(&entropy);
        assert!(code.len() == 8 && code.bytes().all(|byte| PAIRING_ALPHABET.contains(&byte)), "{code}");
    }
}
