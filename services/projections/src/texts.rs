//! What instances can be found by in clear: names, phones, numbers. In memory only.
//!
//! The values are sealed wherever they are stored, so the index opens them with the data keys when the
//! service starts and keeps up with the record view from then on. An instance whose key was destroyed, or
//! that is deleted, drops out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use berth_bus::{KeyRing, KeyRingError};
use berth_proto::{
    AccountId, InstanceId, Sealed,
    instance::{DeviceV1, InstanceStateV1},
};
use berth_runtime::{DataKey, Lifecycle, sealing::field};
use berth_views::{Change, ViewError, ViewReader};
use futures::{StreamExt, stream};
use tokio::sync::watch;

use crate::{
    class::Class,
    metrics,
    records::{RECORDS, Row, Touched, id_of, record},
    text_index::{Needle, Text, TextIndex},
};

/// Bytes of all texts: about two million instances. Beyond it, new instances are found by state and id only,
/// and the operator is told.
const TEXT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Records that are read at once when the index is filled.
const RECORDS_AT_ONCE: usize = 512;
/// Data keys that are fetched at the same time.
const KEYS_AT_ONCE: usize = 32;
/// The pause before another try while the key store or the view is not available.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The index.
#[derive(Debug)]
pub(crate) struct Texts {
    view: Arc<dyn ViewReader>,
    keys: KeyRing,
    touched: Touched,
    /// Changed by the task that keeps the index; queries take it as it is, which copies names of blocks and no text.
    found_by: Mutex<FoundBy>,
    /// Whether every instance was looked at once.
    filled: watch::Sender<bool>,
    /// Changes that the key store did not let us look at; taken up again after a pause.
    delayed: Mutex<HashMap<[u8; 16], u64>>,
}

#[derive(Debug, Default)]
struct FoundBy {
    index: TextIndex,
    /// Whether an instance did not fit in.
    full: bool,
}

// === impl Texts ===

impl Texts {
    /// Begins to fill the index and to keep it.
    pub(crate) fn start(
        view: Arc<dyn ViewReader>,
        keys: KeyRing,
        touched: Touched,
        lifecycle: &Lifecycle,
    ) -> Arc<Self> {
        let texts = Arc::new(Self {
            view,
            keys,
            touched,
            found_by: Mutex::default(),
            filled: watch::Sender::new(false),
            delayed: Mutex::default(),
        });
        let (kept, stop) = (Arc::clone(&texts), lifecycle.stop().clone());
        lifecycle.spawn(async move { stop.run_until_cancelled(kept.keep_current()).await });
        texts
    }

    /// Waits until every instance was looked at once. False if that takes longer.
    pub(crate) async fn filled(&self, timeout: Duration) -> bool {
        let mut filled = self.filled.subscribe();
        tokio::time::timeout(timeout, filled.wait_for(|filled| *filled))
            .await
            .is_ok_and(|filled| filled.is_ok())
    }

    /// The next instances after an id that are found by the needle, at most `limit`, of the account if there is one; blocking
    /// for as long as a walk over all texts takes.
    pub(crate) fn find(
        &self,
        needle: &Needle,
        account: Option<AccountId>,
        after: Option<InstanceId>,
        limit: usize,
    ) -> Vec<InstanceId> {
        let index = lock(&self.found_by).index.clone();
        index.find(needle, account, after, limit)
    }

    /// Fills the index, then follows the view.
    async fn keep_current(&self) {
        let mut changes = self.view.changes();
        let mut rows = None;
        loop {
            // Other rows took the place of those that were read, and may differ where no record was touched.
            if rows != Some(changes.borrow_and_update().rows) {
                rows = Some(self.fill_at_last(&mut changes).await);
            }
            self.catch_up().await;
            self.filled.send_if_modified(|filled| {
                let first = !*filled && lock(&self.delayed).is_empty();
                *filled |= first;
                first
            });
            let delayed = !lock(&self.delayed).is_empty();
            tokio::select! {
                seen = changes.changed() => if seen.is_err() { return },
                () = tokio::time::sleep(RETRY_PAUSE), if delayed => (),
            }
        }
    }

    /// Looks at every record and drops what has none any more, however long that takes; gives which rows were read.
    async fn fill_at_last(&self, changes: &mut watch::Receiver<Change>) -> u64 {
        loop {
            let rows = changes.borrow_and_update().rows;
            // At the start there is nothing that could have gone, and a look at every record once more would delay it.
            let begins = lock(&self.found_by).index.ids().next().is_none();
            let filled = async {
                self.fill().await?;
                if begins { Ok(()) } else { self.drop_gone().await }
            };
            match filled.await {
                Ok(()) => return rows,
                Err(error) => {
                    tracing::debug!(%error, "the index of texts waits for the record view");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Takes out what the view has no record of.
    async fn drop_gone(&self) -> Result<(), ViewError> {
        let (view, index) = (Arc::clone(&self.view), lock(&self.found_by).index.clone());
        let gone = berth_runtime::spawn_blocking(move || {
            let looked = index.ids().map(|id| Ok((id, record(view.as_ref(), id)?.is_none())));
            looked.collect::<Result<Vec<_>, ViewError>>()
        });
        let gone = gone.await.unwrap_or(Err(ViewError::Rebuilding))?;
        gone.into_iter().filter(|(_, is_gone)| *is_gone).for_each(|(id, _)| self.set(id, None));
        Ok(())
    }

    /// Looks at every record of the view.
    async fn fill(&self) -> Result<(), ViewError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let (view, from) = (Arc::clone(&self.view), after.take());
            let page =
                berth_runtime::spawn_blocking(move || view.scan(RECORDS, from.as_deref(), RECORDS_AT_ONCE));
            let page = page.await.unwrap_or(Err(ViewError::Rebuilding))?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            let records =
                page.iter().filter_map(|(key, row)| Some((id_of(key)?.instance(), Row::decode(row)?)));
            let looks = records.map(|(id, record)| self.index(id, record)).collect::<Vec<_>>();
            stream::iter(looks).buffer_unordered(KEYS_AT_ONCE).collect::<()>().await;
        }
    }

    /// Looks at every record that changed.
    async fn catch_up(&self) {
        let mut changed = std::mem::take(&mut *lock(&self.touched));
        for (id, version) in std::mem::take(&mut *lock(&self.delayed)) {
            raise(&mut changed, id, version);
        }
        let looks = changed.into_iter().map(|(id, version)| self.look_again(id, version));
        stream::iter(looks.collect::<Vec<_>>()).buffer_unordered(KEYS_AT_ONCE).collect::<()>().await;
    }

    async fn look_again(&self, id: [u8; 16], version: u64) {
        match record(self.view.as_ref(), InstanceId::from_bytes(id)) {
            Ok(Some(record)) if record.version >= version => {
                self.index(InstanceId::from_bytes(id), record).await;
            }
            // The batch that changed it is not written yet, or the view is being built anew.
            Ok(_) | Err(_) => self.delay(id, version),
        }
    }

    /// Opens what one instance is found by.
    async fn index(&self, id: InstanceId, record: Row) {
        if record.class == Class::Deleted {
            self.keys.forget(id.as_bytes());
            return self.set(id, None);
        }
        let account = record.account;
        match self.keys.key(id.as_bytes()).await {
            Ok(key) => {
                let state = record.state.open::<InstanceStateV1>().ok();
                self.set(id, key.zip(state).map(|(key, state)| (account, text_of(id, &state, &key))));
            }
            Err(error @ (KeyRingError::Store(_) | KeyRingError::Missing)) => {
                tracing::warn!(instance = %id, %error, "the index of texts waits for the key store");
                self.delay(*id.as_bytes(), record.version);
            }
            Err(error @ KeyRingError::Unwrap(_)) => {
                tracing::error!(instance = %id, %error, "an instance cannot be found by its texts");
                self.set(id, None);
            }
        }
    }

    fn delay(&self, id: [u8; 16], version: u64) {
        raise(&mut lock(&self.delayed), id, version);
    }

    fn set(&self, id: InstanceId, text: Option<(AccountId, Text)>) {
        let mut found_by = lock(&self.found_by);
        let FoundBy { index, full } = &mut *found_by;
        match text {
            None => index.remove(id),
            Some((account, text)) if index.bytes() + text.len() <= TEXT_BYTES_MAX => {
                index.insert(id, account, &text);
            }
            Some(_) => {
                index.remove(id);
                if !std::mem::replace(full, true) {
                    tracing::error!(
                        "the index of texts is full: some instances are not found by name or phone"
                    );
                }
            }
        }
        metrics::texts(index.len());
    }
}

/// Notes a change; the version to wait for never goes back.
fn raise(changes: &mut HashMap<[u8; 16], u64>, id: [u8; 16], version: u64) {
    let wanted = changes.entry(id).or_default();
    *wanted = version.max(*wanted);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text_of(id: InstanceId, state: &InstanceStateV1, key: &DataKey) -> Text {
    let open = |name: &str, sealed: Option<&Sealed>| -> String {
        let text = sealed.and_then(|sealed| key.open_text(id.as_bytes(), name, sealed).ok());
        text.unwrap_or_default().to_lowercase().replace('\n', " ")
    };
    let device: Option<&DeviceV1> = state.last_device.as_ref();
    let lines = [
        open(field::PHONE, device.map(|device| &device.phone)),
        state.number.to_string(),
        open(field::NAME, Some(&state.name)),
        open(field::PUSH_NAME, device.and_then(|device| device.push_name.as_ref())),
        open(field::BUSINESS_NAME, device.and_then(|device| device.business_name.as_ref())),
    ];
    let mut text = lines.join("\n");
    text.push('\n');
    text
}
