//! Deleting an instance whose last commit is damaged: a tombstone that says on what it was built.
//!
//! Nothing else may be asked of such an instance, since nobody knows what its last commit said. A delete needs to know
//! least: whatever happened last, nothing of the instance is to be left. It is decided on the last good commit.

use berth_log::{Loaded, Next, TransactError};
use berth_proto::{
    DirectoryId, InstanceId, StreamKey,
    command::DeleteV1,
    commit::{OutcomeCodeV1, OutcomeV1, PrincipalV1},
    directory::{HoldV1, PurposeV1},
    event::{Event, InstanceDeletedV1},
    frame::{CommandReplyV1, RejectionCodeV1},
};
use berth_session::State;
use tracing::warn;

use super::{
    Asked,
    delete::is_deleted,
    rejected,
    round::{Answer, Round},
};
use crate::{aggregate::Aggregate, directory::Cause, trouble::Trouble};

/// Appends behind one damaged commit that are tried before it counts as contended.
const ATTEMPTS_MAX: usize = 8;
/// What our own receipt is called behind the damage of an instance that was deleted before.
const REPAIR: &str = "tombstone";

/// What is to be done about a damaged instance.
enum Burial {
    /// The tombstone, and the answer that is true once it stands.
    Tombstone(Next<State>, Answer),
    /// What is readable is a tombstone already: all that is missing is a commit that says so.
    Repair(Next<State>),
    /// Decided against.
    Refused(RejectionCodeV1),
    /// Nothing tells whose the instance is.
    Nobodys,
}

impl Aggregate {
    /// Deletes an instance whose last commit is damaged. Whether it has a session is not asked: the last good commit
    /// cannot know, and a logout, which would end it, is refused.
    ///
    /// [`TransactError::TooNew`] where commits cannot say yet on what damage they were built; `damaged` is given back
    /// if nothing tells whose the instance is.
    pub(super) async fn bury(
        &self,
        instance: InstanceId,
        asked: &Asked,
        damaged: Trouble,
    ) -> Result<CommandReplyV1, Trouble> {
        if !self.writer.tells_damage() {
            return Err(TransactError::TooNew.into());
        }
        let stream = StreamKey::instance(instance);
        let asked = Asked { command: DeleteV1 { only_without_session: false }.into(), ..asked.clone() };
        for _ in 0..ATTEMPTS_MAX {
            let Some(loaded) = self.writer.load_damaged::<State>(&stream).await? else {
                return Box::pin(self.delete(instance, &asked)).await;
            };
            let (next, answer) = match self.burial(instance, &loaded, &asked).await? {
                Burial::Tombstone(next, answer) => (next, Some(answer)),
                Burial::Repair(next) => (next, None),
                Burial::Refused(code) => return Ok(rejected(code)),
                Burial::Nobodys => return Err(damaged),
            };
            let Some(tombstone) = self.writer.append_behind(&loaded, next).await? else { continue };
            self.tell(instance, tombstone.version(), 1).await;
            let damage = loaded.damage();
            warn!(%instance, ?damage, "an instance was deleted although its last commit is damaged");
            if let Some(answer) = answer {
                return Ok(self.deleted(instance, tombstone, answer).await);
            }
            self.clean_up(instance, tombstone).await;
            return Box::pin(self.delete(instance, &asked)).await;
        }
        Err(TransactError::Contended { stream }.into())
    }

    async fn burial(
        &self,
        instance: InstanceId,
        loaded: &Loaded<State>,
        asked: &Asked,
    ) -> Result<Burial, Trouble> {
        let Some(state) = &loaded.state else { return self.burial_of_lost(instance, loaded, asked).await };
        if is_deleted(state) {
            let receipts = vec![Cause::own(REPAIR, instance.as_bytes()).receipt(OutcomeCodeV1::Unchanged, 0)];
            return Ok(Burial::Repair(Next { receipts, events: Vec::new(), state: state.clone() }));
        }
        // The instance ends as its last good commit left it.
        let (now, device_keys) = (self.writer.moment(loaded), &*self.ports.device_keys);
        let round = Round::decide(instance, loaded, std::slice::from_ref(asked), now, device_keys).await;
        let (next, answers) = round.into_next();
        Ok(match (next, answers.into_iter().next()) {
            (Some(next), Some(answer)) => Burial::Tombstone(next, answer),
            (_, Some(Answer::Rejected { code, .. })) => Burial::Refused(code),
            _ => Burial::Refused(RejectionCodeV1::Changed),
        })
    }

    /// Nothing of the instance can be read: the directory tells whose it is and what is to be released.
    async fn burial_of_lost(
        &self,
        instance: InstanceId,
        loaded: &Loaded<State>,
        asked: &Asked,
    ) -> Result<Burial, Trouble> {
        let held = self.directory.held_by(instance).await?;
        let Some((_, any)) = held.first() else { return Ok(Burial::Nobodys) };
        if !may_bury(asked.request.principal, instance, &held) {
            return Ok(Burial::Refused(RejectionCodeV1::NotFound));
        }
        let mut state = berth_session::lost_instance(any.account, self.writer.moment(loaded));
        for (entry, hold) in &held {
            match hold.purpose {
                PurposeV1::Name => state.entries.name = *entry,
                PurposeV1::InstanceToken => state.entries.token = *entry,
                PurposeV1::Number => state.entries.number = *entry,
                PurposeV1::Alias => state.entries.alias = Some(*entry),
                PurposeV1::Creation => state.entries.creation = Some(*entry),
                PurposeV1::AccountName | PurposeV1::AccountToken => {}
            }
        }
        let receipt = Cause::of(&asked.request).receipt(OutcomeCodeV1::Applied, 1);
        berth_session::remember(&mut state, &receipt, loaded.version() + 1);
        let events = vec![Event::from(InstanceDeletedV1 { session: state.session }).to_record()?];
        let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
        let answer = Answer::Accepted { outcome, replayed: false };
        Ok(Burial::Tombstone(Next { receipts: vec![receipt], events, state }, answer))
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
