//! Which instances want something of a link: a view of the log.
//!
//! There is a row for each instance with a running attempt, a linked device that is not stopped, or a device
//! that is still to be unlinked, and for each on an upstream that has no device. A deleted one has a row as long as its last attempt
//! may have left something there. What a row says follows from the log alone, so it can be built anew at any time.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_domain::instance::left_there;
use berth_log::SharedCommit;
use berth_proto::{
    CommandId, CommitV2, InstanceId, Kind, Sealed, Timestamp,
    commit::PrincipalV1,
    event::Event,
    instance::{InstanceStateV1, MethodV1, PhaseV1, UnlinkStatusV1, UnlinkV1},
    public,
};
use berth_views::{ApplyError, Rows, View};
use serde::{Deserialize, Serialize};

/// What an instance wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// The link that shall run.
    pub(crate) link: Option<WantedLink>,
    /// Devices that shall be unlinked.
    pub(crate) unlinks: Vec<WantedUnlink>,
    /// The last attempt of an instance on an upstream, if it ended without a device: whoever ran it may not have come to end there
    /// what it had begun. What earlier ones had begun was ended by the later ones.
    pub(crate) ended: Option<WantedEnd>,
    /// Where the link is, if not at the deployment's own driver.
    pub(crate) binding: Option<WantedBinding>,
}

/// Where the link of an instance is that has not the deployment's own driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WantedBinding {
    /// The kind of the upstream.
    pub(crate) kind: String,
    /// The name of the upstream; of the library, if it is with workers.
    pub(crate) upstream: String,
    /// The instance's name there.
    pub(crate) name: Sealed,
}

/// An attempt that ended without a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WantedEnd {
    pub(crate) attempt: u32,
    /// When what it began is given up.
    pub(crate) deadline: Timestamp,
}

/// A device that shall be unlinked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WantedUnlink {
    /// The attempt that had linked it.
    pub(crate) attempt: u32,
    /// When it is given up.
    pub(crate) deadline: Timestamp,
    /// The command that ended its session.
    pub(crate) cause: Option<CommandId>,
}

/// A link that shall run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WantedLink {
    pub(crate) attempt: u32,
    /// How far it is.
    pub(crate) stage: Stage,
    /// The version at which it was last asked to open again; a running link that began before is restarted.
    pub(crate) resumed: u64,
    /// The command that last asked for it to open: reports on the link are for its sake.
    pub(crate) cause: Option<CommandId>,
}

/// How far a wanted link is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// A device shall be linked; nobody has reported yet.
    Requested {
        /// The number for a pairing code, if that is the method.
        phone: Option<Sealed>,
    },
    /// Somebody has reported on the attempt: only who runs it can go on with it.
    Pairing,
    /// A device is linked.
    Linked,
    /// None is, and one that is linked at the upstream shall be found.
    Watched,
}

impl Wanted {
    /// Reads a row.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        postcard::take_from_bytes(bytes).ok().filter(|(_, rest)| rest.is_empty()).map(|(wanted, _)| wanted)
    }

    /// What a state wants, after a commit that asked for something, with the row before it.
    fn of(state: &InstanceStateV1, before: Option<&Self>, causes: &Causes) -> Option<Self> {
        let old = before.and_then(|row| row.link.as_ref());
        let resumed = causes.resumed.unwrap_or_else(|| old.map_or(0, |link| link.resumed));
        let wanted = |attempt, stage| {
            let known = old.filter(|link| link.attempt == attempt).and_then(|link| link.cause);
            WantedLink { attempt, stage, resumed, cause: causes.opened_by.or(known) }
        };
        let binding = berth_domain::instance::binding(state);
        let link = match &state.phase {
            PhaseV1::Connecting(attempt) | PhaseV1::Pairing(attempt) => {
                let phone = match &attempt.method {
                    MethodV1::Qr => None,
                    MethodV1::PairingCode { phone } => Some(phone.clone()),
                };
                let reached = if attempt.epoch == 0 { Stage::Requested { phone } } else { Stage::Pairing };
                Some(wanted(attempt.number, reached))
            }
            PhaseV1::Linked(link) => Some(wanted(link.attempt, Stage::Linked)),
            // While a device is still to be unlinked, what is linked there is that one.
            PhaseV1::Created | PhaseV1::LoggedOut { .. } if pending(state).next().is_none() => {
                let upstream = binding.and_then(|it| it.on_upstream());
                upstream.map(|_| wanted(state.attempt.saturating_add(1), Stage::Watched))
            }
            PhaseV1::Created | PhaseV1::Paused(_) | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => {
                None
            }
        };
        let known = |attempt| {
            let mut before = before.into_iter().flat_map(|row| &row.unlinks);
            before.find(|unlink| unlink.attempt == attempt).and_then(|unlink| unlink.cause)
        };
        let unlinks: Vec<_> = pending(state)
            .map(|unlink| WantedUnlink {
                attempt: unlink.attempt,
                deadline: unlink.deadline,
                cause: known(unlink.attempt).or(causes.unlinked_by),
            })
            .collect();
        let ended = left_there(state).map(|left| WantedEnd { attempt: left.attempt, deadline: left.until });
        let ended = ended.filter(|end| end.deadline > causes.at);
        let binding = binding.map(|it| WantedBinding {
            kind: it.kind.to_owned(),
            upstream: it.upstream.to_owned(),
            name: it.name.clone(),
        });
        let is_wanted = link.is_some() || !unlinks.is_empty() || ended.is_some();
        is_wanted.then_some(Self { link, unlinks, ended, binding })
    }

    /// Whether it is the row of an instance of which there is nothing more than an end to see to: it is deleted.
    const fn is_of_deleted(&self) -> bool {
        self.link.is_none() && self.unlinks.is_empty()
    }
}

/// The devices that are still to be unlinked.
fn pending(state: &InstanceStateV1) -> impl Iterator<Item = &UnlinkV1> {
    state.unlinks.iter().filter(|unlink| unlink.status == UnlinkStatusV1::Pending)
}

/// What a commit asks of links, and which commands ask it.
#[derive(Debug, Default)]
struct Causes {
    /// Its version, if a link is to open again.
    resumed: Option<u64>,
    opened_by: Option<CommandId>,
    unlinked_by: Option<CommandId>,
    /// When.
    at: Timestamp,
}

impl Causes {
    fn by(commit: &CommitV2) -> Self {
        let mut causes = Self { at: commit.occurred_at, ..Self::default() };
        for (index, record) in commit.events.iter().enumerate() {
            let command = || public::receipt_of(commit, index).map(|receipt| receipt.command_id);
            match Event::from_record(record) {
                Ok(Event::ConnectRequested(_)) => causes.opened_by = command(),
                Ok(Event::ResumeRequested(_)) => {
                    (causes.resumed, causes.opened_by) = (Some(commit.version), command());
                }
                Ok(Event::LoggedOut(out)) if out.unlink.is_some() => causes.unlinked_by = command(),
                Ok(_) | Err(_) => {}
            }
        }
        causes
    }
}

/// The view, and the instances whose rows it has changed.
#[derive(Debug, Default)]
pub(crate) struct WantedView {
    /// Written by the follower while it folds, drained by the owner of the links; none while this replica
    /// stands by, since nobody would ever drain it.
    changed: Mutex<Option<HashSet<InstanceId>>>,
}

impl WantedView {
    /// Remembers changed instances from now on, until what is returned is dropped. Changes that were folded
    /// before may still be on their way to the store: the caller waits until the view has reached a position
    /// that it asks for afterwards, and reads every row.
    pub(crate) fn watch(&self) -> Watching<'_> {
        *self.changed() = Some(HashSet::new());
        Watching(self)
    }

    fn changed(&self) -> MutexGuard<'_, Option<HashSet<InstanceId>>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers changed instances until it is dropped.
#[derive(Debug)]
pub(crate) struct Watching<'a>(&'a WantedView);

impl Watching<'_> {
    /// Instances whose rows may have changed since the last call. Their batch may still be on its way to the
    /// store: the caller looks at each again after the next change of the view.
    pub(crate) fn take(&self) -> HashSet<InstanceId> {
        self.0.changed().replace(HashSet::new()).unwrap_or_default()
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        *self.0.changed() = None;
    }
}

/// A commit without events changes nothing that a link depends on. The last one of a deleted instance is one, and ours: it says that
/// nothing is kept of the instance any more, so nothing could be ended there.
fn nothing_happened(instance: InstanceId, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    if commit.receipts.iter().any(|receipt| receipt.principal != PrincipalV1::Service) {
        return Ok(());
    }
    let key = instance.as_bytes().as_slice();
    let row = rows.get(key).map_err(|_| ApplyError { reason: "the row cannot be read".to_owned() })?;
    if row.as_deref().and_then(Wanted::read).is_some_and(|row| row.is_of_deleted()) {
        rows.remove(key);
    }
    Ok(())
}

impl View for WantedView {
    fn name(&self) -> &'static str {
        "wanted-links"
    }

    fn schema(&self) -> u32 {
        6
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance]
    }

    fn apply(&self, shared: &SharedCommit, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let Some(instance) = commit.stream.as_instance() else { return Ok(()) };
        if commit.events.is_empty() {
            return nothing_happened(instance, commit, rows);
        }
        let failed = |reason: &str| ApplyError { reason: reason.to_owned() };
        let state = shared.instance_state().map_err(|_| failed("the carried state cannot be read"))?;
        let Some(state) = state else { return Ok(()) };
        let key = instance.as_bytes().as_slice();
        let before = rows.get(key).map_err(|_| failed("the row cannot be read"))?;
        let row = before.as_deref().and_then(Wanted::read);
        match Wanted::of(state, row.as_ref(), &Causes::by(commit)) {
            Some(wanted) => {
                let row = postcard::to_allocvec(&wanted).map_err(|_| failed("the row cannot be written"))?;
                rows.put(key, row);
            }
            None if before.is_none() => return Ok(()),
            None => rows.remove(key),
        }
        if let Some(changed) = &mut *self.changed() {
            changed.insert(instance);
        }
        Ok(())
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(Self::default())
    }
}

#[cfg(test)]
mod tests;
