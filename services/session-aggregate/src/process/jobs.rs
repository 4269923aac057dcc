//! The jobs of the process manager, one function for each kind of work.

use std::time::Duration;

use berth_bus::RequestError;
use berth_domain::instance::{due, next_deadline};
use berth_proto::{
    AccountId, DirectoryId, InstanceId, StreamKey, Timestamp,
    codec::decode,
    command::{AbandonCreateV1, Command},
    commit::{OriginV1, PrincipalV1},
    directory::HoldV1,
    frame::{CommandReplyV1, RejectionCodeV1},
    subject::{Sender, command_subject},
};
use berth_views::ViewError;
use bytes::Bytes;
use thiserror::Error;

use super::{
    ProcessManager,
    agenda::{Job, Work},
};
use crate::{cause::Cause, trouble::Trouble};

/// How long a command of ours may take.
const COMMAND_SECONDS_MAX: u64 = 10;

/// A job is not done and is tried again later.
#[derive(Debug, Error)]
pub(super) enum JobError {
    /// What the job works with does not work now.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// A command of ours got no answer.
    #[error("a command got no answer")]
    Request(#[source] RequestError),
    /// A command of ours could not be decided.
    #[error("a command was not decided: {0}")]
    Undecided(String),
    /// A command of ours came too early, by the clock of the replica that decided it.
    #[error("a command came too early")]
    TooEarly,
    /// A command of ours was decided against.
    #[error("a command was refused: {0:?}")]
    Refused(RejectionCodeV1),
    /// The view of open work cannot be read now.
    #[error("the view of open work cannot be read")]
    View(#[from] ViewError),
    /// A command or its answer is not what it should be.
    #[error("a command cannot be sent or its answer not be read")]
    Codec(#[source] berth_proto::DecodeError),
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
            _ => self.finish(job).await.map(|()| Stands::Done),
        }
    }

    /// Does a job that is done in one step.
    async fn finish(&self, job: Job) -> Result<(), JobError> {
        let entry = DirectoryId::from_bytes(job.id);
        match job.work {
            Work::Duty | Work::Deadline => Ok(()),
            Work::Erasure => {
                let instance = InstanceId::from_bytes(job.id);
                let loaded = self.instances.load(instance).await?;
                Ok(self.delete.erase(instance, loaded).await?)
            }
            Work::Create => match self.directory.holder(entry).await? {
                Some(HoldV1 { account, instance: Some(instance), blueprint: Some(_), .. }) => {
                    if self.instances.exists(instance).await? {
                        return Ok(self.moving.finish(instance, entry).await?);
                    }
                    self.send_own(instance, &AbandonCreateV1 { account, entry }.into()).await.map(drop)
                }
                _ => Ok(()),
            },
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
            self.send_own(instance, &command).await?;
        }
        Ok(Stands::Done)
    }

    /// Sends a command of our own. The same command for the same thing has the same id, however often and from
    /// wherever it is sent.
    async fn send_own(
        &self,
        instance: InstanceId,
        command: &Command,
    ) -> Result<Option<RejectionCodeV1>, JobError> {
        self.send(instance, command, PrincipalV1::Service, 0).await
    }

    /// Sends a command over the bus like any client. `version` is that of the instance on which a thing rests that
    /// may be asked for once more, 0 for others. Says why it was decided against, if it was.
    pub(super) async fn send(
        &self,
        instance: InstanceId,
        command: &Command,
        principal: PrincipalV1,
        version: u64,
    ) -> Result<Option<RejectionCodeV1>, JobError> {
        let body = command.to_record().map_err(Trouble::from)?.body;
        let details = match version {
            0 => body,
            version => [&body[..], &version.to_be_bytes()].concat(),
        };
        let origin = OriginV1 { via: "sweeper".to_owned() };
        let cause = Cause::about(command.name(), &details, instance.as_bytes());
        let request = Cause { principal, origin, ..cause }.request(instance, command)?;
        let payload = Bytes::from(request.encode().map_err(Trouble::from)?);
        let subject = command_subject(Sender::Clock, &StreamKey::instance(instance));
        let timeout = Duration::from_secs(COMMAND_SECONDS_MAX);
        let reply = self.bus.request(&subject, payload, timeout).await.map_err(JobError::Request)?;
        match decode(&reply).map_err(JobError::Codec)? {
            CommandReplyV1::Unavailable { reason } | CommandReplyV1::NoRoom { reason } => {
                Err(JobError::Undecided(reason))
            }
            CommandReplyV1::Rejected(rejection) if rejection.code == RejectionCodeV1::OutOfPlace => {
                Err(JobError::TooEarly)
            }
            CommandReplyV1::Accepted(_) => Ok(None),
            CommandReplyV1::Rejected(rejection) => Ok(Some(rejection.code)),
        }
    }
}
