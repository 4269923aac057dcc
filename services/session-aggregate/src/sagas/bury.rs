//! Deleting an instance whose last commit is damaged: a tombstone that says on what it was built.
//!
//! Nothing else may be asked of such an instance, since nobody knows what its last commit said. A delete needs to know
//! least: whatever happened last, nothing of the instance is to be left. It is decided on the last good commit.

use berth_domain::instance::{State, lost_instance, remember};
use berth_log::{Loaded, Next, Plan, TransactError};
use berth_proto::{
    DirectoryId, InstanceId, Timestamp,
    command::DeleteV1,
    commit::{OutcomeCodeV1, OutcomeV1, PrincipalV1},
    directory::{HoldV1, PurposeV1},
    event::{Event, InstanceDeletedV1},
    frame::{CommandReplyV1, RejectionCodeV1},
};
use tracing::warn;

use super::delete::Delete;
use crate::{
    cause::Cause,
    instances::{
        is_deleted, rejected,
        round::{Answer, InstanceCommand},
    },
    trouble::Trouble,
};

/// What our own receipt is called behind the damage of an instance that was deleted before.
const REPAIR: &str = "tombstone";

/// What is to be done about a damaged instance.
enum Burial {
    /// A tombstone is appended, and this answer is true once it stands.
    Tombstone(Answer),
    /// What is readable is a tombstone already: all that is missing is a commit that says so.
    Repair,
    /// Decided against.
    Refused(RejectionCodeV1),
    /// Nothing tells whose the instance is.
    Nobodys,
}

impl Delete {
    /// Deletes an instance whose last commit is damaged. Whether it has a session is not asked: the last good commit
    /// cannot know, and a logout, which would end it, is refused.
    ///
    /// [`TransactError::TooNew`] where commits cannot say yet on what damage they
    /// were built; `damaged` is given back if nothing tells whose the instance is.
    pub(super) async fn bury(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        damaged: Trouble,
    ) -> Result<CommandReplyV1, Trouble> {
        let asked =
            &InstanceCommand { command: DeleteV1 { only_without_session: false }.into(), ..asked.clone() };
        let decide = move |loaded: Loaded<State>, now| async move {
            let damage = loaded.damage().cloned();
            let plan = self.burial(instance, loaded, asked, now).await?;
            Ok(plan.map(|burial| (burial, damage)))
        };
        let done = match self.instances.transact_behind(instance, decide).await {
            Err(Trouble::Log(TransactError::Sound { .. })) => {
                return Box::pin(self.run(instance, asked)).await;
            }
            done => done?,
        };
        let (burial, damage) = done.answer;
        let answer = match burial {
            Burial::Tombstone(answer) => Some(answer),
            Burial::Repair => None,
            Burial::Refused(code) => return Ok(rejected(code)),
            Burial::Nobodys => return Err(damaged),
        };
        warn!(%instance, ?damage, "an instance was deleted although its last commit is damaged");
        if let Some(answer) = answer {
            return Ok(self.deleted(instance, done.loaded, answer).await);
        }
        self.clean_up(instance, done.loaded).await;
        Box::pin(self.run(instance, asked)).await
    }

    async fn burial(
        &self,
        instance: InstanceId,
        loaded: Loaded<State>,
        asked: &InstanceCommand,
        now: Timestamp,
    ) -> Result<Plan<State, Burial>, Trouble> {
        let Some(state) = &loaded.state else {
            return self.burial_of_lost(instance, loaded, asked, now).await;
        };
        if is_deleted(state) {
            let receipts = vec![Cause::own(REPAIR, instance.as_bytes()).receipt(OutcomeCodeV1::Unchanged, 0)];
            let next = Next { receipts, events: Vec::new(), state: state.clone(), account_version: 0 };
            return Ok(Plan::Append(loaded, next, Burial::Repair));
        }
        // The instance ends as its last good commit left it.
        let round = self.instances.decide(&loaded, std::slice::from_ref(asked), now).await;
        Ok(round.into_plan(loaded).map(|answers| match answers.into_iter().next() {
            Some(answer @ Answer::Accepted { replayed: false, .. }) => Burial::Tombstone(answer),
            Some(Answer::Rejected { code, .. }) => Burial::Refused(code),
            _ => Burial::Refused(RejectionCodeV1::Changed),
        }))
    }

    /// Nothing of the instance can be read: the directory tells whose it is and what is to be released.
    async fn burial_of_lost(
        &self,
        instance: InstanceId,
        loaded: Loaded<State>,
        asked: &InstanceCommand,
        now: Timestamp,
    ) -> Result<Plan<State, Burial>, Trouble> {
        let held = self.directory.held_by(instance).await?;
        let Some((_, any)) = held.first() else { return Ok(Plan::Keep(loaded, Burial::Nobodys)) };
        if !may_bury(asked.request.principal, instance, &held) {
            return Ok(Plan::Keep(loaded, Burial::Refused(RejectionCodeV1::NotFound)));
        }
        let mut state = lost_instance(any.account, loaded.moment(now));
        for (entry, hold) in &held {
            match hold.purpose {
                PurposeV1::Name => state.entries.name = *entry,
                PurposeV1::InstanceToken => state.entries.token = *entry,
                PurposeV1::Number => state.entries.number = *entry,
                PurposeV1::Alias => state.entries.alias = Some(*entry),
                PurposeV1::Creation => state.entries.creation = Some(*entry),
                // The last stays until another instance is to have that name: see `NamesThere`.
                PurposeV1::AccountName | PurposeV1::AccountToken | PurposeV1::NameAtUpstream => {}
            }
        }
        let receipt = Cause::of(&asked.request).own_receipt(OutcomeCodeV1::Applied, 1);
        remember(&mut state, &receipt, loaded.version() + 1);
        let events = vec![Event::from(InstanceDeletedV1 { session: state.session }).to_record()?];
        let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
        let answer = Answer::Accepted { outcome, replayed: false };
        let next = Next { receipts: vec![receipt], events, state, account_version: 0 };
        Ok(Plan::Append(loaded, next, Burial::Tombstone(answer)))
    }
}

/// Whether a principal may delete an instance of which nothing is known but what it holds.
fn may_bury(principal: PrincipalV1, instance: InstanceId, held: &[(DirectoryId, HoldV1)]) -> bool {
    match principal {
        PrincipalV1::Root | PrincipalV1::Service => true,
        PrincipalV1::Account { account } => held.iter().any(|(_, hold)| hold.account == account),
        PrincipalV1::Instance { instance: own, credential_version, .. } => {
            own == instance
                && held.iter().any(|(_, hold)| {
                    hold.purpose == PurposeV1::InstanceToken && hold.credential_version == credential_version
                })
        }
    }
}
