//! Who did what, across instances: the events of the log, the newest first, by who asked for them, through which door, of which
//! kind and when.
//!
//! There is no index: the log itself is read, from its end, so the answer is what is there and a page says how far it looked.
//! One request looks at a bounded part of it and says where the next one goes on.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_bus::KeyRing;
use berth_log::{LogRead, Position, ShardPosition, SharedCommit};
use berth_proto::{AccountId, InstanceId, Kind, Timestamp, commit::PrincipalV1, public};
use tokio::sync::Semaphore;

use super::{
    account_events::EventsFailure,
    audit_lanes::{Found, Lanes, Looked},
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

/// Who a command was decided for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The operator, with the root key.
    Root,
    /// An account, with its token.
    Account,
    /// An instance, with its token.
    Instance,
    /// A service of the deployment.
    Service,
}

/// What is asked for. What is none, or empty, is whatever it is.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Of this account: the root key's to choose.
    pub account: Option<AccountId>,
    /// What happened to this instance.
    pub instance: Option<InstanceId>,
    /// What one of these asked for.
    pub actors: Vec<Actor>,
    /// What came in by one of these doors: `native`, `console`, a dialect, `connector`, `sweeper`.
    pub doors: Vec<String>,
    /// Events of these names, such as `LoggedOut`.
    pub events: Vec<String>,
    /// What happened at this moment or later.
    pub from: Option<Timestamp>,
    /// What happened before this moment.
    pub to: Option<Timestamp>,
}

/// An event that was asked for.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// The instance that it happened to.
    pub instance: InstanceId,
    /// The account that had the instance after it; none if the commit does not say.
    pub account: Option<AccountId>,
    /// What happened.
    pub entry: Entry,
}

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
        for AuditEntry { instance, entry, .. } in &mut page.entries {
            self.histories.open_callers(*instance, std::slice::from_mut(entry)).await;
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
                if query.wants(&entry) {
                    page.entries.push(AuditEntry { instance, account: None, entry });
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
            let mut part = between(&*self.log, &[Kind::Instance], &from, &to).await?;
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
    let Some(instance) = shared.stored().stream.as_instance() else { return Vec::new() };
    let Ok(commit) = shared.commit() else { return Vec::new() };
    let is_then = query.from.is_none_or(|from| commit.occurred_at >= from)
        && query.to.is_none_or(|to| commit.occurred_at < to);
    if commit.events.is_empty() || !is_then {
        return Vec::new();
    }
    // Whoever has it after the commit sees it, as with the events that are streamed.
    let account = shared.instance_state().ok().flatten().map(|state| state.account);
    if matches!(scope, Scope::Account(own) if account != Some(own)) {
        return Vec::new();
    }
    let wanted = entries(commit.clone()).into_iter().filter(|entry| query.wants(entry));
    let mut wanted: Vec<_> = wanted.map(|entry| AuditEntry { instance, account, entry }).collect();
    wanted.reverse();
    wanted
}

/// The newest first, by version and place.
fn in_order(entries: &mut [AuditEntry]) {
    entries.sort_by_key(|it| std::cmp::Reverse((it.entry.commit.version, it.entry.index)));
}

impl AuditQuery {
    /// Whether an event is what is asked for.
    fn wants(&self, entry: &Entry) -> bool {
        let at = entry.commit.occurred_at;
        let receipt = public::receipt_of(&entry.commit, entry.index);
        let is_actor =
            |actors: &[Actor]| receipt.is_some_and(|it| actors.contains(&Actor::of(&it.principal)));
        let is_door = |doors: &[String]| receipt.is_some_and(|it| doors.contains(&it.origin.via));
        let is_event = |names: &[String]| {
            entry.event.as_ref().is_some_and(|event| names.iter().any(|name| name == event.name()))
        };
        self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at < to)
            && (self.actors.is_empty() || is_actor(&self.actors))
            && (self.doors.is_empty() || is_door(&self.doors))
            && (self.events.is_empty() || is_event(&self.events))
    }
}

impl Actor {
    /// Who it was.
    pub const fn of(principal: &PrincipalV1) -> Self {
        match principal {
            PrincipalV1::Root => Self::Root,
            PrincipalV1::Account { .. } => Self::Account,
            PrincipalV1::Instance { .. } => Self::Instance,
            PrincipalV1::Service => Self::Service,
        }
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Account => "account",
            Self::Instance => "instance",
            Self::Service => "service",
        }
    }

    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Root, Self::Account, Self::Instance, Self::Service];
}
