//! Sending a command: its id, its digest, and patience with the session-aggregate.

use std::time::Duration;

use berth_bus::RequestError;
use berth_proto::{
    AccountId, CommandId, Hash, InstanceId, Sealed, StreamKey, codec,
    command::Command,
    commit::{CallerV1, OriginV1, OutcomeCodeV1, OutcomeV1},
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1, TargetV1},
    subject::{Sender, command_subject},
};
use berth_runtime::{Role, entropy::new_command_id, sealing::field};
use bytes::Bytes;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{App, call::Call, failure::Failure, principal::Principal, record::Record};

/// How long a command is held while the deployment recovers, for example from the loss of the log's leader.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is held if nobody decides commands: a replica that was asked to stop, or another way to one, may need as
/// long, and whoever waits longer waits for an operator.
const PATIENCE_ALONE: Duration = Duration::from_millis(1_500);
/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(6);
/// The first pause between tries; doubled up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// The longest pause between tries.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// What a command came to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The instance after it.
    pub record: Record,
    /// What its receipt says.
    pub outcome: OutcomeV1,
    /// Whether an earlier try of the same keyed command had done it.
    pub replayed: bool,
}

impl Answer {
    /// Whether the command, or its first try, changed anything.
    pub fn changed(&self) -> bool {
        self.outcome.code == OutcomeCodeV1::Applied
    }
}

/// The id and digest of a command: the same for every retry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) command_id: CommandId,
    pub(super) keyed: bool,
    pub(super) digest: Hash,
}

impl App {
    /// Has a command decided on an instance and answers with the instance after it.
    pub async fn command(
        &self,
        call: &Call,
        instance: InstanceId,
        command: impl Into<Command>,
    ) -> Result<Answer, Failure> {
        self.count_call(call).await?;
        let too_large = |_| Failure::Rejected(RejectionCodeV1::StateTooLarge);
        let command = command.into().to_record().map_err(too_large)?;
        let identity = self.identity(call, instance.as_bytes()).await?;
        let target = TargetV1::Instance { instance, command };
        let stream = StreamKey::instance(instance);
        let mut principal = call.principal;
        let mut looked_again = false;
        loop {
            let owner = instance.as_bytes();
            let request = self.request_of(call, &principal, identity, owner, target.clone()).await;
            match self.send(&stream, &request).await? {
                CommandReplyV1::Accepted(accepted) => {
                    let record =
                        self.open_record(accepted.stream_id, accepted.version, &accepted.state).await?;
                    return Ok(Answer { record, outcome: accepted.outcome, replayed: accepted.replayed });
                }
                CommandReplyV1::Rejected(rejection) => match rejection.code {
                    code @ (RejectionCodeV1::StaleCredential | RejectionCodeV1::NotFound) => {
                        let refused = match code {
                            RejectionCodeV1::NotFound => Failure::NotFound,
                            _ => Failure::Unauthorized,
                        };
                        if std::mem::replace(&mut looked_again, true) {
                            return Err(refused);
                        }
                        principal = self.present_holder(&principal).await?.ok_or(refused)?;
                    }
                    code => return Err(Failure::Rejected(code)),
                },
                CommandReplyV1::Unavailable { reason } | CommandReplyV1::NoRoom { reason } => {
                    return Err(Failure::unavailable("the session-aggregate", reason));
                }
            }
        }
    }

    /// Whether an earlier try of the same keyed command was decided, as far as the instance remembers:
    /// [`RejectionCodeV1::KeyReused`] if that was another request. For a command that cannot be made again, since what
    /// it is about is gone.
    pub async fn was_decided(&self, call: &Call, record: &Record) -> Result<bool, Failure> {
        let identity = self.identity(call, record.id.as_bytes()).await?;
        match berth_domain::instance::remembered(&record.state, identity.command_id) {
            None => Ok(false),
            Some(known) if known.digest == identity.digest => Ok(true),
            Some(_) => Err(Failure::Rejected(RejectionCodeV1::KeyReused)),
        }
    }

    /// The identity of a call's command on something with this id.
    pub(super) async fn identity(&self, call: &Call, subject: &[u8; 16]) -> Result<Identity, Failure> {
        let Some(idempotency) = &call.idempotency else {
            let command_id = new_command_id(&*self.inner.entropy);
            return Ok(Identity {
                command_id,
                keyed: false,
                digest: Hash::over(b"unkeyed", &[command_id.as_bytes()]),
            });
        };
        let command_id = match call.principal.account() {
            Some(account) => self.keyed_command_id(account, &idempotency.key).await?,
            None => {
                let entry = self.inner.keys.master().entry("root_command", &idempotency.key);
                CommandId::from_bytes(*entry.as_bytes())
            }
        };
        let digest = self.inner.keys.master().request_digest(&[
            idempotency.route.as_bytes(),
            subject,
            &idempotency.body,
        ]);
        Ok(Identity { command_id, keyed: true, digest })
    }

    /// The command id of an idempotency key in an account.
    pub(super) async fn keyed_command_id(&self, account: AccountId, key: &str) -> Result<CommandId, Failure> {
        let data_key = self.inner.keys.key(account.as_bytes()).await?.ok_or(Failure::Unauthorized)?;
        Ok(data_key.command_id(key))
    }

    /// Sends a request until somebody decides it or the patience ends, which it does at once if the log has no room: that
    /// does not pass by itself, and soon if there is no session-aggregate. Safe to repeat: the command's id is the same
    /// each time.
    pub(super) async fn send(
        &self,
        stream: &StreamKey,
        request: &CommandRequestV2,
    ) -> Result<CommandReplyV1, Failure> {
        let payload = request
            .encode()
            .map(Bytes::from)
            .map_err(|_| Failure::Rejected(RejectionCodeV1::StateTooLarge))?;
        let subject = command_subject(Sender::Client, stream);
        let started = Instant::now();
        let mut pause = PAUSE_FIRST;
        loop {
            let mut is_alone = self.inner.presence.lacks(Role::SessionAggregate);
            let patience = |is_alone| if is_alone { PATIENCE_ALONE } else { PATIENCE };
            let left = patience(is_alone).saturating_sub(started.elapsed());
            let failure = match self.inner.bus.request(&subject, payload.clone(), TRY_MAX.min(left)).await {
                Ok(bytes) => match codec::decode::<CommandReplyV1>(&bytes) {
                    Ok(CommandReplyV1::Unavailable { reason }) => {
                        Failure::unavailable("the session-aggregate", reason)
                    }
                    // A gateway that is not what the session-aggregate takes it for: no client can mend that.
                    Ok(CommandReplyV1::Rejected(rejection))
                        if rejection.code == RejectionCodeV1::NotForSender =>
                    {
                        return Err(Failure::Forbidden);
                    }
                    Ok(CommandReplyV1::NoRoom { reason }) => {
                        return Err(Failure::unavailable("the log", reason));
                    }
                    Ok(reply) => return Ok(reply),
                    Err(error) => return Err(Failure::unavailable("the session-aggregate", error)),
                },
                Err(error @ RequestError::Overloaded { .. }) => {
                    return Err(Failure::unavailable("the session-aggregate", error));
                }
                Err(error) => {
                    is_alone |= matches!(error, RequestError::NoResponder { .. });
                    Failure::unavailable("the session-aggregate", error)
                }
            };
            // Whoever decides may have stopped with this process; another gateway has more patience.
            if started.elapsed() + pause >= patience(is_alone) || self.inner.stop.is_cancelled() {
                warn!(stream = %stream, command = %request.command_id, "a command was not decided in time: {failure}");
                return Err(failure);
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// The request of a command on what belongs to `owner`.
    pub(super) async fn request_of(
        &self,
        call: &Call,
        principal: &Principal,
        identity: Identity,
        owner: &[u8; 16],
        target: TargetV1,
    ) -> CommandRequestV2 {
        CommandRequestV2 {
            command_id: identity.command_id,
            keyed: identity.keyed,
            digest: identity.digest,
            principal: principal.to_wire(),
            origin: OriginV1 { via: call.via.to_owned() },
            causation: None,
            target,
            caller: self.sealed_caller(call, owner).await,
            traceparent: None,
        }
    }

    /// Where a call comes from, as it stands in the receipt: personal, so sealed for whom the stream is about. None if the
    /// deployment's formats have no place for it yet. No command waits or fails for it.
    async fn sealed_caller(&self, call: &Call, owner: &[u8; 16]) -> Option<Sealed> {
        if !self.inner.settings.write_version.checked_commits() || call.client.request_id.is_empty() {
            return None;
        }
        let key = self.inner.keys.key(owner).await.ok().flatten()?;
        let address = call.client.address.map(|address| address.to_canonical().to_string());
        let caller = CallerV1 { request_id: call.client.request_id.clone(), address };
        let json = serde_json::to_vec(&caller).ok()?;
        Some(key.seal(owner, field::CALLER, &json))
    }
}
