//! What is signed: heads of trees, and the keys that may sign them. C2SP `signed-note` and `tlog-checkpoint`.

use std::{fmt, str::FromStr};

use berth_proto::Hash;
use signed_note::{Note, NoteError, Signer, Verifier, VerifierList};
use thiserror::Error;
use tlog_tiles::{checkpoint::Checkpoint, tlog};

use crate::key::{InvalidKey, PublicKey, SigningKey};

/// The word before what an origin goes on from.
const FOLLOWS: &str = "follows";

/// A note is not one of ours.
#[derive(Debug, Error)]
pub enum InvalidNote {
    /// It is malformed, or no key that is known has signed it.
    #[error("it is no note that a known key has signed")]
    Note(#[source] NoteError),
    /// Its text is no head of a tree.
    #[error("its text is no checkpoint")]
    Text,
    /// Its text is of another origin.
    #[error("it is of {found}, not of {expected}")]
    Origin {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// A key or an origin cannot be used.
    #[error("a key cannot be used")]
    Key(#[source] InvalidKey),
    /// An announcement of a key is not signed by the key before it.
    #[error("the announcement of key {number} does not follow the one before it")]
    Chain {
        /// The number of the key.
        number: u64,
    },
}

/// Whose tree it is: a shard of a deployment, in one of its lives. A log that lost commits, and an operator accepted
/// that, goes on in another life, since no tree of it can contain the former one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The id of the deployment.
    pub deployment: String,
    /// The shard.
    pub shard: u8,
    /// 1 for the first life.
    pub life: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "berth/{}/{}", self.deployment, self.shard)?;
        if self.life > 1 { write!(f, "/{}", self.life) } else { Ok(()) }
    }
}

impl FromStr for Origin {
    type Err = InvalidNote;

    fn from_str(text: &str) -> Result<Self, InvalidNote> {
        let mut words = text.split('/');
        let (Some("berth"), Some(deployment), Some(shard)) = (words.next(), words.next(), words.next())
        else {
            return Err(InvalidNote::Text);
        };
        let shard = shard.parse().map_err(|_| InvalidNote::Text)?;
        let life = words.next().map_or(Ok(1), |life| life.parse().map_err(|_| InvalidNote::Text))?;
        let origin = Self { deployment: deployment.to_owned(), shard, life };
        // There is one way to write it.
        if origin.to_string() == text { Ok(origin) } else { Err(InvalidNote::Text) }
    }
}

/// The head of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose tree it is.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The last heads of the life before: the shard's own, or those of all shards if there was another number of them.
    pub follows: Vec<Follows>,
}

/// A last head of the life before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follows {
    /// Whose tree it was.
    pub origin: String,
    /// How many leaves it had.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Head {
    /// Signs the head.
    pub fn sign(&self, key: &SigningKey) -> Result<String, InvalidNote> {
        let mut extension = String::new();
        for before in &self.follows {
            extension.extend([FOLLOWS, " ", &before.to_string(), "\n"]);
        }
        let checkpoint = Checkpoint::new(&self.origin, self.size, tlog::Hash(self.root.0), &extension)
            .map_err(|_| InvalidNote::Text)?;
        let signer = key.signer(&self.origin).map_err(InvalidNote::Key)?;
        sign(&checkpoint.to_bytes(), &[&signer])
    }

    /// Reads a head that one of these keys has signed in the name of its own origin.
    pub fn open(note: &str, keys: &[PublicKey]) -> Result<Self, InvalidNote> {
        let parsed = Note::from_bytes(note.as_bytes()).map_err(InvalidNote::Note)?;
        let checkpoint = Checkpoint::from_bytes(parsed.text()).map_err(|_| InvalidNote::Text)?;
        verify(&parsed, checkpoint.origin(), keys)?;
        let follows =
            checkpoint.extension().lines().filter_map(|line| line.strip_prefix(FOLLOWS)?.strip_prefix(' '));
        Ok(Self {
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root: Hash(checkpoint.hash().0),
            follows: follows.map(str::parse).collect::<Result<_, _>>()?,
        })
    }
}

// === impl Follows ===

impl fmt::Display for Follows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.origin, self.size, tlog::Hash(self.root.0))
    }
}

impl FromStr for Follows {
    type Err = InvalidNote;

    fn from_str(text: &str) -> Result<Self, InvalidNote> {
        let mut words = text.split(' ');
        let (Some(origin), Some(size), Some(root), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(InvalidNote::Text);
        };
        Ok(Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| InvalidNote::Text)?,
            root: Hash(tlog::Hash::parse_hash(root).map_err(|_| InvalidNote::Text)?.0),
        })
    }
}

/// The keys of a deployment in their order, each announced by a note that the one before it has signed too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(Vec<PublicKey>);

impl Keys {
    /// Reads the announcements of a deployment, the first first.
    pub fn open<'a>(deployment: &str, notes: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidNote> {
        let mut keys = Self::default();
        for note in notes {
            keys.add(deployment, note)?;
        }
        Ok(keys)
    }

    fn add(&mut self, deployment: &str, note: &str) -> Result<(), InvalidNote> {
        let (origin, number) = (origin_of_keys(deployment), self.0.len() as u64 + 1);
        let parsed = Note::from_bytes(note.as_bytes()).map_err(InvalidNote::Note)?;
        let text = std::str::from_utf8(parsed.text()).map_err(|_| InvalidNote::Text)?;
        let lines: Vec<_> = text.lines().collect();
        let [found, stated, key] = *lines.as_slice() else { return Err(InvalidNote::Text) };
        if found != origin {
            return Err(InvalidNote::Origin { found: found.to_owned(), expected: origin });
        }
        let key = PublicKey::from_base64(key).map_err(InvalidNote::Key)?;
        if stated != number.to_string() {
            return Err(InvalidNote::Chain { number });
        }
        for signer in self.0.last().into_iter().chain([&key]) {
            verify(&parsed, &origin, std::slice::from_ref(signer))
                .map_err(|_| InvalidNote::Chain { number })?;
        }
        self.0.push(key);
        Ok(())
    }

    /// The note that announces the next key; signed by the last one, if there is one.
    pub fn announce(
        &self,
        deployment: &str,
        next: &SigningKey,
        last: Option<&SigningKey>,
    ) -> Result<String, InvalidNote> {
        let (origin, number) = (origin_of_keys(deployment), self.0.len() as u64 + 1);
        if last.map(SigningKey::public) != self.0.last().copied() {
            return Err(InvalidNote::Chain { number });
        }
        let text = format!("{origin}\n{number}\n{}\n", next.public().to_base64());
        let signers: Result<Vec<_>, _> =
            last.into_iter().chain([next]).map(|key| key.signer(&origin)).collect();
        let signers = signers.map_err(InvalidNote::Key)?;
        sign(text.as_bytes(), &signers.iter().map(|signer| signer as &dyn Signer).collect::<Vec<_>>())
    }

    /// All of them, the first first.
    pub fn all(&self) -> &[PublicKey] {
        &self.0
    }

    /// The one that signs now.
    pub fn last(&self) -> Option<PublicKey> {
        self.0.last().copied()
    }
}

fn origin_of_keys(deployment: &str) -> String {
    format!("berth/{deployment}/keys")
}

fn sign(text: &[u8], signers: &[&dyn Signer]) -> Result<String, InvalidNote> {
    let mut note = Note::new(text, &[]).map_err(InvalidNote::Note)?;
    note.add_sigs(signers).map_err(InvalidNote::Note)?;
    String::from_utf8(note.to_bytes()).map_err(|_| InvalidNote::Text)
}

/// One of the keys, at least, has signed the note in the name of this origin.
fn verify(note: &Note, origin: &str, keys: &[PublicKey]) -> Result<(), InvalidNote> {
    let verifiers: Result<Vec<_>, _> = keys
        .iter()
        .map(|key| Ok(Box::new(key.verifier(origin).map_err(InvalidNote::Key)?) as Box<dyn Verifier>))
        .collect();
    note.verify(&VerifierList::new(verifiers?)).map(|_| ()).map_err(InvalidNote::Note)
}

#[cfg(test)]
mod tests {
    use berth_runtime::SeededEntropy;

    use super::*;

    fn key(seed: u64) -> SigningKey {
        SigningKey::generate(&SeededEntropy::new(seed))
    }

    fn head() -> Head {
        let origin = Origin { deployment: "abc".to_owned(), shard: 3, life: 1 }.to_string();
        Head { origin, size: 7, root: Hash([7; 32]), follows: Vec::new() }
    }

    #[test]
    fn a_head_is_a_checkpoint_as_the_tools_of_others_read_it() {
        let note = head().sign(&key(1)).unwrap();
        let (text, signature) = note.split_once("\n\n").unwrap();
        assert_eq!(text, "berth/abc/3\n7\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert!(signature.starts_with("— berth/abc/3 "), "{signature}");
        assert_eq!(Head::open(&note, &[key(1).public()]).unwrap(), head());
    }

    #[test]
    fn a_later_life_names_the_last_heads_of_the_one_before() {
        let before = head();
        let origin = Origin { deployment: "abc".to_owned(), shard: 3, life: 2 }.to_string();
        assert_eq!(origin, "berth/abc/3/2");
        assert_eq!(origin.parse::<Origin>().unwrap().to_string(), origin);
        for wrong in
            ["", "berth/abc", "berth/abc/03", "berth/abc/3/1", "berth/abc/3/2/", "berth/abc/256", "x/abc/3"]
        {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
        let follows = Follows { origin: before.origin, size: before.size, root: before.root };
        let other = Follows { origin: "berth/abc/0".to_owned(), ..follows };
        for follows in [vec![other.clone()], vec![other.clone(), other]] {
            let later = Head { origin: origin.clone(), size: 0, root: Hash::of_bytes(b""), follows };
            assert_eq!(Head::open(&later.sign(&key(1)).unwrap(), &[key(1).public()]).unwrap(), later);
        }
    }

    #[test]
    fn a_note_of_another_key_or_with_one_letter_changed_is_none() {
        let note = head().sign(&key(1)).unwrap();
        assert!(Head::open(&note, &[]).is_err());
        assert!(Head::open(&note, &[key(2).public()]).is_err());
        for (at, byte) in note.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_graphic()) {
            let mut changed = note.clone().into_bytes();
            changed[at] = if byte == b'x' { b'y' } else { b'x' };
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert!(Head::open(&changed, &[key(1).public()]).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_key_is_announced_by_the_one_before_it() {
        let none = Keys::default();
        let first = none.announce("abc", &key(1), None).unwrap();
        let keys = Keys::open("abc", [&*first]).unwrap();
        assert_eq!(keys.last(), Some(key(1).public()));
        assert!(keys.announce("abc", &key(2), None).is_err(), "not by nobody");
        assert!(keys.announce("abc", &key(2), Some(&key(3))).is_err(), "nor by another key");
        let second = keys.announce("abc", &key(2), Some(&key(1))).unwrap();
        let keys = Keys::open("abc", [&*first, &*second]).unwrap();
        assert_eq!(keys.all(), [key(1).public(), key(2).public()]);

        let usurped = none.announce("abc", &key(2), None).unwrap();
        let wrong: [&[&str]; 5] = [
            &[&first, &usurped],
            &[&second],
            &[&second, &first],
            &[&first, &first],
            &[&first, &second, &second],
        ];
        for notes in wrong {
            assert!(Keys::open("abc", notes.iter().copied()).is_err(), "{notes:?}");
        }
        assert!(Keys::open("of another deployment", [&*first]).is_err());
    }
}
