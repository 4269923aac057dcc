//! Who did what, across instances and accounts: the events of the log, the newest first, by who asked for them, through which door, of which
//! kind and when.
//!
//! There is no index: the log itself is read, from its end, so the answer is what is there and a page says how far it looked.
//! One request looks at a bounded part of it and says where the next one goes on.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_bus::KeyRing;
use berth_log::{LogRead, Position, ShardPosition, SharedCommit};
use berth_proto::{AccountId, InstanceId, Kind, Timestamp};
use tokio::sync::Semaphore;

use super::{
    account_events::EventsFailure,
    audit_lanes::{Found, Lanes, Looked},
    audit_query::{About, AuditEntry, AuditQuery},
    cursor,
    failure::Failure,
    history::{Entry, Histories, entries},
    log_parts::{CLOCKS_APART_SECONDS, Part, behind, between},
    principal::{Principal, Principals},
};

/// Places of each shard that are looked at first: what is asked for is mostly what has just happened.
const PLACES_FIRST: u64 = 256;
/// Places of each shard that are looked at together at most: what they hold is in memory meanwhile.
const PLACES_MAX: u64 = 4_096;
/// Places of the log that one request looks at.
const LOOKED_MAX: u64 = 50_000;
/// Searches of the log at once in one process: commands go first.
const SEARCHES_AT_ONCE_MAX: usize = 2;
/// See [`SEARCHES_AT_ONCE_MAX`].
static SEARCHES: Semaphore = Semaphore::const_new(SEARCHES_AT_ONCE_MAX);
/// Commits of one instance that are read at once.
const COMMITS_PER_READ: usize = 100;

/// A page of events.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// The newest first. A commit is never divided: there may be a few more than were asked for.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; none if everything was looked at.
    pub next: Option<String>,
    /// Down to which moment everything was looked at; none if that was everything, or cannot be said.
    pub looked_back_to: Option<Timestamp>,
    /// Commits that were passed over since they cannot be read.
    pub unreadable: u64,
}

/// Whose events are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everything,
    Account(AccountId),
}

/// Searches the log.
#[derive(Debug)]
pub struct Audit {
    pub(super) log: Arc<dyn LogRead>,
    pub(super) keys: KeyRing,
    pub(super) principals: Arc<Principals>,
    pub(super) histories: Arc<Histories>,
}

impl Audit {
    /// A page of what the caller may see: everything with the root key, else what the account has. Whether the caller may see
    /// the instance of the query is the caller's to have asked.
    pub async fn page(
        &self,
        principal: &Principal,
        query: &AuditQuery,
        before: Option<&str>,
        limit: usize,
    ) -> Result<AuditPage, EventsFailure> {
        let mut page = match (query.instance, principal) {
            (Some(instance), _) => self.of_instance(instance, query, before, limit).await?,
            (None, Principal::Instance { .. }) => return Err(Failure::Forbidden.into()),
            (None, _) => self.of_log(principal, query, before, limit).await?,
        };
        for found in &mut page.entries {
            let Some(owner) = found.owner(principal) else { continue };
            self.histories.open_callers(&owner, std::slice::from_mut(&mut found.entry)).await;
        }
        self.principals.stands(principal, std::time::Duration::ZERO).await?;
        Ok(page)
    }

    /// Of one instance its own history is read.
    async fn of_instance(
        &self,
        instance: InstanceId,
        query: &AuditQuery,
        before: Option<&str>,
        limit: usize,
    ) -> Result<AuditPage, EventsFailure> {
        let before = before.map(str::parse::<u64>).transpose().map_err(|_| EventsFailure::Cursor)?;
        let end = match before {
            Some(before) => before.saturating_sub(1),
            None => self.histories.last_version(instance).await?,
        };
        if end == 0 && before.is_none() {
            return Err(Failure::NotFound.into());
        }
        let mut page = AuditPage { entries: Vec::new(), next: None, looked_back_to: None, unreadable: 0 };
        let (mut reached, mut looked) = (end, 0);
        while reached > 0 && page.entries.len() < limit && looked < LOOKED_MAX {
            let after = reached.saturating_sub(COMMITS_PER_READ as u64);
            let read = self.histories.page(instance, after, COMMITS_PER_READ).await?;
            looked += reached - after;
            let is_older = |entry: &Entry| entry.commit.version <= reached;
            page.unreadable += read.damaged.iter().filter(|version| **version <= reached).count() as u64;
            page.looked_back_to =
                read.entries.first().map(|it| it.commit.occurred_at).or(page.looked_back_to);
            let mut version = None;
            let mut cut = after;
            for entry in read.entries.into_iter().rev().filter(is_older) {
                let here = entry.commit.version;
                if version.is_some_and(|last| last != here) && page.entries.len() >= limit {
                    cut = here;
                    break;
                }
                version = Some(here);
                let found = AuditEntry::of_instance(instance, None, entry);
                if query.wants(&found) {
                    page.entries.push(found);
                }
            }
            reached = cut;
        }
        in_order(&mut page.entries);
        page.next = (reached > 0).then(|| (reached + 1).to_string());
        if page.next.is_none() {
            page.looked_back_to = None;
        }
        Ok(page)
    }

    /// Across instances the log is read from its end.
    async fn of_log(
        &self,
        principal: &Principal,
        query: &AuditQuery,
        before: Option<&str>,
        limit: usize,
    ) -> Result<AuditPage, EventsFailure> {
        let scope = scope(principal, query)?;
        let about = query.about();
        // What is released does not say whose it was, so half of it would be shown to an account.
        if about.contains(&About::Directory) && principal.account().is_some() {
            return Err(Failure::Forbidden.into());
        }
        let kinds: Vec<Kind> = about.iter().map(|about| about.kind()).collect();
        let end = self.log.end().await.map_err(Failure::from)?;
        let _turn = SEARCHES.acquire().await.map_err(|closed| Failure::unavailable("the log", closed))?;
        let begin = match before {
            Some(text) => {
                within(self.read_cursor(principal, text).await?, &end).ok_or(EventsFailure::Cursor)?
            }
            None => match query.to {
                Some(to) => behind(&*self.log, &end, to).await?,
                None => end,
            },
        };
        let mut lanes = Lanes::new(&begin);
        let (mut told, mut looked, mut places, mut unreadable) = (Vec::new(), 0, PLACES_FIRST, 0);
        let looked_back_to = loop {
            while told.len() < limit
                && let Some(found) = lanes.tell()
            {
                told.extend(found.what);
            }
            if told.len() >= limit || lanes.are_over() || looked >= LOOKED_MAX {
                let last = told.last().map(|it: &AuditEntry| it.entry.commit.occurred_at);
                break if told.len() >= limit { last } else { lanes.floor() };
            }
            let (from, to) = lanes.next_part(places);
            let mut part = between(&*self.log, &kinds, &from, &to).await?;
            looked += lanes.note(&from, |shard| looked_at(&mut part, shard, scope, query, &mut unreadable));
            places = (places * 2).min(PLACES_MAX);
        };
        let next = match lanes.rest() {
            Some(rest) => self.write_cursor(principal, &rest).await?,
            None => None,
        };
        let looked_back_to = looked_back_to.filter(|_| next.is_some());
        Ok(AuditPage { entries: told, next, looked_back_to, unreadable })
    }

    /// A place in the whole log tells what happens in the accounts of others: an account is given it sealed.
    async fn write_cursor(&self, principal: &Principal, at: &Position) -> Result<Option<String>, Failure> {
        let Some(account) = principal.account() else {
            return Ok(postcard::to_stdvec(at).ok().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)));
        };
        let key = self.keys.key(account.as_bytes()).await?.ok_or(Failure::Unauthorized)?;
        Ok(cursor::write(&key, account, at))
    }

    async fn read_cursor(&self, principal: &Principal, text: &str) -> Result<Position, EventsFailure> {
        let Some(account) = principal.account() else {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| EventsFailure::Cursor)?;
            return match postcard::take_from_bytes(&bytes) {
                Ok((position, [])) => Ok(position),
                Ok(_) | Err(_) => Err(EventsFailure::Cursor),
            };
        };
        let key = self.keys.key(account.as_bytes()).await.map_err(Failure::from)?;
        let key = key.ok_or(Failure::Unauthorized)?;
        cursor::read(&key, account, text).ok_or(EventsFailure::Cursor)
    }
}

fn scope(principal: &Principal, query: &AuditQuery) -> Result<Scope, Failure> {
    match (principal.account(), query.account) {
        (None, None) => Ok(Scope::Everything),
        (None, Some(account)) => Ok(Scope::Account(account)),
        (Some(own), asked) if asked.is_none_or(|asked| asked == own) => Ok(Scope::Account(own)),
        (Some(_), _) => Err(Failure::Forbidden),
    }
}

/// A place of a cursor, if it is one in this log; a shard that came since is left out.
fn within(cursor: Position, end: &Position) -> Option<Position> {
    let place = |(shard, place): (u8, ShardPosition)| {
        let end = end.0.get(&shard)?;
        let is_here =
            place.revision == 0 || (place.incarnation == end.incarnation && place.revision <= end.revision);
        is_here.then_some((shard, ShardPosition { incarnation: end.incarnation, ..place }))
    };
    cursor.0.into_iter().map(place).collect::<Option<_>>().map(Position)
}

/// What a shard has of a part, and of it what is wanted.
fn looked_at(
    part: &mut Part,
    shard: u8,
    scope: Scope,
    query: &AuditQuery,
    unreadable: &mut u64,
) -> Looked<Vec<AuditEntry>> {
    let commits = part.remove(&shard).unwrap_or_default();
    let mut floor = None;
    let mut found = Vec::new();
    for (revision, shared) in &commits {
        let Ok(commit) = shared.commit() else {
            *unreadable += 1;
            continue;
        };
        let at = commit.occurred_at;
        floor = Some(floor.map_or(at, |floor: Timestamp| floor.min(at)));
        let what = wanted(shared, scope, query);
        if !what.is_empty() {
            found.push(Found { revision: *revision, at, what });
        }
    }
    let too_old =
        |from: Timestamp| floor.is_some_and(|floor| floor.plus_seconds(CLOCKS_APART_SECONDS) < from);
    Looked { found, floor, is_over: query.from.is_some_and(too_old) }
}

/// The events of a commit that are asked for, the last first.
fn wanted(shared: &SharedCommit, scope: Scope, query: &AuditQuery) -> Vec<AuditEntry> {
    let Ok(commit) = shared.commit() else { return Vec::new() };
    if commit.events.is_empty() || !query.is_then(commit.occurred_at) {
        return Vec::new();
    }
    let stream = shared.stored().stream;
    let entries = || entries(commit.clone()).into_iter();
    let mut found: Vec<_> = match (stream.as_instance(), stream.as_account()) {
        (Some(instance), _) => {
            // Whoever has it after the commit sees it, as with the events that are streamed.
            let account = shared.instance_state().ok().flatten().map(|state| state.account);
            entries().map(|entry| AuditEntry::of_instance(instance, account, entry)).collect()
        }
        (None, Some(account)) => entries().map(|entry| AuditEntry::of_account(account, entry)).collect(),
        (None, None) => entries().map(AuditEntry::of_directory).collect(),
    };
    found.retain(|found| query.wants(found) && scope.has(found));
    found.reverse();
    found
}

/// The newest first, by version and place.
fn in_order(entries: &mut [AuditEntry]) {
    entries.sort_by_key(|it| std::cmp::Reverse((it.entry.commit.version, it.entry.index)));
}

impl Scope {
    fn has(self, found: &AuditEntry) -> bool {
        match self {
            Self::Everything => true,
            Self::Account(own) => found.account == Some(own),
        }
    }
}
