//! Reads what is owed out of the view.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use berth_proto::{EndpointId, InstanceId, Partition, delivery::NoticeKeyV1};
use berth_views::{ViewError, ViewReader};

use crate::outbox::{Owed, owed_prefix, read_owed_key, read_row};

/// Rows that are read at once.
const PAGE_ROWS: usize = 1_000;

/// What instances are owed.
pub(super) type OwedRows = BTreeMap<InstanceId, Vec<(NoticeKeyV1, Owed)>>;

/// What one instance's endpoints are owed.
pub(super) fn of_instance(
    view: &dyn ViewReader,
    instance: InstanceId,
) -> Result<Vec<(NoticeKeyV1, Owed)>, ViewError> {
    let mut rows = Vec::new();
    pages(view, Some(instance), usize::MAX, |_| true, |key, owed| rows.push((key, owed)))?;
    Ok(rows)
}

/// The oldest of what one endpoint is owed, among so many rows of its instance.
pub(crate) fn of_endpoint(
    view: &dyn ViewReader,
    instance: InstanceId,
    endpoint: EndpointId,
    rows_max: usize,
) -> Result<Vec<(NoticeKeyV1, Owed)>, ViewError> {
    let rows = view.scan(&owed_prefix(Some(instance)), None, rows_max)?;
    let read = rows.iter().filter_map(|(key, value)| Some((read_owed_key(key)?, read_row(value)?)));
    Ok(read.filter(|(notice, _)| notice.endpoint == endpoint).collect())
}

/// Everything that instances of these partitions are owed, up to about `rows_max` rows and whole instances only; gives the
/// last instance if that was not all.
pub(super) async fn everything(
    view: Arc<dyn ViewReader>,
    partitions: BTreeSet<Partition>,
    rows_max: usize,
) -> Result<(OwedRows, Option<InstanceId>), ViewError> {
    let read = berth_runtime::spawn_blocking(move || {
        let mut all = OwedRows::new();
        let wanted = |instance: InstanceId| partitions.contains(&Partition::of(instance.as_bytes()));
        let is_all = pages(view.as_ref(), None, rows_max, wanted, |key, owed| {
            all.entry(key.instance).or_default().push((key, owed));
        })?;
        let last = all.keys().next_back().copied().filter(|_| !is_all);
        Ok((all, last))
    });
    read.await.unwrap_or_else(|error| Err(ViewError::Store(error.to_string().into())))
}

fn pages(
    view: &dyn ViewReader,
    instance: Option<InstanceId>,
    rows_max: usize,
    wanted: impl Fn(InstanceId) -> bool,
    mut each: impl FnMut(NoticeKeyV1, Owed),
) -> Result<bool, ViewError> {
    let prefix = owed_prefix(instance);
    let mut after: Option<Vec<u8>> = None;
    let (mut read, mut last, mut is_wanted) = (0, None, true);
    loop {
        let page = view.scan(&prefix, after.as_deref(), PAGE_ROWS)?;
        let full = page.len() == PAGE_ROWS;
        for (key, value) in page {
            // A row that cannot be read is a fault of the view, which counts and mends those itself.
            if let Some(notice) = read_owed_key(&key) {
                if last != Some(notice.instance) {
                    (last, is_wanted) = (Some(notice.instance), wanted(notice.instance));
                    if is_wanted && read >= rows_max {
                        return Ok(false);
                    }
                }
                if is_wanted && let Some(owed) = read_row(&value) {
                    read += 1;
                    each(notice, owed);
                }
            }
            after = Some(key);
        }
        if !full {
            return Ok(true);
        }
    }
}
