//! Names here: the entries by which an account finds an instance, its name and its foreign id. Those that it has, and those that
//! a move or a rename left.
//!
//! What is left is read from the instance's history, so that whoever finishes needs nothing of whoever began.

use std::sync::Arc;

use berth_domain::instance::State;
use berth_proto::{
    DirectoryId, InstanceId, Timestamp, directory::PurposeV1, event::Event, instance::EntriesV1,
};
use berth_runtime::Clock;
use futures::future::try_join_all;

use super::rename::FORMER_NAME_SECONDS;
use crate::{
    directory::{Cause, Directory, Holder},
    entries::former,
    instances::{Instances, is_deleted},
    names_there::NamesThere,
    trouble::Trouble,
};

/// The entry of a name, or of a foreign id.
pub(super) type NameHere = (DirectoryId, PurposeV1);

/// Lets the directory follow where instances are found.
#[derive(Debug, Clone)]
pub(crate) struct NamesHere {
    pub(crate) instances: Arc<Instances>,
    pub(crate) directory: Directory,
    pub(crate) names_there: NamesThere,
    pub(crate) clock: Arc<dyn Clock>,
}

// === impl NamesHere ===

impl NamesHere {
    /// The entries that do not depend on the account say which one it is.
    pub(super) async fn rehold(&self, instance: InstanceId, state: &State) -> Result<(), Trouble> {
        let holder = Holder { account: state.account, instance: Some(instance) };
        let both = [state.entries.token, state.entries.number];
        try_join_all(both.map(|entry| self.directory.rehold(entry, holder))).await?;
        self.names_there.rehold(instance, state).await
    }

    /// Releases names and foreign ids of accounts that the instance has left, if one of its present ones says that
    /// a move was not finished. Asked before an instance gives up the entries that say so.
    pub(super) async fn release_former_of_open(
        &self,
        instance: InstanceId,
        state: &State,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        for (entry, _) in names_here(&state.entries) {
            let hold = self.directory.holder(entry).await?;
            if hold.is_some_and(|hold| hold.instance == Some(instance) && hold.blueprint.is_some()) {
                return self.release_former(instance, state, cause).await;
            }
        }
        Ok(())
    }

    /// Releases every name and foreign id that the instance ever had, but for the present ones.
    async fn release_former(
        &self,
        instance: InstanceId,
        state: &State,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let holder = Holder { account: state.account, instance: Some(instance) };
        let present = names_here(&state.entries);
        let (every, _) = self.history(instance).await?;
        for (entry, _) in every.into_iter().filter(|name| !present.contains(name)) {
            self.directory.release(entry, holder, &former(instance), cause).await?;
        }
        Ok(())
    }

    /// Every name and foreign id that the instance ever had, and when it got its name as an instance that is renamed does.
    async fn history(&self, instance: InstanceId) -> Result<(Vec<NameHere>, Option<Timestamp>), Trouble> {
        let had = self.instances.gather(instance, |event, at| match event {
            Event::InstanceCreated(created) => vec![(names_here(&created.entries), None)],
            Event::InstanceMoved(moved) => vec![(entries_of(moved.name_entry, moved.alias_entry), None)],
            Event::InstanceRenamed(renamed) => vec![(entries_of(renamed.name_entry, None), Some(at))],
            _ => Vec::new(),
        });
        let (every, moments): (Vec<Vec<NameHere>>, Vec<Option<Timestamp>>) = had.await?.into_iter().unzip();
        let mut every = every.concat();
        every.sort_unstable_by_key(|(entry, _)| *entry);
        every.dedup();
        Ok((every, moments.into_iter().flatten().max()))
    }

    /// Finishes what a crash left of a create that succeeded or of a move, and what a rename leaves, by an entry that was
    /// reserved for it. Gives the moment to come back at if a former name may still be remembered somewhere.
    pub(crate) async fn finish(
        &self,
        instance: InstanceId,
        reserved: DirectoryId,
    ) -> Result<Option<Timestamp>, Trouble> {
        // Its id follows from this word, which therefore stays as it is.
        let cause = Cause::own("places", reserved.as_bytes());
        let Some(hold) = self.directory.holder(reserved).await? else { return Ok(None) };
        let holder = Holder { account: hold.account, instance: Some(instance) };
        if hold.purpose == PurposeV1::Creation {
            return self.directory.settle(reserved, holder).await.map(|()| None);
        }
        let loaded = self.instances.load(instance).await?;
        let Some(state) = &loaded.state else { return Ok(None) };
        let (_, renamed_at) = self.history(instance).await?;
        let forgotten = renamed_at.map(|at| at.plus_seconds(FORMER_NAME_SECONDS));
        if let Some(moment) = forgotten.filter(|moment| *moment > self.clock.now() && !is_deleted(state)) {
            return Ok(Some(moment));
        }
        // Whoever still works on that move loses its append and reserves again; to what was deleted he can append nothing.
        if !has(state, reserved) && !is_deleted(state) {
            self.instances.note(loaded, &cause).await?;
        }
        let Some(state) = &self.instances.load(instance).await?.state else { return Ok(None) };
        let holder = Holder { account: state.account, ..holder };
        self.release_former(instance, state, &cause).await?;
        if is_deleted(state) || !has(state, reserved) {
            return self.directory.release(reserved, holder, &former(instance), &cause).await.map(|()| None);
        }
        self.rehold(instance, state).await?;
        self.directory.settle(reserved, holder).await.map(|()| None)
    }
}

fn has(state: &State, entry: DirectoryId) -> bool {
    state.entries.name == entry || state.entries.alias == Some(entry)
}

pub(super) fn names_here(entries: &EntriesV1) -> Vec<NameHere> {
    entries_of(entries.name, entries.alias)
}

fn entries_of(name: DirectoryId, alias: Option<DirectoryId>) -> Vec<NameHere> {
    let alias = alias.map(|entry| (entry, PurposeV1::Alias));
    std::iter::once((name, PurposeV1::Name)).chain(alias).collect()
}
