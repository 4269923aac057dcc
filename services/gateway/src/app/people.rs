//! What is held of a person: where an account's histories have a phone number, and whether it can still be opened.
//!
//! Numbers are sealed wherever they are stored, so nothing can be looked up by them but the present device of an instance. A
//! question of what is held of somebody must also find what was linked once, so the histories are read and opened.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_proto::{
    AccountId, InstanceId, Timestamp,
    event::Event,
    instance::{DeviceV1, MethodV1},
    query::InstanceQueryV1,
};
use berth_runtime::{DataKey, sealing::field};
use tokio::sync::Semaphore;

use super::{
    failure::Failure,
    history::{Entry, Histories},
    lists::Lists,
    record::{Record, Records},
};

/// Instances of a page at most.
pub const PEOPLE_PAGE_MAX: u16 = 100;
/// Pages that are made at once: each reads whole histories.
const PAGES_AT_ONCE_MAX: usize = 4;
/// Commits that are read at once.
const COMMITS_AT_ONCE: usize = 100;

/// What one event holds of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The version of its commit.
    pub version: u64,
    /// The event.
    pub event: &'static str,
    /// When it was decided.
    pub occurred_at: Timestamp,
    /// The values that it has of the person.
    pub values: Vec<&'static str>,
}

/// What an instance holds of a person.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The instance as it is.
    pub record: Record,
    /// Whether its present device is the person's.
    pub is_present: bool,
    /// Events that have something of the person, oldest first.
    pub traces: Vec<Trace>,
}

/// What a part of an account's instances holds of a person.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// Instances that hold something.
    pub found: Vec<Holding>,
    /// Instances whose histories were read.
    pub looked_at: usize,
    /// Those of them of which nothing personal can be opened any more, by anybody.
    pub erased: usize,
    /// Commits that could not be read.
    pub damaged: usize,
    /// After which instance to go on; none at the end.
    pub next: Option<InstanceId>,
}

/// Finds what is held of somebody.
#[derive(Debug)]
pub struct People {
    lists: Arc<Lists>,
    records: Arc<Records>,
    histories: Arc<Histories>,
    keys: KeyRing,
    turns: Semaphore,
}

// === impl People ===

impl People {
    pub(super) fn new(
        lists: &Arc<Lists>,
        records: &Arc<Records>,
        histories: &Arc<Histories>,
        keys: &KeyRing,
    ) -> Self {
        Self {
            lists: Arc::clone(lists),
            records: Arc::clone(records),
            histories: Arc::clone(histories),
            keys: keys.clone(),
            turns: Semaphore::new(PAGES_AT_ONCE_MAX),
        }
    }

    /// What the next instances of an account hold of whoever has this number, deleted ones among them.
    pub async fn holdings(
        &self,
        account: AccountId,
        phone: &str,
        after: Option<InstanceId>,
        limit: u16,
    ) -> Result<Holdings, Failure> {
        let _turn =
            self.turns.acquire().await.map_err(|error| Failure::unavailable("the histories", error))?;
        let query = InstanceQueryV1 { with_deleted: true, after, limit, ..InstanceQueryV1::default() };
        let page = self.lists.page(account, query).await?;
        let next = page.records.last().map(|last| last.id).filter(|_| page.more);
        let mut holdings = Holdings { next, ..Holdings::default() };
        for listed in page.records {
            // The list may be behind.
            let record = self.records.read_any(listed.id).await?;
            let Some(record) = record.filter(|record| record.state.account == account) else { continue };
            holdings.looked_at += 1;
            let Some(key) = self.keys.key(record.id.as_bytes()).await? else {
                holdings.erased += 1;
                continue;
            };
            let traces = self.traces(record.id, &key, phone, &mut holdings.damaged).await?;
            let is_present = record.device().is_some_and(|device| device.phone == phone);
            if is_present || !traces.is_empty() {
                holdings.found.push(Holding { record, is_present, traces });
            }
        }
        Ok(holdings)
    }

    async fn traces(
        &self,
        instance: InstanceId,
        key: &DataKey,
        phone: &str,
        damaged: &mut usize,
    ) -> Result<Vec<Trace>, Failure> {
        let (mut traces, mut after) = (Vec::new(), 0);
        loop {
            let page = self.histories.page(instance, after, COMMITS_AT_ONCE).await?;
            *damaged += page.damaged.len();
            traces.extend(page.entries.iter().filter_map(|entry| trace(instance, entry, key, phone)));
            if !page.more {
                return Ok(traces);
            }
            after = page.last_version;
        }
    }
}

/// What an event has of a person, if it has something.
fn trace(instance: InstanceId, entry: &Entry, key: &DataKey, phone: &str) -> Option<Trace> {
    let opened = |name, sealed| key.open_text(instance.as_bytes(), name, sealed).ok();
    let event = entry.event.as_ref()?;
    let values = match event {
        Event::DeviceLinked(linked) if opened(field::PHONE, &linked.device.phone)? == phone => {
            values_of(&linked.device)
        }
        Event::ConnectRequested(requested) => match &requested.method {
            MethodV1::PairingCode { phone: sealed } if opened(field::PAIRING_PHONE, sealed)? == phone => {
                vec!["pairing_phone"]
            }
            _ => return None,
        },
        _ => return None,
    };
    let Entry { commit, .. } = entry;
    Some(Trace { version: commit.version, event: event.name(), occurred_at: commit.occurred_at, values })
}

fn values_of(device: &DeviceV1) -> Vec<&'static str> {
    let optional = [
        ("lid", device.lid.is_some()),
        ("push_name", device.push_name.is_some()),
        ("business_name", device.business_name.is_some()),
        ("picture_url", device.picture_url.is_some()),
    ];
    let present = optional.into_iter().filter_map(|(name, is_there)| is_there.then_some(name));
    ["jid", "phone"].into_iter().chain(present).collect()
}
