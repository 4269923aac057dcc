//! Events as they stand in the feed, and which of two comes later.

use std::collections::BTreeMap;

use berth_log::SharedCommit;
use berth_proto::{Partition, Timestamp, event::Event, public::cloud_event, subject::public_event_subject};
use bytes::Bytes;
use serde_json::Value;

use super::Owned;

/// The events of instances that are to be published, by subject, each with its partition.
pub(super) type Lanes = BTreeMap<String, (Partition, Vec<Rendered>)>;

/// An event on its way.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) payload: Bytes,
}

/// Where an event stands among those of its instance: later ones are greater. The moment comes first: a log that lost
/// commits gives their versions to others, which happened later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    time: String,
    sequence: String,
}

// === impl Place ===

impl Place {
    /// The place of an event as it was published; none of what is not ours.
    pub(super) fn of(payload: &[u8]) -> Option<Self> {
        Self::of_event(&serde_json::from_slice(payload).ok()?)
    }

    fn of_event(event: &Value) -> Option<Self> {
        let text = |name: &str| Some(event.get(name)?.as_str()?.to_owned());
        Some(Self { time: text("time")?, sequence: text("sequence")? })
    }
}

/// Renders the events of a commit if its partition is owned and it is not older than what is kept. What cannot be read is
/// reported by the record view.
pub(super) fn sort_in(shared: &SharedCommit, owned: &Owned, oldest: Timestamp, lanes: &mut Lanes) {
    let Ok(commit) = shared.commit() else { return };
    let Some(instance) = commit.stream.as_instance() else { return };
    // Most commits only answer commands: nothing is worked out for them.
    if commit.events.is_empty() || commit.occurred_at < oldest {
        return;
    }
    let partition = commit.stream.partition();
    if !owned.contains_key(&partition) {
        return;
    }
    let Ok(Some(state)) = shared.instance_state() else { return };
    let events = commit.events.iter().enumerate().filter_map(|(index, record)| {
        let event = Event::from_record(record).ok()?;
        let rendered = cloud_event(commit, index, &event, state.account);
        let id = rendered.get("id")?.as_str()?.to_owned();
        let place = Place::of_event(&rendered)?;
        Some(Rendered { id, place, payload: Bytes::from(rendered.to_string()) })
    });
    let subject = public_event_subject(state.account, instance);
    lanes.entry(subject).or_insert_with(|| (partition, Vec::new())).1.extend(events);
}
