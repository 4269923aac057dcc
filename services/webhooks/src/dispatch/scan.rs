//! Reads what is owed out of the view.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use berth_domain::instance::NoticeClass;
use berth_proto::{EndpointId, InstanceId, Partition, delivery::NoticeKeyV1};
use berth_views::{ViewError, ViewReader};

use super::{
    board::Rest,
    heads::{Heads, InLane, in_lane, just_before},
    lane::LaneKey,
};
use crate::outbox::{KEY_BYTES as OWED_KEY_BYTES, Owed, owed_key, owed_prefix, read_owed_key, read_row};

/// Rows that are read at once.
const PAGE_ROWS: usize = 1_000;

/// Rows that are read at once for the next notices of a lane, of which most often some are enough.
const LANE_PAGE_ROWS: usize = 64;
/// Rows that are looked at for the next notices of a lane, among those of the other lanes of its instance.
const LANE_ROWS_MAX: usize = 4_096;

/// The oldest of what instances are owed.
pub(super) type OwedRows = BTreeMap<InstanceId, Heads>;

/// What one instance's endpoints are owed, the oldest first: the notices among so many rows behind one. Gives where to go on, if there
/// are more.
pub(super) async fn page_of_instance(
    view: Arc<dyn ViewReader>,
    instance: InstanceId,
    after: Option<NoticeKeyV1>,
    rows_max: usize,
) -> Result<(Vec<(NoticeKeyV1, Owed)>, Option<NoticeKeyV1>), ViewError> {
    off_the_loop(move || {
        let after = after.map(|after| owed_key(&after));
        let rows = view.scan(&owed_prefix(Some(instance)), after.as_deref(), rows_max)?;
        let next = rows.last().filter(|_| rows.len() == rows_max).and_then(|(key, _)| read_owed_key(key));
        let read = rows.iter().filter_map(|(key, value)| Some((read_owed_key(key)?, read_row(value)?)));
        Ok((read.collect(), next))
    })
    .await
}

/// What some instances' endpoints are owed: so many notices of each lane.
pub(super) async fn of_instances(
    view: Arc<dyn ViewReader>,
    instances: BTreeSet<InstanceId>,
    lane_max: usize,
) -> Result<OwedRows, ViewError> {
    off_the_loop(move || {
        let mut all = OwedRows::new();
        for instance in instances {
            let heads = all.entry(instance).or_default();
            each(view.as_ref(), (&owed_prefix(Some(instance)), PAGE_ROWS), None, |key, value| {
                if let Some((notice, owed)) = read_owed_key(key).zip(read_row(value)) {
                    heads.add(notice, owed, lane_max);
                }
                true
            })?;
        }
        Ok(all)
    })
    .await
}

/// The next notices of some lanes, each behind a place, so many of each; or as many as are among so many rows.
pub(super) async fn of_lanes(
    view: Arc<dyn ViewReader>,
    lanes: BTreeMap<LaneKey, (InLane, usize)>,
) -> Result<Vec<Rest>, ViewError> {
    off_the_loop(move || {
        let read = lanes.into_iter().map(|(lane, (after, max))| of_lane(view.as_ref(), lane, after, max));
        read.collect()
    })
    .await
}

fn of_lane(view: &dyn ViewReader, lane: LaneKey, after: InLane, lane_max: usize) -> Result<Rest, ViewError> {
    let LaneKey { instance, endpoint, .. } = lane;
    let (version, ordinal) = after;
    let from = owed_key(&NoticeKeyV1 { instance, version, endpoint, ordinal });
    let (mut rows, mut looked_at, mut up_to) = (Vec::new(), 0, None);
    each(view, (&owed_prefix(Some(instance)), LANE_PAGE_ROWS), Some(from), |key, value| {
        let Some(notice) = read_owed_key(key) else { return true };
        if rows.len() == lane_max || looked_at == LANE_ROWS_MAX {
            // What stands before this one was looked at.
            let last = rows.last().map_or(after, |(last, _)| in_lane(last));
            let is_past = endpoint < notice.endpoint;
            let seen = if is_past { (notice.version, u16::MAX) } else { just_before((notice.version, 0)) };
            up_to = Some(if rows.len() == lane_max { last } else { seen.max(last) });
            return false;
        }
        looked_at += 1;
        if notice.endpoint == endpoint
            && let Some(owed) = read_row::<Owed>(value)
            && LaneKey::of(&notice, owed.class) == lane
        {
            rows.push((notice, owed));
        }
        true
    })?;
    Ok(Rest { lane, after, rows, up_to })
}

/// Whether something is owed of the deletion of an instance that is not settled.
pub(super) async fn owes_last_words(
    view: Arc<dyn ViewReader>,
    instance: InstanceId,
    settled: HashSet<NoticeKeyV1>,
) -> Result<bool, ViewError> {
    off_the_loop(move || {
        let mut is_any = false;
        each(view.as_ref(), (&owed_prefix(Some(instance)), PAGE_ROWS), None, |key, value| {
            let notice = read_owed_key(key).filter(|notice| !settled.contains(notice));
            let owed = notice.and_then(|_| read_row::<Owed>(value));
            is_any = owed.is_some_and(|owed| owed.class == NoticeClass::Deletion);
            !is_any
        })?;
        Ok(is_any)
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
/// looked at, and whole instances only; so many notices are given of each lane. Gives the last instance that was looked at if there are more.
pub(super) async fn part(
    view: Arc<dyn ViewReader>,
    partitions: BTreeSet<Partition>,
    after: Option<InstanceId>,
    (rows_max, lane_max): (usize, usize),
) -> Result<(OwedRows, Option<InstanceId>), ViewError> {
    off_the_loop(move || {
        let (mut all, mut looked_at) = (OwedRows::new(), 0);
        let (mut last, mut is_wanted, mut is_all) = (None, false, true);
        let after = after.map(|instance| {
            let mut behind = owed_prefix(Some(instance));
            behind.resize(OWED_KEY_BYTES, u8::MAX);
            behind
        });
        each(view.as_ref(), (&owed_prefix(None), PAGE_ROWS), after, |key, value| {
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
                all.entry(notice.instance).or_default().add(notice, owed, lane_max);
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
    (prefix, page_rows): (&[u8], usize),
    mut after: Option<Vec<u8>>,
    mut goes_on: impl FnMut(&[u8], &[u8]) -> bool,
) -> Result<(), ViewError> {
    loop {
        let page = view.scan(prefix, after.as_deref(), page_rows)?;
        let is_full = page.len() == page_rows;
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
    use berth_log::Position;
    use berth_views::{Asked, Change, Lacking, Rebuild, Row, ViewState};
    use tokio::sync::watch;

    use super::*;
    use crate::dispatch::fixtures::{ENDPOINT, owed};

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
        let notices = instances.into_iter().flat_map(|instance| {
            (1..=5).map(move |version| NoticeKeyV1 { instance, version, endpoint: ENDPOINT, ordinal: 0 })
        });
        let row = postcard::to_allocvec(&owed(NoticeClass::Lifecycle)).unwrap();
        let rows = notices.map(|notice| (owed_key(&notice), row.clone())).collect();
        let view: Arc<dyn ViewReader> = Arc::new(Rows(rows));
        let all: BTreeSet<Partition> = Partition::all().collect();
        let read = async |partitions: &BTreeSet<Partition>, after| {
            let (rows, last) = part(view.clone(), partitions.clone(), after, (7, 3)).await.unwrap();
            (rows.into_iter().map(|(instance, heads)| (instance, heads.rows.len())).collect::<Vec<_>>(), last)
        };
        let [first, second, third] = instances;
        assert_eq!(read(&all, None).await, (vec![(first, 3), (second, 3)], Some(second)));
        assert_eq!(read(&all, Some(second)).await, (vec![(third, 3)], None));
        assert_eq!(read(&all, Some(third)).await, (vec![], None));
        // What is another replica's is passed over, and counts as looked at.
        let of_third = [Partition::of(third.as_bytes())].into();
        assert_eq!(read(&of_third, None).await, (vec![], Some(second)));
    }

    #[tokio::test]
    async fn a_lane_goes_on_among_the_rows_of_the_others_of_its_instance() {
        let instance = InstanceId::from_bytes([1; 16]);
        let [before, endpoint, behind] = [1, 2, 3].map(|number| EndpointId::from_bytes([number; 16]));
        let mut rows = BTreeMap::new();
        let notice = |version, endpoint| NoticeKeyV1 { instance, version, endpoint, ordinal: 0 };
        for version in 1..=4_000 {
            for endpoint in [before, behind] {
                let row = postcard::to_allocvec(&owed(NoticeClass::Lifecycle)).unwrap();
                rows.insert(owed_key(&notice(version, endpoint)), row);
            }
        }
        for version in [1, 2, 3_000, 4_000] {
            let class = if version == 2 { NoticeClass::Qr } else { NoticeClass::Lifecycle };
            rows.insert(owed_key(&notice(version, endpoint)), postcard::to_allocvec(&owed(class)).unwrap());
        }
        let view: Arc<dyn ViewReader> = Arc::new(Rows(rows));
        let (lane, mut after) = (LaneKey { instance, endpoint, codes: false }, (0, 0));
        let (mut found, mut reads) = (Vec::new(), 0);
        loop {
            let mut read = of_lanes(view.clone(), [(lane, (after, 2))].into()).await.unwrap();
            let Rest { rows, up_to, .. } = read.pop().unwrap();
            found.extend(rows.into_iter().map(|(key, _)| key.version));
            reads += 1;
            let Some(up_to) = up_to else { break };
            assert!(up_to > after, "each read comes further");
            after = up_to;
        }
        assert_eq!((found, reads), (vec![1, 3_000, 4_000], 3));
        let deletion = HashSet::new();
        assert!(!owes_last_words(view, instance, deletion).await.unwrap());
    }
}
