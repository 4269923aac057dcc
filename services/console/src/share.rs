//! Links that show one attempt's code to whoever has the phone: what such a link says, and until when it holds.
//!
//! A link is sealed and bound to an instance, an attempt and the version of the instance's token; so it ends with the attempt,
//! with a logout, a rotation and a delete, without anybody keeping a list. Who opens it first has it: that is counted once over
//! all gateways. Taking links back raises a number that every link of the attempt was made with.

use std::time::Duration;

use aes_siv::{KeyInit, siv::Aes128Siv};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_gateway::{
    App,
    app::{Failure, Record},
};
use berth_proto::{InstanceId, instance::PhaseV1};

use crate::session::Seal;

/// What seals are bound to.
const LINK: &str = "berth.v1.console.link";
const CLAIM: &str = "berth.v1.console.claim";
/// First byte of a link.
const VERSION: u8 = 1;
/// How long the counters of a link are kept: longer than any attempt lasts.
const KEPT: Duration = Duration::from_hours(2);

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) instance: InstanceId,
    attempt: u32,
    credential_version: u32,
    /// How often the links of the attempt had been taken back.
    generation: u32,
    /// Tells this link from every other.
    nonce: String,
}

/// How a link stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// The attempt runs.
    Running(Box<Record>),
    /// A phone was linked by it.
    Linked,
    /// It is over.
    Ended,
}

impl Share {
    /// A link to the attempt that runs; none if none does.
    pub(crate) async fn make(app: &App, record: &Record) -> Result<Option<Self>, Failure> {
        let Some(attempt) = berth_domain::instance::attempt(&record.state) else { return Ok(None) };
        let generation = app.marks.add(&revoked_key(record.id, attempt.number), 0, KEPT).await?;
        Ok(Some(Self {
            instance: record.id,
            attempt: attempt.number,
            credential_version: record.state.credential_version,
            generation: u32::try_from(generation).unwrap_or(u32::MAX),
            nonce: app.request_ids.next(),
        }))
    }

    /// Takes back every link to the attempt that runs.
    pub(crate) async fn revoke(app: &App, record: &Record) -> Result<(), Failure> {
        if let Some(attempt) = berth_domain::instance::attempt(&record.state) {
            app.marks.add(&revoked_key(record.id, attempt.number), 1, KEPT).await?;
        }
        Ok(())
    }

    /// How the link stands now.
    pub(crate) async fn standing(&self, app: &App) -> Result<Standing, Failure> {
        let Some(record) = app.records.read_any(self.instance).await? else { return Ok(Standing::Ended) };
        let revoked = app.marks.add(&revoked_key(self.instance, self.attempt), 0, KEPT).await?;
        let is_bound = record.state.credential_version == self.credential_version
            && revoked == u64::from(self.generation);
        Ok(match &record.state.phase {
            _ if !is_bound => Standing::Ended,
            PhaseV1::Linked(link) if link.attempt == self.attempt => Standing::Linked,
            PhaseV1::Connecting(attempt) | PhaseV1::Pairing(attempt) if attempt.number == self.attempt => {
                Standing::Running(Box::new(record))
            }
            _ => Standing::Ended,
        })
    }

    /// Whether this browser is the first that opens it.
    pub(crate) async fn claim(&self, app: &App) -> Result<bool, Failure> {
        Ok(app.marks.add(&format!("link.{}", self.nonce), 1, KEPT).await? == 1)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.instance.as_bytes());
        for number in [self.attempt, self.credential_version, self.generation] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(self.nonce.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let (instance, rest) = rest.split_first_chunk::<16>()?;
        let (attempt, rest) = rest.split_first_chunk::<4>()?;
        let (credential_version, rest) = rest.split_first_chunk::<4>()?;
        let (generation, nonce) = rest.split_first_chunk::<4>()?;
        Some(Self {
            instance: InstanceId::from_bytes(*instance),
            attempt: u32::from_be_bytes(*attempt),
            credential_version: u32::from_be_bytes(*credential_version),
            generation: u32::from_be_bytes(*generation),
            nonce: String::from_utf8(nonce.to_vec()).ok()?,
        })
    }
}

fn revoked_key(instance: InstanceId, attempt: u32) -> String {
    format!("link.{instance}.{attempt}.revoked")
}

impl Seal {
    /// The last part of the link's address.
    pub(crate) fn share(&self, share: &Share) -> Option<String> {
        self.sealed(LINK, &share.to_bytes())
    }

    /// What such a part says, if we made it.
    pub(crate) fn open_share(&self, text: &str) -> Option<Share> {
        Share::from_bytes(&self.opened(LINK, text)?)
    }

    /// What the browser keeps that opened a link first.
    pub(crate) fn claim(&self, share: &Share) -> Option<String> {
        self.sealed(CLAIM, share.nonce.as_bytes())
    }

    /// Whether this is the claim on a link.
    pub(crate) fn is_claim(&self, text: &str, share: &Share) -> bool {
        self.opened(CLAIM, text).is_some_and(|nonce| nonce == share.nonce.as_bytes())
    }

    fn sealed(&self, purpose: &str, bytes: &[u8]) -> Option<String> {
        let sealed = Aes128Siv::new(self.key().into()).encrypt([purpose.as_bytes()], bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    fn opened(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        Aes128Siv::new(self.key().into()).decrypt([purpose.as_bytes()], &sealed).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_what_it_was_made_for_and_nothing_else_is_one() {
        let (seal, other) = (Seal::new(|_| [1; 32]), Seal::new(|_| [2; 32]));
        let share = Share {
            instance: InstanceId::from_bytes([7; 16]),
            attempt: 3,
            credential_version: 2,
            generation: 1,
            nonce: "abc-1".to_owned(),
        };
        let text = seal.share(&share).unwrap();
        assert_eq!(seal.open_share(&text), Some(share.clone()));
        assert_eq!(other.open_share(&text), None, "another deployment's");
        assert_eq!(seal.open_share(&text[1..]), None);
        assert_eq!(seal.open_share(""), None);
        let claim = seal.claim(&share).unwrap();
        assert!(seal.is_claim(&claim, &share));
        assert!(!seal.is_claim(&text, &share), "a link is no claim");
        assert_eq!(seal.open_share(&claim), None, "nor a claim a link");
        assert!(!seal.is_claim(&claim, &Share { nonce: "abc-2".to_owned(), ..share }));
    }
}
