//! Pages of the record view, in the order of ids.

use std::collections::VecDeque;

use berth_proto::{
    AccountId, InstanceId, RecordV1, StreamId, Timestamp,
    instance::InstanceStateV1,
    query::{InstanceQueryV1, RowV1},
};
use berth_views::{ViewError, ViewReader};

use crate::{
    class::{Class, StateFilter, passes, state_filters},
    records::{
        ACCOUNTS, Row, STATES, account_of, after_account, decode_account, id_of, owned_prefix, record,
        state_prefix,
    },
};

/// Bytes of the states of one page, so that a reply fits into a message of the bus (1 MiB on NATS): a page
/// may have fewer rows than asked for, and says that there are more.
const PAGE_BYTES_MAX: usize = 768 * 1024;
/// Ids that are read from an index at once.
const IDS_AT_ONCE: usize = 128;

/// A page of rows and whether there are more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<RowV1>,
    pub(crate) more: bool,
    limit: usize,
    bytes: usize,
}

impl Page {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds a row. False if it did not fit: the page is full, and there are more.
    pub(crate) fn add(&mut self, id: impl Into<StreamId>, version: u64, state: RecordV1) -> bool {
        let bytes = self.bytes + state.body.len();
        if self.rows.len() == self.limit || (bytes > PAGE_BYTES_MAX && !self.rows.is_empty()) {
            self.more = true;
            return false;
        }
        self.bytes = bytes;
        self.rows.push(RowV1 { id: id.into(), version, state });
        true
    }
}

/// Which instances are wanted, apart from their texts.
#[derive(Debug)]
pub(crate) struct Wanted {
    account: Option<AccountId>,
    words: Vec<&'static str>,
    filters: Vec<StateFilter>,
    /// Whether every state is wanted, deleted aside.
    every: bool,
}

impl Wanted {
    /// What a query wants; a query that cannot be answered says what is wrong with it.
    pub(crate) fn of(query: &InstanceQueryV1) -> Result<Self, String> {
        let filters = state_filters(&query.states, query.with_deleted)?;
        let words = filters.iter().map(|it| it.word).collect();
        Ok(Self { account: query.account, words, filters, every: query.states.is_empty() })
    }

    /// The account whose instances are wanted; none for those of all.
    pub(crate) const fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// Whether a record is wanted at `now`.
    pub(crate) fn takes(&self, record: &Row, now: Timestamp) -> bool {
        if self.account.is_some_and(|account| account != record.account) {
            return false;
        }
        let is_whole = |it: &StateFilter| it.detail.is_none();
        if self.filters.iter().all(is_whole) && record.class.always(&self.words) {
            return true;
        }
        Class::with(&self.words).contains(&record.class)
            && record.state.open::<InstanceStateV1>().is_ok_and(|state| passes(&state, &self.filters, now))
    }

    /// The ranges of the indexes that hold all wanted instances.
    fn ranges(&self, view: &dyn ViewReader) -> Result<Vec<Vec<u8>>, ViewError> {
        match self.account {
            Some(account) => Ok(self.ranges_of(account)),
            None => Ok(owners(view)?.into_iter().flat_map(|account| self.ranges_of(account)).collect()),
        }
    }

    fn ranges_of(&self, account: AccountId) -> Vec<Vec<u8>> {
        if !self.every {
            let classes = Class::with(&self.words).into_iter();
            return classes.map(|class| state_prefix(account, class)).collect();
        }
        // One range whatever the states, so that an instance whose state changes meanwhile stays in it.
        let mut ranges = vec![owned_prefix(account)];
        if self.words.contains(&"deleted") {
            ranges.push(state_prefix(account, Class::Deleted));
        }
        ranges
    }
}

/// Every account that has or had an instance: one look-up for each. Blocking.
pub(crate) fn owners(view: &dyn ViewReader) -> Result<Vec<AccountId>, ViewError> {
    let mut owners: Vec<AccountId> = Vec::new();
    loop {
        let after = owners.last().map(|last| after_account(*last));
        let next = view.scan(STATES, after.as_deref(), 1)?;
        let Some(account) = next.first().and_then(|(key, _)| account_of(key)) else {
            return Ok(owners);
        };
        owners.push(account);
    }
}

/// A page of instances: a merge of index ranges, never a scan of records. Blocking.
pub(crate) fn instances(
    view: &dyn ViewReader,
    wanted: &Wanted,
    after: Option<InstanceId>,
    limit: usize,
    now: Timestamp,
) -> Result<Page, ViewError> {
    let mut page = Page::new(limit);
    let mut ranges: Vec<Range> =
        wanted.ranges(view)?.into_iter().map(|prefix| Range::new(prefix, after)).collect();
    let mut last = after;
    while let Some(id) = next(view, &mut ranges)? {
        // An instance that changes its class meanwhile can be met twice.
        if last.is_some_and(|last| id <= last) {
            continue;
        }
        last = Some(id);
        if let Some(record) = record(view, id)?
            && wanted.takes(&record, now)
            && !page.add(id, record.version, record.state)
        {
            break;
        }
    }
    Ok(page)
}

/// A page of accounts. Blocking.
pub(crate) fn accounts(
    view: &dyn ViewReader,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Page, ViewError> {
    let mut page = Page::new(limit);
    let after = after.map(|id| [ACCOUNTS, id.as_bytes()].concat());
    for (key, row) in view.scan(ACCOUNTS, after.as_deref(), limit + 1)? {
        if let (Some(id), Some((version, state))) = (id_of(&key), decode_account(&row))
            && !page.add(id, version, state)
        {
            break;
        }
    }
    Ok(page)
}

/// The lowest id at the front of the ranges, taken from all that have it.
fn next(view: &dyn ViewReader, ranges: &mut [Range]) -> Result<Option<InstanceId>, ViewError> {
    let mut lowest: Option<InstanceId> = None;
    for range in ranges.iter_mut() {
        if let Some(id) = range.front(view)? {
            lowest = Some(lowest.map_or(id, |lowest| lowest.min(id)));
        }
    }
    for range in ranges {
        if lowest.is_some() && range.ids.front() == lowest.as_ref() {
            range.ids.pop_front();
        }
    }
    Ok(lowest)
}

/// A range of an index, read by and by.
#[derive(Debug)]
struct Range {
    prefix: Vec<u8>,
    /// The key after which to read on.
    after: Option<Vec<u8>>,
    ids: VecDeque<InstanceId>,
    ended: bool,
}

impl Range {
    fn new(prefix: Vec<u8>, after: Option<InstanceId>) -> Self {
        let after = after.map(|id| [&prefix[..], id.as_bytes()].concat());
        Self { prefix, after, ids: VecDeque::new(), ended: false }
    }

    fn front(&mut self, view: &dyn ViewReader) -> Result<Option<InstanceId>, ViewError> {
        if self.ids.is_empty() && !self.ended {
            let entries = view.scan(&self.prefix, self.after.as_deref(), IDS_AT_ONCE)?;
            self.ended = entries.len() < IDS_AT_ONCE;
            self.ids.extend(entries.iter().filter_map(|(key, _)| Some(id_of(key)?.instance())));
            if let Some((key, _)) = entries.into_iter().next_back() {
                self.after = Some(key);
            }
        }
        Ok(self.ids.front().copied())
    }
}
