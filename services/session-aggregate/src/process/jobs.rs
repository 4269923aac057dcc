//! The jobs of the process manager, one function for each kind of work.

use std::time::Duration;

use berth_bus::{Undecided, ask};
use berth_domain::instance::{due, next_deadline};
use berth_proto::{
    AccountId, CommandId, DirectoryId, InstanceId, StreamKey, Timestamp,
    command::{AbandonCreateV1, Command},
    commit::OriginV1,
    directory::HoldV1,
    frame::RejectionCodeV1,
    subject::{Sender, command_subject},
};
use berth_views::ViewError;
use bytes::Bytes;
use thiserror::Error;
use tracing::error;

use super::{
    ProcessManager,
    agenda::{Job, Work},
};
use crate::{cause::Cause, trouble::Trouble};

/// How long a command of ours may take.
const COMMAND_SECONDS_MAX: u64 = 10;

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
            Work::Duty => self.follow_account(AccountId::from_bytes(job.id)).await,
            Work::Deadline => self.record_deadlines(InstanceId::from_bytes(job.id)).await,
            Work::Copies => self.take_copies_back(InstanceId::from_bytes(job.id)).await,
            Work::Create => self.finish_places(DirectoryId::from_bytes(job.id)).await,
            Work::Erasure => self.finish_erasure(InstanceId::from_bytes(job.id)).await,
            Work::NameThere => self.reserve_name_there(InstanceId::from_bytes(job.id)).await,
            _ => self.finish(job).await.map(|()| Stands::Done),
        }
    }

    /// Gives up a create that never came, or finishes what stands behind the entry of one that did, of a move or a rename.
    async fn finish_places(&self, entry: DirectoryId) -> Result<Stands, JobError> {
        let Some(HoldV1 { account, instance: Some(instance), blueprint: Some(_), command_id, .. }) =
            self.directory.holder(entry).await?
        else {
            return Ok(Stands::Done);
        };
        if self.instances.exists(instance).await? {
            let moment = self.moving.finish(instance, entry).await?;
            return Ok(moment.map_or(Stands::Done, Stands::Waits));
        }
        let command = AbandonCreateV1 { account, entry }.into();
        self.send_own(instance, &command, Some(command_id)).await.map(|_| Stands::Done)
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
            self.send_own(instance, &command, None).await?;
        }
        Ok(Stands::Done)
    }

    /// Sends a command of our own. The same command for the same thing has the same id, however often and from
    /// wherever it is sent.
    async fn send_own(
        &self,
        instance: InstanceId,
        command: &Command,
        causation: Option<CommandId>,
    ) -> Result<Option<RejectionCodeV1>, JobError> {
        let cause = Cause::about(command.name(), &body_of(command)?, instance.as_bytes());
        self.send(instance, command, cause.caused_by(causation)).await
    }

    /// Sends a command over the bus like any client. Says why it was decided against, if it was.
    pub(super) async fn send(
        &self,
        instance: InstanceId,
        command: &Command,
        cause: Cause,
    ) -> Result<Option<RejectionCodeV1>, JobError> {
        let origin = OriginV1 { via: "sweeper".to_owned() };
        let request = Cause { origin, ..cause }.request(instance, command)?;
        let payload = Bytes::from(request.encode().map_err(Trouble::from)?);
        let subject = command_subject(Sender::Clock, &StreamKey::instance(instance));
        let timeout = Duration::from_secs(COMMAND_SECONDS_MAX);
        match ask(&*self.bus, &subject, payload, timeout).await {
            Ok(Ok(_)) => Ok(None),
            Ok(Err(RejectionCodeV1::OutOfPlace)) => Err(JobError::TooEarly),
            Ok(Err(code)) => Ok(Some(code)),
            Err(undecided) => Err(JobError::Undecided(undecided)),
        }
    }
}

/// What a command says, for the id of one of ours.
pub(super) fn body_of(command: &Command) -> Result<Vec<u8>, JobError> {
    Ok(command.to_record().map_err(Trouble::from)?.body)
}
