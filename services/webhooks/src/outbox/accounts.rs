//! Endpoints that stand with an account: who listens to an instance besides its own endpoints.
//!
//! A commit of an instance names the version of the account that whoever decided it knew, and is told to the endpoints that the
//! account had in that version: so it does not matter what else changed by the time a view folds it. The two streams come in any
//! order. A commit whose version of the account is not known yet waits, as what it says and under that version, and is told when
//! that comes.

use std::ops::RangeInclusive;

use berth_notices::derive::Heard;
use berth_proto::{
    AccountId, CommitV2, EndpointId, Sealed, Timestamp, account::AccountStateV3, instance::WebhookV1,
};
use berth_views::{ApplyError, Rows};
use serde::{Deserialize, Serialize};

use super::{read_row, reports::Report, unreadable, write};

/// First byte of the key of the endpoints of an account in one of its versions.
const LISTENERS: u8 = b'w';
/// First byte of the key of how far an account is known.
const LATEST: u8 = b'v';
/// First byte of the key of a commit that waits for a version of its account, and of how many do.
const WAITING: u8 = b'p';
/// First byte of the key of whether a commit waits.
const WAITS: u8 = b'q';
/// Versions of an account without a commit that could be read, at most, behind which its endpoints are still looked for.
const DAMAGED_MAX: u64 = 64;

/// Commits that waited, at most, that are told at once.
const TAKEN_AT_ONCE_MAX: u32 = 1_024;

/// How far an account is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Latest {
    /// Its version.
    pub(crate) version: u64,
    /// Its endpoints, and when each was last changed.
    pub(crate) changed: Vec<(EndpointId, Timestamp)>,
    /// Those of them that are told anything.
    enabled: Vec<EndpointId>,
}

/// Which commit waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Awaited {
    account: AccountId,
    version: u64,
}

/// What waits for a version of its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Waiting {
    /// What a commit of an instance says, and where it stands.
    Heard {
        /// What it says.
        heard: Heard,
        /// Its revision.
        revision: u64,
    },
    /// How an endpoint fares.
    Report(Report),
}

impl Waiting {
    /// The instance or account, and the version of the commit that says so.
    fn commit(&self) -> ([u8; 16], u64) {
        match self {
            Self::Heard { heard, .. } => (*heard.instance.as_bytes(), heard.version),
            Self::Report(report) => (*report.instance().as_bytes(), report.version()),
        }
    }
}

/// What a commit of an account makes known.
pub(super) struct News {
    /// The versions that are known by it: one, unless some before it could not be read and will not come.
    pub(super) versions: RangeInclusive<u64>,
    /// Endpoints that are told nothing more: removed or disabled since the last version that was known.
    pub(super) gone: Vec<EndpointId>,
}

/// Folds a commit of an account. What waits for the versions that are known by it is to be told; see [`take`].
pub(super) fn apply(
    account: AccountId,
    commit: &CommitV2,
    rows: &mut dyn Rows,
) -> Result<Option<News>, ApplyError> {
    let Some(record) = commit.full_state() else { return Ok(None) };
    let state: AccountStateV3 = record.open().map_err(unreadable)?;
    let listeners: Vec<_> = state.webhooks.iter().map(blank).collect();
    rows.put(&listeners_key(account, commit.version), write(&listeners).map_err(unreadable)?);
    let before = latest(account, rows)?.unwrap_or_default();
    let mut gone = Vec::new();
    if commit.version > before.version {
        let changed = state.webhooks.iter().map(|webhook| (webhook.id, webhook.updated_at)).collect();
        let enabled: Vec<_> =
            state.webhooks.iter().filter(|webhook| webhook.enabled).map(|webhook| webhook.id).collect();
        gone.extend(before.enabled.iter().filter(|id| !enabled.contains(id)));
        let latest = Latest { version: commit.version, changed, enabled };
        rows.put(&latest_key(account), write(&latest).map_err(unreadable)?);
    }
    Ok(Some(News { versions: (before.version + 1).min(commit.version)..=commit.version, gone }))
}

/// The endpoints that an account had in a version; none if that is not known yet.
pub(super) fn listeners_in(
    account: AccountId,
    version: u64,
    rows: &mut dyn Rows,
) -> Result<Option<Vec<WebhookV1>>, ApplyError> {
    if let Some(row) = rows.get(&listeners_key(account, version)).map_err(unreadable)? {
        return Ok(Some(read_row(&row).unwrap_or_default()));
    }
    if latest(account, rows)?.is_none_or(|latest| latest.version < version) {
        return Ok(None);
    }
    for before in (version.saturating_sub(DAMAGED_MAX)..version).rev() {
        if let Some(row) = rows.get(&listeners_key(account, before)).map_err(unreadable)? {
            return Ok(Some(read_row(&row).unwrap_or_default()));
        }
    }
    Ok(Some(Vec::new()))
}

/// Has a commit wait for a version of its account.
pub(super) fn wait(
    account: AccountId,
    version: u64,
    waiting: &Waiting,
    rows: &mut dyn Rows,
) -> Result<(), ApplyError> {
    let waits_key = waits_key(waiting.commit());
    if rows.get(&waits_key).map_err(unreadable)?.is_some() {
        return Ok(());
    }
    let awaited = Awaited { account, version };
    let count = awaited.count(rows)?;
    rows.put(&awaited.key(Some(count)), write(waiting).map_err(unreadable)?);
    rows.put(&awaited.key(None), write(&(count + 1)).map_err(unreadable)?);
    rows.put(&waits_key, Vec::new());
    Ok(())
}

/// Some of what waits for a version of an account, which waits no more; none when nothing does. As many as are in memory at once:
/// where a view is built anew a great many may wait.
pub(super) fn take(
    account: AccountId,
    version: u64,
    rows: &mut dyn Rows,
) -> Result<Vec<Waiting>, ApplyError> {
    let awaited = Awaited { account, version };
    let (count, mut taken) = (awaited.count(rows)?, Vec::new());
    let left = count.saturating_sub(TAKEN_AT_ONCE_MAX);
    for index in left..count {
        let key = awaited.key(Some(index));
        let row = rows.get(&key).map_err(unreadable)?;
        if let Some(waiting) = row.and_then(|row| read_row::<Waiting>(&row)) {
            rows.remove(&waits_key(waiting.commit()));
            taken.push(waiting);
        }
        rows.remove(&key);
    }
    match left {
        0 if count > 0 => rows.remove(&awaited.key(None)),
        0 => {}
        left => rows.put(&awaited.key(None), write(&left).map_err(unreadable)?),
    }
    Ok(taken)
}

fn latest(account: AccountId, rows: &mut dyn Rows) -> Result<Option<Latest>, ApplyError> {
    let row = rows.get(&latest_key(account)).map_err(unreadable)?;
    Ok(row.and_then(|row| read_row(&row)))
}

/// What notices are derived from, without anything that is sealed.
fn blank(webhook: &WebhookV1) -> WebhookV1 {
    let WebhookV1 { id, format, enabled, events, after_logout_all, .. } = webhook.clone();
    WebhookV1 {
        id,
        format,
        label: String::new(),
        enabled,
        url: Sealed(Vec::new()),
        headers: None,
        authorization: None,
        secret: Sealed(Vec::new()),
        old_secrets: Vec::new(),
        events,
        after_logout_all,
        options: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

// === impl Awaited ===

impl Awaited {
    /// How many commits wait.
    fn count(self, rows: &mut dyn Rows) -> Result<u32, ApplyError> {
        let row = rows.get(&self.key(None)).map_err(unreadable)?;
        Ok(row.and_then(|row| read_row(&row)).unwrap_or(0))
    }

    /// The key of one of them, or of how many there are.
    fn key(self, index: Option<u32>) -> Vec<u8> {
        let mut key = versioned(WAITING, self.account.as_bytes(), self.version);
        key.extend(index.into_iter().flat_map(u32::to_be_bytes));
        key
    }
}

// === keys ===

fn versioned(kind: u8, id: &[u8; 16], version: u64) -> Vec<u8> {
    [[kind].as_slice(), id, &version.to_be_bytes()].concat()
}

/// The key of the endpoints of an account in a version.
pub(crate) fn listeners_key(account: AccountId, version: u64) -> Vec<u8> {
    versioned(LISTENERS, account.as_bytes(), version)
}

/// The key of how far an account is known.
pub(crate) fn latest_key(account: AccountId) -> Vec<u8> {
    [[LATEST].as_slice(), account.as_bytes()].concat()
}

fn waits_key((id, version): ([u8; 16], u64)) -> Vec<u8> {
    versioned(WAITS, &id, version)
}
