//! Sending a command: its id, its digest, and patience with the session-aggregate.

use std::{borrow::Cow, sync::Arc, time::Duration};

use berth_bus::{Bus, KeyRing, Led, Presence, RequestError, Ruling, Undecided, ask_until_decided};
use berth_domain::instance::remembered;
use berth_proto::{
    AccountId, CommandId, Hash, InstanceId, Sealed, StreamKey, WriteVersion,
    command::Command,
    commit::{CallerV1, OriginV1, OutcomeCodeV1, OutcomeV1},
    frame::{CommandRequestV2, RejectionCodeV1, TargetV1},
    subject::Sender,
};
use berth_runtime::{
    Entropy, Role, Unique,
    entropy::new_command_id,
    sealing::field,
    telemetry::traces::{self, SpanKind},
};
use berth_upstreams::Upstreams;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    call::Call,
    failure::Failure,
    principal::Principals,
    quota::Counters,
    record::{Record, Records},
    room::{NoRoom, Place, Room},
    standing::Standings,
};

/// How long a command is held while the deployment recovers, for example from the loss of the log's leader.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is held if nobody decides commands or can append what is decided: a replica that was asked to stop, or another
/// way to one, may need as long, and whoever waits longer waits for an operator.
const PATIENCE_ALONE: Duration = Duration::from_millis(1_500);
/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(6);

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

/// Has commands decided.
#[derive(Debug)]
pub struct Commands {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) keys: KeyRing,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) presence: Presence,
    pub(super) log_shards: u8,
    pub(super) stop: CancellationToken,
    pub(super) write_version: WriteVersion,
    pub(super) principals: Arc<Principals>,
    pub(super) records: Arc<Records>,
    pub(super) counters: Arc<Counters>,
    pub(super) standings: Arc<Standings>,
    pub(super) upstreams: Upstreams,
    pub(super) room: Arc<Room>,
}

impl Commands {
    /// A place for a command among those that are under way, until it is dropped: before anything is done for it that would stay.
    pub(super) async fn place(&self, call: &Call, stream: StreamKey) -> Result<Place, Failure> {
        self.room.take(&call.principal, stream).await.map_err(|no_room| match no_room {
            // What fills the shard is the fault of nobody who asks.
            NoRoom::Shard(shard) if self.presence.leaders().leaderless().contains(&Led::Log(shard)) => {
                Failure::Unavailable { part: Led::Log(shard).part(), source: None }
            }
            no_room => no_room.into(),
        })
    }

    /// Has a command decided on an instance and answers with the instance after it.
    pub async fn decide(
        &self,
        call: &Call,
        instance: InstanceId,
        command: impl Into<Command>,
    ) -> Result<Answer, Failure> {
        // What is refused for want of room uses up nothing of what the token may ask for.
        let place = self.place(call, StreamKey::instance(instance)).await?;
        self.counters.count_call(call).await?;
        let command = command.into();
        self.refuse_if_observed(instance, &command).await?;
        let too_large = |_| Failure::Rejected(RejectionCodeV1::StateTooLarge);
        let command = command.to_record().map_err(too_large)?;
        let identity = self.identity(call, instance.as_bytes()).await?;
        let target = TargetV1::Instance { instance, command };
        let mut call = Cow::Borrowed(call);
        let mut looked_again = false;
        loop {
            match self.ask(&place, &call, identity, target.clone()).await? {
                Ok(accepted) => {
                    let instance = accepted.stream_id.instance();
                    let record =
                        self.records.open_record(instance, accepted.version, &accepted.state).await?;
                    return Ok(Answer { record, outcome: accepted.outcome, replayed: accepted.replayed });
                }
                Err(code @ (RejectionCodeV1::StaleCredential | RejectionCodeV1::NotFound)) => {
                    let refused = match code {
                        RejectionCodeV1::NotFound => Failure::NotFound,
                        _ => Failure::Unauthorized,
                    };
                    if std::mem::replace(&mut looked_again, true) {
                        return Err(refused);
                    }
                    let now = self.principals.present_holder(&call.principal).await?;
                    call.to_mut().principal = now.ok_or(refused)?;
                }
                Err(code) => return Err(Failure::Rejected(code)),
            }
        }
    }

    /// [`Failure::ObservedOnly`] for a command to a link that is only looked at. The mode is a setting and no fact of the
    /// history, so whoever decides cannot know it.
    async fn refuse_if_observed(&self, instance: InstanceId, command: &Command) -> Result<(), Failure> {
        let drives = matches!(
            command,
            Command::Connect(_)
                | Command::Reconnect(_)
                | Command::Restart(_)
                | Command::Disconnect(_)
                | Command::Logout(_)
                | Command::Delete(_)
        );
        if !drives || !self.upstreams.any_observed() {
            return Ok(());
        }
        let upstream = self.standings.of(instance).await?.and_then(|standing| standing.upstream);
        let upstream = upstream.and_then(|name| self.upstreams.named(&name).cloned());
        let is_observed = upstream.is_some_and(|upstream| !upstream.is_driven());
        if is_observed { Err(Failure::ObservedOnly) } else { Ok(()) }
    }

    /// Whether an earlier try of the same keyed command was decided, as far as the instance remembers:
    /// [`RejectionCodeV1::KeyReused`] if that was another request. For a command that cannot be made again, since what
    /// it is about is gone.
    pub async fn was_decided(&self, call: &Call, record: &Record) -> Result<bool, Failure> {
        let identity = self.identity(call, record.id.as_bytes()).await?;
        let state = self.records.states.read_remembering(record.id).await?;
        match state.as_ref().and_then(|(_, state)| remembered(state, identity.command_id)) {
            None => Ok(false),
            Some(known) if known.digest == identity.digest => Ok(true),
            Some(_) => Err(Failure::Rejected(RejectionCodeV1::KeyReused)),
        }
    }

    /// The identity of a call's command on something with this id.
    pub(super) async fn identity(&self, call: &Call, subject: &[u8; 16]) -> Result<Identity, Failure> {
        let Some(idempotency) = &call.idempotency else {
            let command_id = new_command_id(&*self.entropy);
            return Ok(Identity {
                command_id,
                keyed: false,
                digest: Hash::over(b"unkeyed", &[command_id.as_bytes()]),
            });
        };
        let command_id = match call.principal.account() {
            Some(account) => self.keyed_id(account, &idempotency.key).await?,
            None => {
                let entry = self.keys.master().entry(Unique::RootCommand, &idempotency.key);
                CommandId::from_bytes(*entry.as_bytes())
            }
        };
        let digest =
            self.keys.master().request_digest(&[idempotency.route.as_bytes(), subject, &idempotency.body]);
        Ok(Identity { command_id, keyed: true, digest })
    }

    /// The command id of an idempotency key in an account.
    pub(super) async fn keyed_id(&self, account: AccountId, key: &str) -> Result<CommandId, Failure> {
        let data_key = self.keys.key(account.as_bytes()).await?.ok_or(Failure::Unauthorized)?;
        Ok(data_key.command_id(key))
    }

    /// Asks for a target until somebody decides or the patience ends, which it does at once if the log has no room: that
    /// does not pass by itself, and soon if there is no session-aggregate or nobody seems to lead what a decision needs.
    pub(super) async fn ask(
        &self,
        _under_way: &Place,
        call: &Call,
        identity: Identity,
        target: TargetV1,
    ) -> Result<Ruling, Failure> {
        let shard = Led::Log(target.stream().partition().shard(self.log_shards));
        let (leaders, needed) = (self.presence.leaders(), [shard, Led::Keys]);
        let mut span = traces::begin_here("command", SpanKind::Client);
        if span.is_recorded() {
            span.say("berth.stream", target.stream().to_string());
        }
        // A deployment that still writes the first formats has no place for it.
        let trace = span.context().filter(|_| self.write_version.checked_commits());
        let request = CommandRequestV2 {
            command_id: identity.command_id,
            keyed: identity.keyed,
            digest: identity.digest,
            principal: call.principal.to_wire(),
            origin: OriginV1 { via: call.via.to_owned() },
            causation: None,
            caller: self.sealed_caller(call, target.stream().id()).await,
            target,
            traceparent: trace.map(|trace| trace.to_string()),
        };
        let patience = |met: Option<&Undecided>| match met {
            Some(
                Undecided::NoRoom(_)
                | Undecided::Unreadable(_)
                | Undecided::Unanswered(RequestError::Overloaded { .. }),
            ) => Duration::ZERO,
            // Whoever decides may have stopped with this process; another gateway has more patience.
            Some(_) if self.stop.is_cancelled() => Duration::ZERO,
            Some(Undecided::Unanswered(RequestError::NoResponder { .. })) => PATIENCE_ALONE,
            _ if self.presence.lacks(Role::SessionAggregate) => PATIENCE_ALONE,
            _ => PATIENCE,
        };
        let decided = tokio::select! {
            biased;
            decided = ask_until_decided(&*self.bus, Sender::Client, &request, TRY_MAX, patience) => decided,
            led = leaders.lacking_for(&needed, PATIENCE_ALONE) => {
                span.fail();
                return Err(Failure::leaderless(led));
            }
        };
        match decided {
            // A gateway that is not what the session-aggregate takes it for: no client can mend that.
            Ok(Err(RejectionCodeV1::NotForSender)) => Err(Failure::Forbidden),
            Ok(decision) => Ok(decision),
            Err(undecided) => {
                span.fail();
                let (stream, command) = (request.target.stream(), request.command_id);
                warn!(%stream, %command, error = &undecided as &dyn std::error::Error, "a command was not decided");
                Err(undecided.into())
            }
        }
    }

    /// Where a call comes from, as it stands in the receipt: personal, so sealed for whom the stream is about. None if the
    /// deployment's formats have no place for it yet. No command waits or fails for it.
    async fn sealed_caller(&self, call: &Call, owner: &[u8; 16]) -> Option<Sealed> {
        if !self.write_version.checked_commits() || call.client.request_id.is_empty() {
            return None;
        }
        let key = self.keys.key(owner).await.ok().flatten()?;
        let address = call.client.address.map(|address| address.to_canonical().to_string());
        let caller = CallerV1 { request_id: call.client.request_id.to_string(), address };
        let json = serde_json::to_vec(&caller).ok()?;
        Some(key.seal(owner, field::CALLER, &json))
    }
}
