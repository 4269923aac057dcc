//! Moving an instance to another account: reserve its name and alias there, append, release those it had.
//!
//! The append decides. What is reserved before it carries a blueprint, by which the process manager knows that
//! something is open; it is settled only when nothing of the former account is left ([`NamesHere::finish`]). The idempotency key of
//! the creation stays where it is: it is the receipt of that command, as after a delete.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_domain::instance::State;
use berth_log::{Loaded, Plan};
use berth_proto::{
    DirectoryId, InstanceId, Timestamp, WriteVersion,
    command::MoveV1,
    directory::{BlueprintV1, HoldV1},
    frame::{CommandReplyV1, RejectionCodeV1},
    instance::WebhookV1,
};
use berth_runtime::{Clock, chain};
use tracing::{debug, error};

use super::names_here::{NamesHere, names_here};
use crate::{
    accounts::Accounts,
    directory::{Cause, Directory, Holder},
    entries::{self, Entries, former},
    instances::{
        Instances,
        round::{Answer, InstanceCommand},
    },
    reseal,
    trouble::Trouble,
};

/// Moves instances to other accounts.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) instances: Arc<Instances>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) directory: Directory,
    pub(crate) entries: Entries,
    pub(crate) names_here: NamesHere,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether instances have copies of their account's endpoints follows from it.
    pub(crate) write_version: WriteVersion,
}

/// What is reserved in the new account.
type Holds = Vec<(DirectoryId, HoldV1)>;

/// A move that was appended: the instance before it, and what was reserved for it.
type Moved = (State, Holds);

// === impl Move ===

impl Move {
    /// Moves an instance. If the directory cannot follow now, the process manager lets it.
    pub(crate) async fn run(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        to: &MoveV1,
    ) -> Result<CommandReplyV1, Trouble> {
        let decide = move |loaded, now| self.reserve_and_decide(instance, asked, to, loaded, now);
        let (loaded, (mut answers, moved)) = self.instances.transact_with(instance, None, decide).await?;
        if let (Some((before, holds)), Some(after)) = (moved, &loaded.state) {
            let settled = self.settle(instance, &before, after, holds, &Cause::of(&asked.request)).await;
            settled.unwrap_or_else(|trouble| {
                debug!(%instance, reason = chain(&trouble), "a move is finished later");
            });
        }
        Ok(self.instances.concluded(loaded, answers.pop()))
    }

    /// Decides the move with all reserved that it needs, which is done anew whenever another command was first. What it does
    /// not use is freed.
    async fn reserve_and_decide(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        to: &MoveV1,
        loaded: Loaded<State>,
        now: Timestamp,
    ) -> Result<Plan<State, (Vec<Answer>, Option<Moved>)>, Trouble> {
        let cause = &Cause::of(&asked.request);
        let mut round = self.instances.decide(&loaded, std::slice::from_ref(asked), now).await;
        let before = loaded.state.clone();
        let leaves =
            before.as_ref().zip(round.state.as_ref()).filter(|(old, new)| old.account != new.account);
        let holds = leaves.map(|(before, after)| holds(asked, instance, before, after, self.clock.now()));
        if let (Some(before), Some(holds)) = (&before, &holds) {
            round = match self.reserve(instance, before, to, holds, cause).await? {
                Ok(copies) if copies.is_empty() => round,
                Ok(webhooks) => {
                    // Decided once more, with what only the account could tell.
                    let command = MoveV1 { webhooks, ..to.clone() }.into();
                    let whole = InstanceCommand { request: asked.request.clone(), command };
                    self.instances.decide(&loaded, std::slice::from_ref(&whole), now).await
                }
                Err(code) => round.refused(&loaded, code),
            };
        }
        if !round.commits() && before.as_ref().is_none_or(|state| state.account != to.account) {
            self.withdraw(instance, to, cause).await?;
        }
        let moved = before.zip(holds).filter(|_| round.commits());
        Ok(round.into_plan(loaded).map(|answers| (answers, moved)))
    }

    /// Reserves in the new account and gives the endpoints that are copied from there; or says what cannot be had.
    async fn reserve(
        &self,
        instance: InstanceId,
        before: &State,
        to: &MoveV1,
        holds: &Holds,
        cause: &Cause,
    ) -> Result<Result<Vec<WebhookV1>, RejectionCodeV1>, Trouble> {
        for (entry, hold) in holds {
            match self.directory.reserve(*entry, hold.clone(), cause).await? {
                Ok(held) if held.instance == Some(instance) => {}
                Ok(_) | Err(_) => return Ok(Err(entries::taken(hold.purpose))),
            }
        }
        let (account, name) = (to.account, &before.name);
        if self.entries.name_entry(instance, account, name).await? != Some(to.name_entry) {
            // Whoever asked knew the instance by another name.
            return Ok(Err(RejectionCodeV1::Changed));
        }
        // Read after its entries were reserved: if it is closed later, the process manager gives these up before it counts
        // the account as empty.
        let Some(open) = self.accounts.open(account).await? else {
            return Ok(Err(RejectionCodeV1::NotFound));
        };
        if let Some(code) = self.entries.name_meets_number(instance, account, name, before.number).await? {
            return Ok(Err(code));
        }
        let copies =
            reseal::webhooks(&self.keys, self.write_version, account, &open.webhooks, instance).await?;
        Ok(Ok(copies.unwrap_or_default()))
    }

    /// Frees what this command reserved, in this try or an earlier one.
    async fn withdraw(&self, instance: InstanceId, to: &MoveV1, cause: &Cause) -> Result<(), Trouble> {
        let holder = Holder { account: to.account, instance: Some(instance) };
        for entry in std::iter::once(to.name_entry).chain(to.alias_entry) {
            self.directory.withdraw(entry, holder, &former(instance), cause).await?;
        }
        Ok(())
    }

    /// Lets the directory follow: the former account's entries are released, the others say whose the instance is now, and
    /// only then are the reservations settled.
    async fn settle(
        &self,
        instance: InstanceId,
        before: &State,
        after: &State,
        holds: Holds,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let holder = Holder { account: after.account, instance: Some(instance) };
        self.names_here.release_former_of_open(instance, before, cause).await?;
        let present = names_here(&after.entries);
        for (entry, _) in names_here(&before.entries).into_iter().filter(|name| !present.contains(name)) {
            self.directory.release(entry, holder, &former(instance), cause).await?;
        }
        self.names_here.rehold(instance, after).await?;
        for (entry, hold) in holds {
            // Once more, for whoever was so slow that the process manager had released them.
            if self.directory.reserve(entry, hold, cause).await?.is_err() {
                error!(%instance, "a name of a moved instance was given to somebody else meanwhile");
            }
            self.directory.settle(entry, holder).await?;
        }
        Ok(())
    }
}

/// What has to be reserved in the new account.
fn holds(
    asked: &InstanceCommand,
    instance: InstanceId,
    before: &State,
    after: &State,
    now: Timestamp,
) -> Holds {
    let blueprint = BlueprintV1 {
        number: before.number,
        name: before.name.clone(),
        token: before.token.clone(),
        entries: after.entries.clone(),
    };
    let held = |(entry, purpose)| {
        let hold = entries::hold(&asked.request, after.account, instance, purpose, now);
        (entry, HoldV1 { blueprint: Some(blueprint.clone()), ..hold })
    };
    names_here(&after.entries).into_iter().map(held).collect()
}
