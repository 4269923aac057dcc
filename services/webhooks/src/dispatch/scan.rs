//! Reads what is owed out of the view.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use berth_proto::{EndpointId, InstanceId, Partition, delivery::NoticeKeyV1};
use berth_views::{ViewError, ViewReader};

use crate::outbox::{KEY_BYTES as OWED_KEY_BYTES, Owed, owed_prefix, read_owed_key, read_row};

/// Rows that are read at once.
const PAGE_ROWS: usize = 1_000;

/// What instances are owed.
pub(super) type OwedRows = BTreeMap<InstanceId, Vec<(NoticeKeyV1, Owed)>>;

/// What one instance's endpoints are owed, the oldest first.
pub(super) async fn of_instance(
    view: Arc<dyn ViewReader>,
    instance: InstanceId,
) -> Result<Vec<(NoticeKeyV1, Owed)>, ViewError> {
    let rows = of_instances(view, [instance].into()).await?;
    Ok(rows.into_values().flatten().collect())
}

/// What some instances' endpoints are owed.
pub(super) async fn of_instances(
    view: Arc<dyn ViewReader>,
    instances: BTreeSet<InstanceId>,
) -> Result<OwedRows, ViewError> {
    off_the_loop(move || {
        let mut all = OwedRows::new();
        for instance in instances {
            let rows = all.entry(instance).or_default();
            each(view.as_ref(), &owed_prefix(Some(instance)), None, |key, value| {
                rows.extend(read_owed_key(key).zip(read_row(value)));
                true
            })?;
        }
        Ok(all)
    })
    .await
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

/// What instances of these partitions are owed, behind one instance and from the beginning without one: about so many rows are
/// looked at, and whole instances only. Gives the last instance that was looked at if there are more.
pub(super) async fn part(
    view: Arc<dyn ViewReader>,
    partitions: BTreeSet<Partition>,
    after: Option<InstanceId>,
    rows_max: usize,
) -> Result<(OwedRows, Option<InstanceId>), ViewError> {
    off_the_loop(move || {
        let (mut all, mut looked_at) = (OwedRows::new(), 0);
        let (mut last, mut is_wanted, mut is_all) = (None, false, true);
        let after = after.map(|instance| {
            let mut behind = owed_prefix(Some(instance));
            behind.resize(OWED_KEY_BYTES, u8::MAX);
            behind
        });
        each(view.as_ref(), &owed_prefix(None), after, |key, value| {
            let Some(notice) = read_owed_key(key) else { return true };
            if last != Some(notice.instance) {
                if looked_at >= rows_max {
                    is_all = false;
                    return false;
                }
                last = Some(notice.instance);
                is_wanted = partitions.contains(&Partition::of(notice.instance.as_bytes()));
            }
            looked_at += 1;
            if is_wanted && let Some(owed) = read_row(value) {
                all.entry(notice.instance).or_default().push((notice, owed));
            }
            true
        })?;
        Ok((all, last.filter(|_| !is_all)))
    })
    .await
}

async fn off_the_loop<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ViewError> + Send + 'static,
) -> Result<T, ViewError> {
    let read = berth_runtime::spawn_blocking(read).await;
    read.unwrap_or_else(|error| Err(ViewError::Store(error.to_string().into())))
}

/// Goes through rows until it is enough. A row that cannot be read is a fault of the view, which counts and mends those
/// itself.
fn each(
    view: &dyn ViewReader,
    prefix: &[u8],
    mut after: Option<Vec<u8>>,
    mut goes_on: impl FnMut(&[u8], &[u8]) -> bool,
) -> Result<(), ViewError> {
    loop {
        let page = view.scan(prefix, after.as_deref(), PAGE_ROWS)?;
        let is_full = page.len() == PAGE_ROWS;
        for (key, value) in page {
            if !goes_on(&key, &value) {
                return Ok(());
            }
            after = Some(key);
        }
        if !is_full {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use berth_domain::instance::NoticeClass;
    use berth_log::Position;
    use berth_notices::fixtures::at;
    use berth_views::{Asked, Change, Lacking, Rebuild, Row, ViewState};
    use tokio::sync::watch;

    use super::*;
    use crate::outbox::{CommitStands, owed_key};

    /// A view that has only rows.
    #[derive(Debug)]
    struct Rows(BTreeMap<Vec<u8>, Vec<u8>>);

    #[async_trait]
    impl ViewReader for Rows {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
            Ok(self.0.get(key).cloned())
        }

        fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, ViewError> {
            let of_prefix = self.0.iter().filter(|(key, _)| key.starts_with(prefix));
            let behind = of_prefix.filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after));
            Ok(behind.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
        }

        fn state(&self) -> ViewState {
            ViewState::Live
        }

        fn states(&self) -> watch::Receiver<ViewState> {
            watch::Sender::new(ViewState::Live).subscribe()
        }

        fn changes(&self) -> watch::Receiver<Change> {
            watch::Sender::new(Change::default()).subscribe()
        }

        fn name(&self) -> &'static str {
            "rows"
        }

        fn rebuild_with(&self, _: Lacking) -> Asked {
            Asked::Refused("it has only rows".to_owned())
        }

        fn rebuilding(&self) -> Option<Rebuild> {
            None
        }

        async fn reached(&self, _: &Position, _: Duration) -> Result<(), ViewError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_part_has_whole_instances_and_the_next_one_goes_on_behind_it() {
        let instances = [1, 2, 3].map(|number| InstanceId::from_bytes([number; 16]));
        let owed = Owed {
            class: NoticeClass::Lifecycle,
            session: 1,
            code: None,
            occurred_at: at(0),
            format: "native".to_owned(),
            event: "instance.open".to_owned(),
            commit: CommitStands::Awaited,
        };
        let notices = instances.into_iter().flat_map(|instance| {
            let endpoint = EndpointId::from_bytes([2; 16]);
            (1..=5).map(move |version| NoticeKeyV1 { instance, version, endpoint, ordinal: 0 })
        });
        let row = postcard::to_allocvec(&owed).unwrap();
        let rows = notices.map(|notice| (owed_key(&notice), row.clone())).collect();
        let view: Arc<dyn ViewReader> = Arc::new(Rows(rows));
        let all: BTreeSet<Partition> = Partition::all().collect();
        let read = async |partitions: &BTreeSet<Partition>, after| {
            let (rows, last) = part(view.clone(), partitions.clone(), after, 7).await.unwrap();
            (rows.into_iter().map(|(instance, rows)| (instance, rows.len())).collect::<Vec<_>>(), last)
        };
        let [first, second, third] = instances;
        assert_eq!(read(&all, None).await, (vec![(first, 5), (second, 5)], Some(second)));
        assert_eq!(read(&all, Some(second)).await, (vec![(third, 5)], None));
        assert_eq!(read(&all, Some(third)).await, (vec![], None));
        // What is another replica's is passed over, and counts as looked at.
        let of_third = [Partition::of(third.as_bytes())].into();
        assert_eq!(read(&of_third, None).await, (vec![], Some(second)));
    }
}
