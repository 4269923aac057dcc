//! Having a command decided, by whoever decides for its stream.

use std::time::Duration;

use berth_proto::{
    DecodeError, EncodeError, codec,
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV2, RejectionCodeV1},
    subject::{CommandSubject, Decider, Sender, command_subject},
};
use berth_runtime::Pauses;
use bytes::Bytes;
use thiserror::Error;
use tokio::time::Instant;

use crate::port::{Bus, RequestError};

/// The first pause between tries; doubled up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// The longest pause between tries.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// What was decided: for, or against and why.
pub type Ruling = Result<AcceptedV1, RejectionCodeV1>;

/// A command was not decided, or it is not known whether it was. The same command may be sent again.
#[derive(Debug, Error)]
pub enum Undecided {
    /// It is larger than a command may be: a retry does not help.
    #[error("the command cannot be written")]
    Unwritten(#[source] EncodeError),
    /// Nobody answered.
    #[error("no session-aggregate answered")]
    Unanswered(#[source] RequestError),
    /// The answer is none that this release knows.
    #[error("the answer cannot be read")]
    Unreadable(#[source] DecodeError),
    /// Whoever decides cannot at this moment.
    #[error("it cannot be decided now: {0}")]
    Unavailable(String),
    /// The log has no room: a retry helps once somebody made some.
    #[error("the log has no room: {0}")]
    NoRoom(String),
}

/// Sends a command to the owner of its partition, and where that is nobody at this moment to any replica: any decides it
/// as well, only with more work.
pub async fn request_decision(
    bus: &dyn Bus,
    subject: &str,
    command: Bytes,
    within: Duration,
) -> Result<Bytes, RequestError> {
    match bus.request(subject, command.clone(), within).await {
        Err(RequestError::NoResponder { subject }) => match subject.parse::<CommandSubject>() {
            Ok(owner) if owner.decider == Decider::Owner => {
                let any = CommandSubject { decider: Decider::Any, ..owner };
                bus.request(&any.to_string(), command, within).await
            }
            _ => Err(RequestError::NoResponder { subject }),
        },
        replied => replied,
    }
}

/// Asks once.
pub async fn ask(
    bus: &dyn Bus,
    subject: &str,
    command: Bytes,
    within: Duration,
) -> Result<Ruling, Undecided> {
    let reply = request_decision(bus, subject, command, within).await.map_err(Undecided::Unanswered)?;
    match codec::decode::<CommandReplyV1>(&reply).map_err(Undecided::Unreadable)? {
        CommandReplyV1::Accepted(accepted) => Ok(Ok(accepted)),
        CommandReplyV1::Rejected(rejection) => Ok(Err(rejection.code)),
        CommandReplyV1::Unavailable { reason } => Err(Undecided::Unavailable(reason)),
        CommandReplyV1::NoRoom { reason } => Err(Undecided::NoRoom(reason)),
    }
}

/// Asks until somebody decides or the patience ends: how long the whole may take, in view of what the last try met.
/// Safe to repeat, since the command's id is the same each time.
pub async fn ask_until_decided(
    bus: &dyn Bus,
    sender: Sender,
    request: &CommandRequestV2,
    within: Duration,
    patience: impl Fn(Option<&Undecided>) -> Duration,
) -> Result<Ruling, Undecided> {
    let command = request.encode().map(Bytes::from).map_err(Undecided::Unwritten)?;
    let subject = command_subject(sender, &request.target.stream());
    let (started, mut pauses) = (Instant::now(), Pauses::new(PAUSE_FIRST, PAUSE_MAX));
    loop {
        let left = patience(None).saturating_sub(started.elapsed());
        let met = match ask(bus, &subject, command.clone(), within.min(left)).await {
            Ok(decision) => return Ok(decision),
            Err(met) => met,
        };
        if started.elapsed() + pauses.next() >= patience(Some(&met)) {
            return Err(met);
        }
        pauses.wait().await;
    }
}
