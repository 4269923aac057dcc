//! The jobs of the process manager, and the rows of the agenda that say when they are due.

use berth_domain::instance::{ATTEMPT_SECONDS_MAX, SKEW_SECONDS};
use berth_proto::{Partition, Timestamp};
use berth_views::{ApplyError, Rows};

use crate::sagas::create::ABANDON_AFTER_SECONDS;

/// First byte of the rows in the order of their moments.
pub(super) const BY_MOMENT: &[u8] = b"d";
/// First byte of the rows that say at which moment a job stands.
const BY_JOB: &[u8] = b"j";
/// Seconds that whoever deleted an instance has for cleaning up himself.
pub(super) const ERASE_AFTER_SECONDS: i64 = 2;

/// What kind of work is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    /// A deadline in the state of an instance.
    Deadline,
    /// A deleted instance that is not yet cleaned up.
    Erasure,
    /// A create that is not known to be finished, by its first entry; or a move, by each entry of the new account; or a rename, by the new name.
    Create,
    /// A rotated token of an instance, by its entry.
    Rotation,
    /// The name or token of an account, by its entry.
    Account,
    /// What the instances of an account have to follow of it.
    Duty,
    /// An instance with copies of its account's endpoints, which it has no more.
    Copies,
    /// An instance on an upstream whose name there was not reserved before it was made.
    NameThere,
}

impl Work {
    /// Every one, for the metrics and for reading a row.
    pub(crate) const ALL: [Self; 8] = [
        Self::Deadline,
        Self::Erasure,
        Self::Create,
        Self::Rotation,
        Self::Account,
        Self::Duty,
        Self::Copies,
        Self::NameThere,
    ];

    const fn byte(self) -> u8 {
        match self {
            Self::Deadline => 1,
            Self::Erasure => 2,
            Self::Create => 3,
            Self::Rotation => 4,
            Self::Account => 5,
            Self::Duty => 6,
            Self::Copies => 7,
            Self::NameThere => 8,
        }
    }

    /// Seconds that it can be due ahead at most, whenever it is put down.
    pub(super) const fn ahead_seconds_max(self) -> i64 {
        match self {
            // The deadlines of attempts are nearer; which of them is over is asked of the state.
            Self::Deadline => ATTEMPT_SECONDS_MAX + SKEW_SECONDS,
            Self::Erasure => ERASE_AFTER_SECONDS,
            Self::Create | Self::Rotation | Self::Account => ABANDON_AFTER_SECONDS,
            Self::Duty | Self::Copies | Self::NameThere => 0,
        }
    }

    /// Its name in metrics and log lines.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Erasure => "erasure",
            Self::Create => "create",
            Self::Rotation => "rotation",
            Self::Account => "account",
            Self::Duty => "duty",
            Self::Copies => "copies",
            Self::NameThere => "name_there",
        }
    }
}

/// Open work and its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Job {
    pub(super) work: Work,
    /// The id of the instance, of the account or of the directory entry.
    pub(super) id: [u8; 16],
}

impl Job {
    /// The partition of its stream: whose owner does it.
    pub(super) fn partition(self) -> Partition {
        Partition::of(&self.id)
    }

    /// The key of the row that says at which moment it stands.
    pub(super) fn index_key(self) -> Vec<u8> {
        [jobs_of(self.work), self.id.to_vec()].concat()
    }

    fn moment_key(self, due: [u8; 8]) -> Vec<u8> {
        [BY_MOMENT, &due, &[self.work.byte()], &self.id].concat()
    }

    /// The moment and the job that stand in a row's key.
    pub(super) fn read(key: &[u8]) -> Option<(Timestamp, Self)> {
        let rest = key.strip_prefix(BY_MOMENT)?;
        let (due, rest) = rest.split_first_chunk::<8>()?;
        let (byte, id) = rest.split_first()?;
        let work = Work::ALL.into_iter().find(|work| work.byte() == *byte)?;
        Some((moment_in(due)?, Self { work, id: id.try_into().ok()? }))
    }

    /// Puts the job at a moment, or takes it off.
    pub(super) fn set(self, rows: &mut dyn Rows, due: Option<Timestamp>) -> Result<(), ApplyError> {
        let index = self.index_key();
        let stands = rows.get(&index).map_err(|error| ApplyError { reason: error.to_string() })?;
        let wanted = due.map(moment_bytes);
        if let Some(old) = stands.as_deref().and_then(|old| <[u8; 8]>::try_from(old).ok()) {
            if Some(old) == wanted {
                return Ok(());
            }
            rows.remove(&self.moment_key(old));
        }
        match wanted {
            Some(due) => {
                rows.put(&self.moment_key(due), Vec::new());
                rows.put(&index, due.to_vec());
            }
            None if stands.is_some() => rows.remove(&index),
            None => {}
        }
        Ok(())
    }
}

/// What the keys start with that say at which moments the jobs of a kind stand; behind it comes the id.
pub(super) fn jobs_of(work: Work) -> Vec<u8> {
    [BY_JOB, &[work.byte()]].concat()
}

/// The moment in such a row.
pub(super) fn moment_in(row: &[u8]) -> Option<Timestamp> {
    Some(Timestamp(i64::try_from(u64::from_be_bytes(row.try_into().ok()?)).ok()?))
}

/// A moment as it stands in a key.
pub(super) fn moment_bytes(moment: Timestamp) -> [u8; 8] {
    u64::try_from(moment.0).unwrap_or_default().to_be_bytes()
}

/// What the keys of all jobs before a moment come before.
pub(super) fn moment_key(moment: Timestamp) -> Vec<u8> {
    [BY_MOMENT, &moment_bytes(moment)].concat()
}
