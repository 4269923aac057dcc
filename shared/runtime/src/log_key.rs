//! The key that tells a deployment's own commits from what others put into its log, on an engine that others can write to.

use berth_proto::Hash;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of an authentication tag: half of the HMAC.
const TAG_BYTES: usize = 16;

/// The key of the authentication tags of commits. It follows from the root secret, so that another master key changes nothing of it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct LogKey([u8; 32]);

/// What a tag says of its commit, besides that it is the deployment's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tagged {
    /// The generation of formats that its writer wrote.
    pub generation: u16,
    /// The revision of the commit of its stream that it was appended after; 0 for none.
    pub predecessor: u64,
    /// A revision of its shard that was there before it, and is not before that of its predecessor.
    pub after: u64,
}

impl std::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogKey(hidden)")
    }
}

impl LogKey {
    pub(crate) const fn of(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The tag of a commit with these bytes in a log of so many shards: a line of text.
    pub fn tag(&self, shards: u8, subject: &str, says: Tagged, payload: &[u8]) -> String {
        let code: [u8; 32] = self.code(shards, subject, says, payload).finalize().into_bytes().into();
        let Tagged { generation, predecessor, after } = says;
        format!(
            "{generation}.{predecessor}.{after}.{}",
            HEXLOWER.encode(code.get(..TAG_BYTES).unwrap_or_default())
        )
    }

    /// What a tag says; none if it is not this key's, or of another commit.
    pub fn check(&self, tag: &str, shards: u8, subject: &str, payload: &[u8]) -> Option<Tagged> {
        let mut parts = tag.split('.');
        let (generation, predecessor, after) = (parts.next()?, parts.next()?, parts.next()?);
        let hex = parts.next()?;
        let says = Tagged {
            generation: generation.parse().ok()?,
            predecessor: predecessor.parse().ok()?,
            after: after.parse().ok()?,
        };
        let mut code = [0; TAG_BYTES];
        if parts.next().is_some() || HEXLOWER.decode_len(hex.len()) != Ok(TAG_BYTES) {
            return None;
        }
        HEXLOWER.decode_mut(hex.as_bytes(), &mut code).ok()?;
        self.code(shards, subject, says, payload).verify_truncated_left(&code).ok()?;
        Some(says)
    }

    /// A code for something else that only the deployment can say; the first part tells what it is.
    pub fn vouch(&self, parts: &[&[u8]]) -> Hash {
        Hash(self.over(parts).finalize().into_bytes().into())
    }

    fn code(&self, shards: u8, subject: &str, says: Tagged, payload: &[u8]) -> Hmac<Sha256> {
        let Tagged { generation, predecessor, after } = says;
        let (generation, predecessor) = (generation.to_be_bytes(), predecessor.to_be_bytes());
        let places = (&[shards], &generation, &predecessor, &after.to_be_bytes());
        self.over(&[b"commit", places.0, subject.as_bytes(), places.1, places.2, places.3, payload])
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAYS: Tagged = Tagged { generation: 4, predecessor: 60, after: 70 };
    const SUBJECT: &str = "berth.v1.log.instance.0.a";

    #[test]
    fn a_tag_fits_its_commit_under_its_key_and_nothing_else() {
        let (key, other) = (LogKey::of([1; 32]), LogKey::of([2; 32]));
        let tag = key.tag(4, SUBJECT, SAYS, b"commit");
        assert_eq!(key.check(&tag, 4, SUBJECT, b"commit"), Some(SAYS));
        assert_eq!(key.check(&tag, 5, SUBJECT, b"commit"), None, "another division");
        assert_eq!(other.check(&tag, 4, SUBJECT, b"commit"), None);
        assert_eq!(key.check(&tag, 4, "berth.v1.log.instance.0.b", b"commit"), None);
        assert_eq!(key.check(&tag, 4, SUBJECT, b"commiu"), None);
        for (from, to) in [("4.", "5."), (".70.", ".71."), ("4.60.", "4.6.0"), (".60.", ".61.")] {
            assert_eq!(key.check(&tag.replacen(from, to, 1), 4, SUBJECT, b"commit"), None, "{from}");
        }
        let at = tag.rfind('.').unwrap() + 1;
        for end in at..tag.len() {
            assert_eq!(key.check(&tag[..end], 4, SUBJECT, b"commit"), None, "no part of it");
        }
        for bad in ["", ".", "4.60.70.", "4.60.70.zz", "4.60.70", &format!("{tag}00"), &format!("{tag}.")] {
            assert_eq!(key.check(bad, 4, SUBJECT, b"commit"), None, "{bad}");
        }
    }

    #[test]
    fn what_is_vouched_for_is_no_tag_and_the_key_is_not_shown() {
        let key = LogKey::of([1; 32]);
        assert_eq!(key.vouch(&[b"a", b"b"]), key.vouch(&[b"a", b"b"]));
        assert_ne!(key.vouch(&[b"a", b"b"]), key.vouch(&[b"ab"]));
        assert_ne!(key.vouch(&[b"a"]), LogKey::of([2; 32]).vouch(&[b"a"]));
        assert_eq!(format!("{key:?}"), "LogKey(hidden)");
    }
}
