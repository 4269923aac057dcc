//! The jobs of the process manager, one function for each kind of work.

use berth_bus::Undecided;
use berth_domain::instance::{due, next_deadline};
use berth_proto::{
    AccountId, DirectoryId, InstanceId, Timestamp, command::AbandonCreateV1, directory::HoldV1,
    frame::RejectionCodeV1,
};
use berth_views::ViewError;
use thiserror::Error;
use tracing::error;

use super::{
    ProcessManager,
    job::{Job, Work},
};
use crate::trouble::Trouble;

/// How long after it was found that two instances have one name at an upstream that is looked at again.
const NAME_THERE_AGAIN_SECONDS: i64 = 600;

/// A job is not done and is tried again later.
#[derive(Debug, Error)]
pub(super) enum JobError {
    /// What the job works with does not work now.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// A command of ours was not decided.
    #[error("a command was not decided")]
    Undecided(#[source] Undecided),
    /// A command of ours came too early, by the clock of the replica that decided it.
    #[error("a command came too early")]
    TooEarly,
    /// A command of ours was decided against.
    #[error("a command was refused: {0:?}")]
    Refused(RejectionCodeV1),
    /// The view of open work cannot be read now.
    #[error("the view of open work cannot be read")]
    View(#[from] ViewError),
}

/// How a job that did not fail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// It is done; the view will say so.
    Done,
    /// Something was done, and there may be more to do.
    GoesOn,
    /// There is nothing to do before this moment.
    Waits(Timestamp),
}

impl ProcessManager {
    /// Does a job that is due.
    pub(super) async fn work(&self, job: Job) -> Result<Stands, JobError> {
        match job.work {
            Work::Duty => self.duty.follow(AccountId::from_bytes(job.id)).await,
            Work::Deadline => self.record_deadlines(InstanceId::from_bytes(job.id)).await,
            Work::Copies => self.duty.take_copies_back(InstanceId::from_bytes(job.id)).await,
            Work::Create => self.finish_names_here(DirectoryId::from_bytes(job.id)).await,
            Work::Erasure => self.finish_erasure(InstanceId::from_bytes(job.id)).await,
            Work::NameThere => self.reserve_name_there(InstanceId::from_bytes(job.id)).await,
            _ => self.finish(job).await.map(|()| Stands::Done),
        }
    }

    /// Gives up a create that never came, or finishes what stands behind the entry of one that did, of a move or a rename.
    async fn finish_names_here(&self, entry: DirectoryId) -> Result<Stands, JobError> {
        let Some(HoldV1 { account, instance: Some(instance), blueprint: Some(_), command_id, .. }) =
            self.directory.holder(entry).await?
        else {
            return Ok(Stands::Done);
        };
        if self.instances.exists(instance).await? {
            let moment = self.names_here.finish(instance, entry).await?;
            return Ok(moment.map_or(Stands::Done, Stands::Waits));
        }
        let command = AbandonCreateV1 { account, entry }.into();
        self.commands.send_own(instance, &command, Some(command_id)).await.map(|_| Stands::Done)
    }

    /// Cleans up what a deleted instance left, or comes back to what is kept until its upstream was asked.
    async fn finish_erasure(&self, instance: InstanceId) -> Result<Stands, JobError> {
        let loaded = self.instances.load(instance).await?;
        let moment = self.delete.erase(instance, loaded).await?;
        Ok(moment.map_or(Stands::Done, Stands::Waits))
    }

    /// Reserves the name there of an instance that was made before names at upstreams were reserved.
    async fn reserve_name_there(&self, instance: InstanceId) -> Result<Stands, JobError> {
        if self.names_there.reserve_later(instance).await? {
            return Ok(Stands::Done);
        }
        error!(%instance, "another instance has the name that this one has at its upstream, so both have one session: delete one of them");
        Ok(Stands::Waits(self.clock.now().plus_seconds(NAME_THERE_AGAIN_SECONDS)))
    }

    /// Does a job that is done in one step.
    async fn finish(&self, job: Job) -> Result<(), JobError> {
        let entry = DirectoryId::from_bytes(job.id);
        match job.work {
            Work::Duty | Work::Deadline | Work::Create | Work::Copies | Work::Erasure | Work::NameThere => {
                Ok(())
            }
            Work::Rotation => match self.directory.holder(entry).await? {
                Some(HoldV1 { instance: Some(instance), .. }) => {
                    Ok(self.rotate.finish(instance, entry).await?)
                }
                _ => Ok(()),
            },
            Work::Account => match self.directory.holder(entry).await? {
                Some(hold) => Ok(self.accounts.finish_entry(hold.account, entry).await?),
                None => Ok(()),
            },
        }
    }

    /// Sends the commands of every deadline that has passed. One that only lies far ahead is waited for.
    async fn record_deadlines(&self, instance: InstanceId) -> Result<Stands, JobError> {
        let loaded = self.instances.load(instance).await?;
        let Some(state) = &loaded.state else { return Ok(Stands::Done) };
        let due = due(state, self.clock.now());
        if let (true, Some((next, _))) = (due.is_empty(), next_deadline(state)) {
            return Ok(Stands::Waits(next));
        }
        for (_, command) in due {
            // Nobody asked for this: the clock did.
            self.commands.send_own(instance, &command, None).await?;
        }
        Ok(Stands::Done)
    }
}
