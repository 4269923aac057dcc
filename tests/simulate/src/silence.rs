//! What must be true of everything that endpoints heard.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use berth_proto::{
    CommitV2, InstanceId, StreamKey,
    commit::CarriedV1,
    event::Event,
    instance::{InstanceStateV1, PermissionV1},
};
use tokio::time::Instant;

use crate::{history::History, ports::endpoint::Heard, world::World};

/// Sending begins within this time of the read that allowed it.
const PERMIT_MAX: Duration = Duration::from_secs(1);
/// The name of a disconnection.
const LOGGED_OUT: &str = "instance.logged_out";
/// The name of what is said of a deletion, and nothing after it.
const DELETED: &str = "instance.deleted";

/// An instance over time.
struct Life<'a> {
    /// When each commit was stored.
    stored: Vec<Instant>,
    commits: &'a [CommitV2],
    permissions: Vec<PermissionV1>,
}

/// P5 and P6: the faults of everything that was heard.
pub(crate) fn faults(
    world: &World,
    history: &History,
    endpoints: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let heard = world.ears.heard();
    let mut faults = ids(&heard);
    let well = |one: &&Heard| world.well_from().is_some_and(|from| one.at >= from);
    faults.extend(again(heard.iter().filter(well)));
    for (instance, endpoints) in endpoints {
        let Ok(instance) = instance.parse::<InstanceId>() else { continue };
        let stream = StreamKey::instance(instance);
        let stored: Vec<_> = world.stored_of(&stream);
        let commits = history.of(&stream);
        if stored.len() != commits.len() {
            faults.push(format!(
                "P8: {} commits of {stream} were stored, {} are there",
                stored.len(),
                commits.len()
            ));
            continue;
        }
        let life = Life { stored, commits, permissions: permissions(commits) };
        for endpoint in endpoints {
            let heard: Vec<_> = heard.iter().filter(|one| one.endpoint == *endpoint).collect();
            faults.extend(
                heard
                    .iter()
                    .filter(|one| one.instance != instance)
                    .map(|one| format!("P5: {endpoint} of {instance} hears of {}", one.instance)),
            );
            faults.extend(life.silence(&heard).into_iter().map(|fault| format!("P5: {endpoint}: {fault}")));
            faults.extend(order(&heard).into_iter().map(|fault| format!("P6: {endpoint}: {fault}")));
            faults.extend(ends(&heard).into_iter().map(|fault| format!("P6: {endpoint}: {fault}")));
            faults.extend(life.told(&heard).map(|fault| format!("P6: {endpoint}: {fault}")));
        }
    }
    faults
}

/// One id is one notice.
fn ids(heard: &[Heard]) -> Vec<String> {
    let mut known = BTreeMap::new();
    let mut faults = Vec::new();
    for one in heard {
        let what = (&one.endpoint, one.instance, one.version, &one.kind);
        let before = known.entry(&one.id).or_insert(what);
        if *before != what {
            faults.push(format!("P6: {} is the id of {before:?} and of {what:?}", one.id));
        }
    }
    faults
}

/// Where nothing fails, whoever was answered says the same no more. Its successor may: it does not know of the answer.
fn again<'a>(heard: impl Iterator<Item = &'a Heard>) -> Vec<String> {
    let mut answered = BTreeSet::new();
    let mut faults = Vec::new();
    for one in heard {
        if answered.contains(&(&one.from, &one.id)) {
            faults.push(format!("P6: {} tells {} again, which was taken", one.from, one.id));
        }
        if one.answered {
            answered.insert((&one.from, &one.id));
        }
    }
    faults
}

fn is_code(heard: &Heard) -> bool {
    matches!(heard.kind.as_str(), "instance.qr" | "instance.pairing_code")
}

/// What is heard for the first time comes in its order, codes in a lane of their own.
fn order(heard: &[&Heard]) -> Vec<String> {
    let mut faults = Vec::new();
    for lane in [true, false] {
        let mut last: Option<&Heard> = None;
        let mut known = BTreeSet::new();
        for one in heard.iter().copied().filter(|one| is_code(one) == lane) {
            if !known.insert(&one.id) {
                continue;
            }
            if let Some(last) = last.filter(|last| one.version < last.version) {
                faults.push(format!(
                    "{} of version {} is heard after {} of {}",
                    one.kind, one.version, last.kind, last.version
                ));
            }
            last = Some(one);
        }
    }
    faults
}

/// A session ends once: its disconnection has one id, however often it is heard.
fn ends(heard: &[&Heard]) -> Vec<String> {
    let mut known = BTreeMap::new();
    let mut faults = Vec::new();
    for one in heard.iter().filter(|one| one.kind == LOGGED_OUT) {
        let before = known.entry(one.session).or_insert(&one.id);
        if *before != &one.id {
            faults.push(format!("session {} ends as {before} and as {}", one.session, one.id));
        }
    }
    faults
}

/// What webhooks may be told after each commit.
fn permissions(commits: &[CommitV2]) -> Vec<PermissionV1> {
    let mut now = PermissionV1::Silent;
    let after = |commit: &CommitV2| {
        if let CarriedV1::Full(record) = &commit.state
            && let Ok(state) = record.open::<InstanceStateV1>()
        {
            now = state.permission;
        }
        now
    };
    commits.iter().map(after).collect()
}

impl Life<'_> {
    /// Nothing is heard that no state of the last second allowed, and nothing older after a disconnection.
    fn silence(&self, heard: &[&Heard]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut told: Option<u64> = None;
        for one in heard {
            let said = || format!("{} of version {} by {}", one.kind, one.version, one.from);
            if let Some(out) = told.filter(|out| one.version < *out) {
                faults.push(format!("{} is heard after the disconnection of version {out}", said()));
            }
            if matches!(one.kind.as_str(), LOGGED_OUT | DELETED) {
                told = told.max(Some(one.version));
                continue;
            }
            let allows = |permission: PermissionV1| match permission {
                PermissionV1::Open => true,
                PermissionV1::QrOnly => is_code(one),
                PermissionV1::Silent => false,
            };
            if !self.during(one.at).any(allows) {
                faults.push(format!(
                    "{} is heard although it is at {}, and nothing allowed it",
                    said(),
                    one.now
                ));
            }
        }
        faults
    }

    /// The permissions of the last second.
    fn during(&self, at: Instant) -> impl Iterator<Item = PermissionV1> {
        let since = at.checked_sub(PERMIT_MAX).unwrap_or(at);
        let first = self.stored.iter().rposition(|stored| *stored < since).unwrap_or_default();
        let pairs = self.stored.iter().zip(&self.permissions).skip(first);
        pairs.take_while(move |(stored, _)| **stored <= at).map(|(_, permission)| *permission)
    }

    /// The last end is told, a logout or the deletion: nothing came after it that would have taken its place.
    fn told(&self, heard: &[&Heard]) -> Option<String> {
        // A deletion of a session ends it too, and is all that is said.
        let end = |commit: &CommitV2| {
            let mut ends = commit.events.iter().filter_map(|record| match Event::from_record(record) {
                Ok(Event::LoggedOut(_)) => Some(LOGGED_OUT),
                Ok(Event::InstanceDeleted(_)) => Some(DELETED),
                _ => None,
            });
            ends.next_back()
        };
        let (kind, last) = self.commits.iter().rev().find_map(|commit| Some((end(commit)?, commit)))?;
        let told = heard.iter().any(|one| one.kind == kind && one.version == last.version && one.taken);
        (!told).then(|| format!("{kind} of version {} is never told", last.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(from: &str, id: &str, answered: bool) -> Heard {
        Heard {
            at: Instant::now(),
            from: from.to_owned(),
            endpoint: "shop-0-0".to_owned(),
            id: id.to_owned(),
            kind: LOGGED_OUT.to_owned(),
            instance: InstanceId::from_bytes([1; 16]),
            version: 1,
            session: 1,
            now: 1,
            taken: answered,
            answered,
        }
    }

    #[test]
    fn only_what_was_answered_to_the_same_process_is_said_again_in_vain() {
        let told = [
            heard("web-1#1", "a", false),
            heard("web-1#1", "a", true),
            heard("web-1#1", "b", true),
            heard("web-2#1", "a", true),
        ];
        assert_eq!(again(told.iter()), Vec::<String>::new());
        assert_eq!(again(told.iter().chain([&heard("web-1#1", "b", false)])).len(), 1);
    }
}
