//! Who takes part in a deployment: its processes, what each says of itself, and which of them a partition prefers.

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use berth_proto::{Partition, Timestamp};
use berth_runtime::{Entropy, Role};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::lease::Lease;

/// The name of a process among the members of its deployment. It outlives the process: one that starts again under it
/// gets the same partitions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MemberId(String);

/// Characters of a member id at most.
pub const MEMBER_ID_CHARS_MAX: usize = 40;

/// The text is no member id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a member id is 1 to {MEMBER_ID_CHARS_MAX} letters, digits and `-`")]
pub struct InvalidMemberId;

/// What a process says of itself, for whoever looks at the deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub id: MemberId,
    /// Which start of it this is: another one for each process that takes the name.
    pub start: String,
    /// Where it listens.
    pub address: String,
    /// Its release.
    pub version: String,
    /// When it started.
    pub since: Timestamp,
    /// How it stands; of another release, as far as this one knows.
    #[serde(default)]
    pub status: Status,
}

/// How a process stands, as it says itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Processor cores that it used lately.
    pub cores: f32,
    /// Whether it is ready.
    pub ready: bool,
    /// What each part says of itself.
    pub says: BTreeMap<String, String>,
    /// Seconds that each view is behind the log.
    pub lag_seconds: BTreeMap<String, f64>,
    /// Commits of the log that each view has not looked at.
    pub lag_commits: BTreeMap<String, u64>,
    /// The same of the rows that are built beside those of a view, while there are any.
    pub rebuild_lag_commits: BTreeMap<String, u64>,
    /// What it has to do whose moment has come, by kind.
    pub due: BTreeMap<String, f64>,
    /// Which formats it reads and writes.
    pub formats: Formats,
}

/// Generations of formats of a process; 0 of a release that does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Formats {
    /// The newest that its release reads.
    pub reads: u16,
    /// The one that it writes since it started.
    pub writes: u16,
}

/// Who a process is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What it runs, and its name.
    pub seat: Seat,
    /// Which start this is: one that no other has.
    pub start: String,
    /// Which start was the last under this name, if the folder of the process remembers it. Nobody else has the folder, so
    /// nobody else lives that life.
    pub former: Option<String>,
    /// Its release.
    pub version: &'static str,
    /// When it started.
    pub since: Timestamp,
    /// How it introduces itself.
    pub introduction: Introduction,
}

/// Where a process listens and what tells how it stands: set once that is known. Clones are the same.
#[derive(Clone, Default)]
pub struct Introduction(Arc<Mutex<(String, Option<Tells>)>>);

/// Tells how a process stands, at once.
pub type Tells = Arc<dyn Fn() -> Status + Send + Sync>;

/// A process as others know it: two roles may have members of one name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seat {
    /// What it runs; `serve` is everything.
    pub role: Role,
    /// Its name.
    pub id: MemberId,
}

/// The members that were alive when a process last looked. Those that are about to leave own nothing any more.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    members: BTreeMap<Seat, Present>,
}

/// A member that is alive.
#[derive(Debug, Clone)]
pub struct Present {
    /// What it says of itself.
    pub member: Member,
    /// Whether it is about to leave.
    pub leaving: bool,
}

/// The member that a partition prefers: the one with the highest weight, so that a member that comes or goes moves only
/// the partitions that it gets or had.
pub fn preferred<'a>(
    partition: Partition,
    members: impl IntoIterator<Item = &'a MemberId>,
) -> Option<&'a MemberId> {
    members.into_iter().max_by_key(|member| (weight(partition, member), *member))
}

fn weight(partition: Partition, member: &MemberId) -> u64 {
    let digest = Sha256::new().chain_update([partition.number()]).chain_update(member.0.as_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    digest.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

// === impl Introduction ===

impl Introduction {
    /// Says where the process listens, and from now on with each sign of life how it stands.
    pub fn set(&self, address: String, tells: Tells) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (address, Some(tells));
    }

    fn now(&self) -> (String, Status) {
        let (address, tells) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (address, tells.map(|tells| tells()).unwrap_or_default())
    }
}

impl fmt::Debug for Introduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Introduction").field(&self.now().0).finish()
    }
}

// === impl Identity ===

impl Identity {
    /// What the process says of itself, in the life with this name.
    pub(crate) fn member(&self, start: String) -> Member {
        let (address, status) = self.introduction.now();
        let (id, version) = (self.seat.id.clone(), self.version.to_owned());
        Member { id, start, address, version, since: self.since, status }
    }
}

// === impl MemberId ===

impl MemberId {
    /// A name that nobody else has.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        Self(format!("{:016x}", u64::from_be_bytes(bytes)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MemberId {
    type Err = InvalidMemberId;

    fn from_str(text: &str) -> Result<Self, InvalidMemberId> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let fits = (1..=MEMBER_ID_CHARS_MAX).contains(&text.len());
        if fits && text.bytes().all(is_allowed) { Ok(Self(text.to_owned())) } else { Err(InvalidMemberId) }
    }
}

impl TryFrom<String> for MemberId {
    type Error = InvalidMemberId;

    fn try_from(text: String) -> Result<Self, InvalidMemberId> {
        text.parse()
    }
}

impl From<MemberId> for String {
    fn from(id: MemberId) -> Self {
        id.0
    }
}

// === impl Seat ===

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.role, self.id)
    }
}

impl FromStr for Seat {
    type Err = InvalidMemberId;

    fn from_str(text: &str) -> Result<Self, InvalidMemberId> {
        let (role, id) = text.split_once('.').ok_or(InvalidMemberId)?;
        let role = Role::ALL.into_iter().find(|one| one.as_str() == role).ok_or(InvalidMemberId)?;
        Ok(Self { role, id: id.parse()? })
    }
}

// === impl Roster ===

impl Roster {
    /// What was seen.
    pub fn new(members: impl IntoIterator<Item = (Seat, Present)>) -> Self {
        Self { members: members.into_iter().collect() }
    }

    /// Everybody, in order.
    pub fn members(&self) -> impl Iterator<Item = (&Seat, &Present)> {
        self.members.iter()
    }

    /// What a member says of itself.
    pub fn get(&self, seat: &Seat) -> Option<&Present> {
        self.members.get(seat)
    }

    /// Whether somebody does the work of a role.
    pub fn has(&self, role: Role) -> bool {
        self.members.keys().any(|seat| seat.role.runs(role))
    }

    /// Who is to own a lease: none if there is nobody.
    pub fn owner(&self, lease: Lease) -> Option<&Seat> {
        let candidates =
            self.members.iter().filter(|(seat, present)| seat.role.runs(lease.role) && !present.leaving);
        let seats: Vec<_> = candidates.map(|(seat, _)| seat).collect();
        let id = preferred(lease.partition, seats.iter().map(|seat| &seat.id))?;
        seats.into_iter().find(|seat| seat.id == *id)
    }

    /// Whether the same members are there, in the same lives: what they say of themselves may differ.
    pub fn is_like(&self, other: &Self) -> bool {
        let lives = |roster: &Self| -> Vec<_> {
            let life = |(seat, present): (&Seat, &Present)| {
                (seat.clone(), present.member.start.clone(), present.leaving)
            };
            roster.members.iter().map(life).collect()
        };
        lives(self) == lives(other)
    }
}

#[cfg(test)]
mod tests;
