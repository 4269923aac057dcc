//! Whether creates of an account are open, whichever replica they are for to finish. There may be many of the whole deployment: each look
//! goes through a part of them and the next one goes on, so that who waits for them keeps no other work waiting.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use berth_proto::{AccountId, DirectoryId, Timestamp};
use futures::{StreamExt, stream};
use lru::LruCache;

use super::{job::Work, jobs::JobError, open_work::OpenWork};
use crate::directory::Directory;

/// Entries of creates that are read at once.
const ENTRIES_AT_ONCE: usize = 16;
/// Accounts of which is remembered how far looks have come; one that is forgotten is looked through from the beginning.
const ACCOUNTS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// See the module.
#[derive(Debug)]
pub(crate) struct OpenCreates {
    open_work: OpenWork,
    directory: Directory,
    reached: Mutex<LruCache<AccountId, Reached>>,
}

/// How far looks have come for a change of an account.
#[derive(Debug)]
struct Reached {
    changed_at: Timestamp,
    /// The key behind which the next look begins.
    after: Vec<u8>,
}

impl OpenCreates {
    pub(crate) fn new(open_work: OpenWork, directory: Directory) -> Self {
        Self { open_work, directory, reached: Mutex::new(LruCache::new(ACCOUNTS_MAX)) }
    }

    /// Whether a create that may have read an account before it changed is neither settled nor given up, or not all have been looked at yet.
    /// No new one can begin, so those that were looked at need not be looked at again.
    pub(super) async fn may_be_of(
        &self,
        account: AccountId,
        changed_at: Timestamp,
    ) -> Result<bool, JobError> {
        let reached = self.reached().pop(&account).filter(|reached| reached.changed_at == changed_at);
        let after = reached.map(|reached| reached.after);
        // What began before the change is due by now, or a clock was ahead.
        let (creates, last) = self.open_work.due_of(Work::Create, after.clone()).await?;
        let mut holds = stream::iter(creates)
            .map(|create| self.directory.holder(DirectoryId::from_bytes(create.id)))
            .buffer_unordered(ENTRIES_AT_ONCE);
        while let Some(hold) = holds.next().await {
            if hold?.is_some_and(|hold| hold.account == account && hold.blueprint.is_some()) {
                self.go_on(account, changed_at, after);
                return Ok(true);
            }
        }
        let is_more = last.is_some();
        self.go_on(account, changed_at, last);
        Ok(is_more)
    }

    /// Where the next look begins.
    fn go_on(&self, account: AccountId, changed_at: Timestamp, after: Option<Vec<u8>>) {
        if let Some(after) = after {
            self.reached().put(account, Reached { changed_at, after });
        }
    }

    fn reached(&self) -> MutexGuard<'_, LruCache<AccountId, Reached>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::Ordering};

    use berth_log::{EventLog, Writer, memory::MemoryLog};
    use berth_proto::{
        Hash, InstanceId, Sealed, WriteVersion,
        directory::{BlueprintV1, HoldV1, PurposeV1},
        instance::EntriesV1,
    };
    use berth_runtime::{ManualClock, SeededEntropy};

    use super::*;
    use crate::{
        directory::Cause,
        ownership::Owned,
        process::{job::Job, open_work::PAGE_ROWS, table::Table},
    };

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const CLOSED: AccountId = AccountId::from_bytes([1; 16]);

    /// A create of an instance in the account, which holds this entry.
    async fn begin(directory: &Directory, entry: DirectoryId) {
        let cause = Cause::own("test", entry.as_bytes());
        let entries =
            EntriesV1 { name: entry, token: entry, number: entry, alias: None, creation: Some(entry) };
        let (name, token) = (Sealed(Vec::new()), Sealed(Vec::new()));
        let hold = HoldV1 {
            purpose: PurposeV1::Creation,
            account: CLOSED,
            instance: Some(InstanceId::from_bytes([2; 16])),
            credential_version: 0,
            command_id: cause.command_id,
            digest: Hash([0; 32]),
            at: NOW,
            blueprint: Some(BlueprintV1 { number: 1, name, token, entries }),
        };
        directory.reserve(entry, hold, &cause).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_account_waits_for_its_create_behind_any_number_of_others_and_each_look_reads_a_part() {
        let (table, clock) = (Arc::new(Table::default()), Arc::new(ManualClock::new(NOW)));
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(1));
        let entropy = Arc::new(SeededEntropy::new(7));
        let directory = Directory::new(Writer::new(log, clock.clone(), entropy, WriteVersion::NEWEST));
        let agenda = Arc::<Table>::clone(&table);
        let open_work = OpenWork { agenda, owned: Owned::default(), clock };
        let creates = OpenCreates::new(open_work, directory.clone());
        let create = |id| Job { work: Work::Create, id };
        // Of other accounts, which are never finished.
        for number in 0..u16::try_from(3 * PAGE_ROWS).unwrap() {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&number.to_be_bytes());
            table.put(create(id), Some(NOW));
        }
        let own = [0xFF; 16];
        begin(&directory, DirectoryId::from_bytes(own)).await;
        table.put(create(own), Some(NOW));
        for look in 0..6 {
            assert!(creates.may_be_of(CLOSED, NOW).await.unwrap(), "{look}");
            assert!(table.read.swap(0, Ordering::SeqCst) <= PAGE_ROWS);
        }
        table.put(create(own), None);
        assert!(!creates.may_be_of(CLOSED, NOW).await.unwrap());
        // Another change is another question.
        assert!(creates.may_be_of(CLOSED, NOW.plus_seconds(1)).await.unwrap());
        assert!(creates.may_be_of(CLOSED, NOW.plus_seconds(2)).await.unwrap());
    }
}
