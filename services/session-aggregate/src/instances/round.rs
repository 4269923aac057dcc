//! One round of deciding: waiting commands, in their order, on one state.
//!
//! Nothing here is durable. A round is appended as one commit, or thrown away and decided again.

use berth_bus::DeviceKeys;
use berth_domain::instance::{Context, State};
use berth_log::{Loaded, Next, Plan};
use berth_proto::{
    InstanceId, RecordV1, Timestamp,
    codec::encoded_len,
    command::Command,
    commit::{OutcomeV1, PrincipalV1, ReceiptV2},
    event::Event,
    frame::{CommandRequestV2, RejectionCodeV1},
    instance::PhaseV1,
    limits::{COMMIT_BYTES_MAX, STATE_BYTES_MAX},
};
use berth_runtime::chain;
use tracing::warn;

use super::Instances;
use crate::{cause::caller_of, trouble::Trouble};

/// Bytes of state up to which a command may add configuration. The rest is kept free for what a session
/// needs, so that no configuration can ever stand in the way of a logout.
const CONFIGURED_STATE_BYTES_MAX: usize = STATE_BYTES_MAX - 16 * 1024;
/// Bytes of a receipt beside the text of its origin, at most.
const RECEIPT_BYTES_MAX: usize = 192;
/// Bytes of a commit that are neither receipts nor events nor state, at most.
const COMMIT_OVERHEAD_BYTES_MAX: usize = 320;
/// Type ids of commands from here on are our services' own.
const FIRST_SERVICE_COMMAND: u16 = 2_100;

/// A command that waits to be decided.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) request: CommandRequestV2,
    pub(crate) command: Command,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Decided, now or by an earlier try.
    Accepted { outcome: OutcomeV1, replayed: bool },
    /// Decided against, on this state if there is one that the asker may see.
    Rejected { code: RejectionCodeV1, state: Option<RecordV1> },
    /// Not decided.
    Unavailable { reason: String },
}

/// What a round came to.
#[derive(Debug)]
pub(crate) struct Round {
    /// The answers to the first commands. The others did not fit into this commit.
    pub(crate) answers: Vec<Answer>,
    /// The state after the round.
    pub(crate) state: Option<State>,
    /// The version of the account whose endpoints are told of it.
    pub(crate) account_version: u64,
    receipts: Vec<ReceiptV2>,
    events: Vec<RecordV1>,
    /// Bytes of receipts and events so far, at most.
    bytes: usize,
    /// The present moment, on which deadlines rest.
    now: Timestamp,
    /// When the commit is said to have occurred: never before the one before it, even if a clock that was ahead
    /// decided that one.
    at: Timestamp,
    version: u64,
}

/// A command that was decided in favour.
struct Part {
    receipt: ReceiptV2,
    events: Vec<RecordV1>,
    state: State,
    state_bytes: usize,
    bytes: usize,
}

/// What one command of a round leads to.
enum Course {
    /// An answer that leaves no trace.
    Answer(Answer),
    /// A part of the commit.
    Commit(Box<Part>),
}

// === impl Instances ===

impl Instances {
    /// Decides commands on an instance, one after the other, and notes on which version of its account; nothing is appended
    /// yet. Those that are rejected do not reject their neighbours.
    pub(crate) async fn decide(&self, loaded: &Loaded<State>, asked: &[Asked], now: Timestamp) -> Round {
        let instance = InstanceId::from_bytes(*loaded.stream.id());
        let mut round = Round {
            answers: Vec::with_capacity(asked.len()),
            state: loaded.state.clone(),
            account_version: 0,
            receipts: Vec::new(),
            events: Vec::new(),
            bytes: COMMIT_OVERHEAD_BYTES_MAX,
            now,
            at: loaded.moment(now),
            version: loaded.version() + 1,
        };
        for one in asked {
            let answer = match round.course(instance, one, &*self.device_keys).await {
                Ok(Course::Answer(answer)) => answer,
                Ok(Course::Commit(decided)) => {
                    let bytes = round.bytes + decided.bytes;
                    if bytes + decided.state_bytes > COMMIT_BYTES_MAX && !round.answers.is_empty() {
                        break;
                    }
                    let outcome = decided.receipt.outcome.clone();
                    round.bytes = bytes;
                    round.receipts.push(decided.receipt);
                    round.events.extend(decided.events);
                    round.state = Some(decided.state);
                    Answer::Accepted { outcome, replayed: false }
                }
                Err(code) => {
                    let state = round.state.as_ref().filter(|_| may_see(code));
                    Answer::Rejected { code, state: state.and_then(|state| RecordV1::of(state).ok()) }
                }
            };
            round.answers.push(answer);
        }
        // Its endpoints are told of it, if anything happened.
        let told = round.state.as_ref().filter(|_| !round.events.is_empty()).map(|state| state.account);
        if let Some(account) = told {
            round.account_version = self.versions.of(self.writer.log(), account).await;
        }
        round
    }
}

// === impl Round ===

impl Round {
    /// Whether there is anything to append.
    pub(crate) fn commits(&self) -> bool {
        !self.receipts.is_empty()
    }

    /// Says something of our own with what is appended, if anything is.
    pub(crate) fn note(&mut self, receipt: Option<ReceiptV2>) {
        if self.commits() {
            self.receipts.extend(receipt);
        }
    }

    /// What is to be appended to the stream, if anything, and the answers that are true then.
    pub(crate) fn into_plan(self, loaded: Loaded<State>) -> Plan<State, Vec<Answer>> {
        let Self { receipts, events, answers, account_version, state, .. } = self;
        match state.filter(|_| !receipts.is_empty()) {
            Some(state) => Plan::Append(loaded, Next { receipts, events, state, account_version }, answers),
            None => Plan::Keep(loaded, answers),
        }
    }

    async fn course(
        &self,
        instance: InstanceId,
        asked: &Asked,
        device_keys: &dyn DeviceKeys,
    ) -> Result<Course, RejectionCodeV1> {
        let Asked { request, command } = asked;
        let state = self.state.as_ref();
        of_the_account(request.principal, instance, command, state)?;
        if let Some(known) =
            state.and_then(|state| berth_domain::instance::remembered(state, request.command_id))
        {
            if known.digest != request.digest {
                return Err(RejectionCodeV1::KeyReused);
            }
            let outcome = known.outcome.clone();
            return Ok(Course::Answer(Answer::Accepted { outcome, replayed: true }));
        }
        present_credential(request.principal, state)?;
        let decision = berth_domain::instance::decide(state, command, &Context { now: self.now })?;
        if decision.events.is_empty() && !request.keyed {
            return Ok(Course::Answer(Answer::Accepted { outcome: decision.outcome, replayed: false }));
        }
        if let Err(trouble) = forget_devices(instance, state, &decision.events, device_keys).await {
            let reason = chain(&trouble);
            if is_internal(command) {
                return Ok(Course::Answer(Answer::Unavailable { reason }));
            }
            // A logout waits for nothing: the keys of a device that it gives up stay until the instance goes.
            warn!(%instance, reason, "keys of a device that was given up could not be deleted");
        }
        self.part_of_commit(request, command, &decision.events, decision.outcome)
            .map(|decided| Course::Commit(Box::new(decided)))
    }

    fn part_of_commit(
        &self,
        request: &CommandRequestV2,
        command: &Command,
        events: &[Event],
        outcome: OutcomeV1,
    ) -> Result<Part, RejectionCodeV1> {
        let too_large = |_| RejectionCodeV1::StateTooLarge;
        let receipt = ReceiptV2 {
            command_id: request.command_id,
            keyed: request.keyed,
            digest: request.digest,
            principal: request.principal,
            origin: request.origin.clone(),
            causation: request.causation,
            outcome,
            first_event: u16::try_from(self.events.len()).map_err(|_| RejectionCodeV1::StateTooLarge)?,
            event_count: u16::try_from(events.len()).map_err(|_| RejectionCodeV1::StateTooLarge)?,
            caller: caller_of(request),
        };
        let mut next = self.state.clone();
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            records.push(event.to_record().map_err(too_large)?);
            next = berth_domain::instance::evolve(next, event, self.at);
        }
        let mut state = next.ok_or(RejectionCodeV1::NotFound)?;
        berth_domain::instance::remember(&mut state, &receipt, self.version);
        let state_bytes = encoded_len(&state).map_err(too_large)?;
        let state_bytes_max = if configures(command) { CONFIGURED_STATE_BYTES_MAX } else { STATE_BYTES_MAX };
        if state_bytes > state_bytes_max {
            return Err(RejectionCodeV1::StateTooLarge);
        }
        let bytes = RECEIPT_BYTES_MAX
            + receipt.origin.via.len()
            + receipt.caller.as_ref().map_or(0, |caller| caller.0.len())
            + records.iter().map(|record| record.body.len() + 8).sum::<usize>();
        if COMMIT_OVERHEAD_BYTES_MAX + bytes + state_bytes > COMMIT_BYTES_MAX {
            return Err(RejectionCodeV1::StateTooLarge);
        }
        Ok(Part { receipt, events: records, state, state_bytes, bytes })
    }
}

/// Whether whoever got this rejection may see the state.
fn may_see(code: RejectionCodeV1) -> bool {
    !matches!(code, RejectionCodeV1::NotFound | RejectionCodeV1::StaleCredential | RejectionCodeV1::KeyReused)
}

/// Another account's instance does not exist, and neither do our services' commands for a client. Only the operator
/// moves an instance.
fn of_the_account(
    principal: PrincipalV1,
    instance: InstanceId,
    command: &Command,
    state: Option<&State>,
) -> Result<(), RejectionCodeV1> {
    let internal = is_internal(command);
    let allowed = match principal {
        PrincipalV1::Service => true,
        PrincipalV1::Root => !internal,
        _ if matches!(command, Command::Move(_)) => false,
        PrincipalV1::Account { account } => !internal && state.is_none_or(|state| state.account == account),
        // Its token goes with it to another account, where the entry of the token says so a moment later.
        PrincipalV1::Instance { instance: own, .. } => !internal && own == instance && state.is_some(),
    };
    if allowed { Ok(()) } else { Err(RejectionCodeV1::NotFound) }
}

/// A token that was rotated ends at once, whatever a gateway remembers of it.
fn present_credential(principal: PrincipalV1, state: Option<&State>) -> Result<(), RejectionCodeV1> {
    let PrincipalV1::Instance { credential_version, .. } = principal else {
        return Ok(());
    };
    let present = state.is_some_and(|state| state.credential_version == credential_version);
    if present { Ok(()) } else { Err(RejectionCodeV1::StaleCredential) }
}

const fn is_internal(command: &Command) -> bool {
    command.type_id() >= FIRST_SERVICE_COMMAND
}

const fn configures(command: &Command) -> bool {
    matches!(
        command,
        Command::CreateInstance(_)
            | Command::ConfigureWebhook(_)
            | Command::ReplaceWebhook(_)
            | Command::RotateWebhookSecret(_)
            | Command::RotateToken(_)
            | Command::ChangeSettings(_)
            | Command::Switch(_)
            | Command::Rename(_)
    )
}

/// Deletes the keys of devices that are gone for good, before the commit that says so: once it is there, the
/// keys are not. If the commit then fails, nothing is lost, since these keys link nothing any more.
async fn forget_devices(
    instance: InstanceId,
    state: Option<&State>,
    events: &[Event],
    device_keys: &dyn DeviceKeys,
) -> Result<(), Trouble> {
    let link = state.and_then(|state| match &state.phase {
        PhaseV1::Linked(link) => Some(link.attempt),
        PhaseV1::Paused(pause) => Some(pause.link.attempt),
        _ => None,
    });
    for event in events {
        let attempt = match event {
            Event::DeviceUnlinked(unlinked) => Some(unlinked.attempt),
            Event::UnlinkAbandoned(abandoned) => Some(abandoned.attempt),
            Event::LoggedOut(out) if out.unlink.is_none() => link,
            _ => None,
        };
        if let Some(attempt) = attempt {
            device_keys.delete(instance, attempt).await?;
        }
    }
    Ok(())
}

impl Asked {
    /// Whether the command does more than one append, so that it shares no commit.
    pub(crate) fn is_alone(&self) -> bool {
        match &self.command {
            Command::CreateInstance(_)
            | Command::AbandonCreate(_)
            | Command::Delete(_)
            | Command::Rename(_)
            | Command::Move(_) => true,
            Command::RotateToken(rotate) => rotate.token.is_some(),
            _ => false,
        }
    }
}
