//! What the public feed must say: everything that happened to an instance, once and in its order.

use std::collections::BTreeMap;

use crate::{history::History, world::World};

/// What is wrong with the feed of a run that is over.
pub(crate) fn faults(world: &World, history: &History) -> Vec<String> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in world.feed.events() {
        let instance = event.subject.rsplit('.').next().unwrap_or_default().to_owned();
        told.entry(instance).or_default().push(event.id);
    }
    let mut faults = Vec::new();
    for (stream, commits) in history.streams.values() {
        let Some(instance) = stream.as_instance() else { continue };
        let happened: Vec<_> = commits
            .iter()
            .flat_map(|commit| {
                (0..commit.events.len()).map(move |index| format!("{instance}-{}-{index}", commit.version))
            })
            .collect();
        let told = told.remove(&instance.to_string()).unwrap_or_default();
        if told != happened {
            faults.push(format!("P11: the feed says {told:?} of an instance with {happened:?}"));
        }
    }
    faults
}
