//! Moving an instance to another account: reserve its name and alias there, append, release those it had.
//!
//! The append decides. What is reserved before it carries a blueprint, by which the process manager knows that
//! something is open; it is settled only when nothing of the former account is left. The idempotency key of the
//! creation stays where it is: it is the receipt of that command, as after a delete.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_domain::{account, instance::State};
use berth_log::{Loaded, Plan};
use berth_proto::{
    DirectoryId, InstanceId, Timestamp, WriteVersion,
    command::MoveV1,
    directory::{BlueprintV1, HoldV1, PurposeV1},
    event::Event,
    frame::{CommandReplyV1, RejectionCodeV1},
    instance::EntriesV1,
};
use berth_runtime::{Clock, chain};
use futures::future::try_join_all;
use tracing::{debug, error};

use crate::{
    accounts::Accounts,
    directory::{Cause, Directory, Holder},
    entries::{self, Entries, former},
    instances::{
        Instances, is_deleted, rejected, reply,
        round::{Answer, Asked},
    },
    names_there::NamesThere,
    reseal,
    sagas::rename::FORMER_NAME_SECONDS,
    trouble::Trouble,
};

/// Moves instances to other accounts.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) instances: Arc<Instances>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) directory: Directory,
    pub(crate) entries: Entries,
    pub(crate) names_there: NamesThere,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether instances have copies of their account's endpoints follows from it.
    pub(crate) write_version: WriteVersion,
}

/// The entries by which an account finds an instance: its name and its foreign id.
type Places = Vec<(DirectoryId, PurposeV1)>;

// === impl Move ===

impl Move {
    /// Moves an instance. The entries of the new account are reserved anew whenever another command was first.
    pub(crate) async fn run(
        &self,
        instance: InstanceId,
        asked: &Asked,
        to: &MoveV1,
    ) -> Result<CommandReplyV1, Trouble> {
        let cause = &Cause::of(&asked.request);
        let one = std::slice::from_ref(asked);
        let decide = move |loaded: Loaded<State>, now| async move {
            let mut round = self.instances.decide(&loaded, one, now).await;
            let before = loaded.state.as_ref();
            let moves = before.zip(round.state.as_ref()).filter(|(old, new)| old.account != new.account);
            let wanted = match moves {
                Some((before, after)) => self.wanted(asked, instance, before, after),
                None => Vec::new(),
            };
            let mut taken = None;
            if !wanted.is_empty() {
                taken = self.reserve_places(instance, &wanted, cause).await?;
            }
            let mut webhooks = Vec::new();
            if let (Some((before, _)), None) = (moves, taken) {
                match self.taking_account(instance, before, to).await? {
                    Ok(account) => {
                        let copies = reseal::webhooks(
                            &self.keys,
                            self.write_version,
                            to.account,
                            &account.webhooks,
                            instance,
                        )
                        .await?;
                        webhooks = copies.unwrap_or_default();
                    }
                    Err(code) => taken = Some(code),
                }
            }
            if let Some(code) = taken {
                self.withdraw_places(instance, to, cause).await?;
                return Ok(Plan::Keep(loaded, (vec![Answer::Rejected { code, state: None }], None)));
            }
            if !webhooks.is_empty() {
                // Decided once more, with what only the account could tell.
                let command = MoveV1 { webhooks, ..to.clone() }.into();
                let whole = Asked { request: asked.request.clone(), command };
                let whole = std::slice::from_ref(&whole);
                round = self.instances.decide(&loaded, whole, now).await;
            }
            if !round.commits() && before.is_none_or(|state| state.account != to.account) {
                self.withdraw_places(instance, to, cause).await?;
            }
            let former = before.cloned().map(|before| (before, wanted));
            Ok(round.into_plan(loaded).map(|answers| (answers, former)))
        };
        let (loaded, (mut answers, moved)) = self.instances.transact_with(instance, None, decide).await?;
        let answer = answers.pop();
        if let (Some(Answer::Accepted { replayed: false, .. }), Some((before, wanted))) = (&answer, moved)
            && !wanted.is_empty()
        {
            let followed = self.moved(instance, &before, &loaded, wanted, cause).await;
            followed.unwrap_or_else(|trouble| {
                debug!(%instance, reason = chain(&trouble), "a move is finished later");
            });
        }
        let answered = answer.map(|answer| reply(&loaded, answer));
        self.instances.remember(loaded);
        Ok(answered.unwrap_or_else(|| rejected(RejectionCodeV1::Changed)))
    }

    /// What has to be reserved in the new account.
    fn wanted(
        &self,
        asked: &Asked,
        instance: InstanceId,
        before: &State,
        after: &State,
    ) -> Vec<(DirectoryId, HoldV1)> {
        let now = self.clock.now();
        let blueprint = BlueprintV1 {
            number: before.number,
            name: before.name.clone(),
            token: before.token.clone(),
            entries: after.entries.clone(),
        };
        let places = places(&after.entries).into_iter();
        places
            .map(|(entry, purpose)| {
                let hold = entries::hold(&asked.request, after.account, instance, purpose, now);
                (entry, HoldV1 { blueprint: Some(blueprint.clone()), ..hold })
            })
            .collect()
    }

    /// Reserves, and says what cannot be had.
    async fn reserve_places(
        &self,
        instance: InstanceId,
        wanted: &[(DirectoryId, HoldV1)],
        cause: &Cause,
    ) -> Result<Option<RejectionCodeV1>, Trouble> {
        for (entry, hold) in wanted {
            let purpose = hold.purpose;
            match self.directory.reserve(*entry, hold.clone(), cause).await? {
                Ok(held) if held.instance == Some(instance) => {}
                Ok(_) | Err(_) if purpose == PurposeV1::Alias => {
                    return Ok(Some(RejectionCodeV1::AliasTaken));
                }
                Ok(_) | Err(_) => return Ok(Some(RejectionCodeV1::NameTaken)),
            }
        }
        Ok(None)
    }

    /// The new account, or why it cannot have the instance. It is read after its entries were reserved: if it is
    /// closed later, the process manager gives these up before it counts the account as empty.
    async fn taking_account(
        &self,
        instance: InstanceId,
        before: &State,
        to: &MoveV1,
    ) -> Result<Result<account::State, RejectionCodeV1>, Trouble> {
        let account = to.account;
        if self.entries.name_entry(instance, account, &before.name).await? != Some(to.name_entry) {
            // Whoever asked knew the instance by another name.
            return Ok(Err(RejectionCodeV1::Changed));
        }
        let Some(open) = self.accounts.open(account).await? else {
            return Ok(Err(RejectionCodeV1::NotFound));
        };
        let refused = self.entries.name_meets_number(instance, account, &before.name, before.number).await?;
        Ok(refused.map_or(Ok(open), Err))
    }

    /// Frees what this command reserved and does not use.
    async fn withdraw_places(&self, instance: InstanceId, to: &MoveV1, cause: &Cause) -> Result<(), Trouble> {
        let holder = Holder { account: to.account, instance: Some(instance) };
        for entry in std::iter::once(to.name_entry).chain(to.alias_entry) {
            self.directory.withdraw(entry, holder, &former(instance), cause).await?;
        }
        Ok(())
    }

    /// Lets the directory follow a move.
    async fn moved(
        &self,
        instance: InstanceId,
        before: &State,
        next: &Loaded<State>,
        wanted: Vec<(DirectoryId, HoldV1)>,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let Some(after) = &next.state else { return Ok(()) };
        let holder = Holder { account: after.account, instance: Some(instance) };
        self.release_former_places(instance, before, cause).await?;
        let present = places(&after.entries);
        for (entry, _) in places(&before.entries).into_iter().filter(|place| !present.contains(place)) {
            self.directory.release(entry, holder, &former(instance), cause).await?;
        }
        self.rehold(instance, after).await?;
        for (entry, hold) in wanted {
            // Once more, for whoever was so slow that the process manager had released them.
            if self.directory.reserve(entry, hold, cause).await?.is_err() {
                error!(%instance, "a name of a moved instance was given to somebody else meanwhile");
            }
            self.directory.settle(entry, holder).await?;
        }
        Ok(())
    }

    /// The entries that do not depend on the account say which one it is.
    async fn rehold(&self, instance: InstanceId, state: &State) -> Result<(), Trouble> {
        let holder = Holder { account: state.account, instance: Some(instance) };
        let both = [state.entries.token, state.entries.number];
        try_join_all(both.map(|entry| self.directory.rehold(entry, holder))).await?;
        self.names_there.rehold(instance, state).await
    }

    /// Releases names and foreign ids of accounts that the instance has left, if one of its present ones says that
    /// a move was not finished. Asked before an instance gives up the entries that say so.
    pub(crate) async fn release_former_places(
        &self,
        instance: InstanceId,
        state: &State,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        for (entry, _) in places(&state.entries) {
            let hold = self.directory.holder(entry).await?;
            if hold.is_some_and(|hold| hold.instance == Some(instance) && hold.blueprint.is_some()) {
                return self.release_places_but(instance, state, cause).await;
            }
        }
        Ok(())
    }

    /// Every name and foreign id that the instance ever had, and when it got its name as an instance that is renamed does.
    async fn history(&self, instance: InstanceId) -> Result<(Places, Option<Timestamp>), Trouble> {
        let had = self.instances.gather(instance, |event, at| match event {
            Event::InstanceCreated(created) => vec![(places(&created.entries), None)],
            Event::InstanceMoved(moved) => vec![(places_of(moved.name_entry, moved.alias_entry), None)],
            Event::InstanceRenamed(renamed) => vec![(places_of(renamed.name_entry, None), Some(at))],
            _ => Vec::new(),
        });
        let (every, moments): (Vec<Places>, Vec<Option<Timestamp>>) = had.await?.into_iter().unzip();
        let mut every = every.concat();
        every.sort_unstable_by_key(|(entry, _)| *entry);
        every.dedup();
        Ok((every, moments.into_iter().flatten().max()))
    }

    /// Releases every name and foreign id that the instance ever had, but for the present ones.
    async fn release_places_but(
        &self,
        instance: InstanceId,
        state: &State,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let holder = Holder { account: state.account, instance: Some(instance) };
        let present = places(&state.entries);
        let (every, _) = self.history(instance).await?;
        for (entry, _) in every.into_iter().filter(|place| !present.contains(place)) {
            self.directory.release(entry, holder, &former(instance), cause).await?;
        }
        Ok(())
    }

    /// Finishes what a crash left of a create that succeeded or of a move, and what a rename leaves, by an entry that was
    /// reserved for it. Gives the moment to come back at if a former name may still be remembered somewhere.
    pub(crate) async fn finish(
        &self,
        instance: InstanceId,
        reserved: DirectoryId,
    ) -> Result<Option<Timestamp>, Trouble> {
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
        let loaded = self.instances.load(instance).await?;
        let Some(state) = &loaded.state else { return Ok(None) };
        let holder = Holder { account: state.account, ..holder };
        self.release_places_but(instance, state, &cause).await?;
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

fn places(entries: &EntriesV1) -> Places {
    places_of(entries.name, entries.alias)
}

fn places_of(name: DirectoryId, alias: Option<DirectoryId>) -> Places {
    let alias = alias.map(|entry| (entry, PurposeV1::Alias));
    std::iter::once((name, PurposeV1::Name)).chain(alias).collect()
}
