//! Commands of our own, which go over the bus like any client's.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, ask};
use berth_proto::{
    CommandId, InstanceId, StreamKey,
    command::Command,
    commit::OriginV1,
    frame::RejectionCodeV1,
    subject::{Sender, command_subject},
};
use bytes::Bytes;

use super::jobs::JobError;
use crate::{cause::Cause, trouble::Trouble};

/// How long a command of ours may take.
const COMMAND_MAX: Duration = Duration::from_secs(10);

/// Sends them.
#[derive(Debug, Clone)]
pub(crate) struct OwnCommands {
    pub(crate) bus: Arc<dyn Bus>,
}

// === impl OwnCommands ===

impl OwnCommands {
    /// Sends a command of our own. The same command for the same thing has the same id, however often and from
    /// wherever it is sent.
    pub(super) async fn send_own(
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
        match ask(&*self.bus, &subject, payload, COMMAND_MAX).await {
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
