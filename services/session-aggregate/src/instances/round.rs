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
    commit::{OutcomeV1, ReceiptV2},
    event::Event,
    frame::{CommandRequestV2, RejectionCodeV1},
    limits::{COMMIT_BYTES_MAX, STATE_BYTES_MAX},
};
use berth_runtime::chain;
use tracing::warn;

use super::{
    Instances,
    devices::forget_devices,
    rights::{is_internal, may_see, of_the_account, present_credential},
};
use crate::cause::caller_of;

/// Bytes of state up to which a command may add configuration. The rest is kept free for what a session
/// needs, so that no configuration can ever stand in the way of a logout.
const CONFIGURED_STATE_BYTES_MAX: usize = STATE_BYTES_MAX - 16 * 1024;
/// Bytes of a receipt beside the text of its origin, at most.
const RECEIPT_BYTES_MAX: usize = 192;
/// Bytes of a commit that are neither receipts nor events nor state, at most.
const COMMIT_OVERHEAD_BYTES_MAX: usize = 320;
/// A command for an instance, opened.
#[derive(Debug, Clone)]
pub(crate) struct InstanceCommand {
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
enum Effect {
    /// An answer that leaves no trace.
    Answer(Answer),
    /// A part of the commit.
    Commit(Box<Part>),
}

// === impl Instances ===

impl Instances {
    /// Decides commands on an instance, one after the other, and notes on which version of its account; nothing is appended
    /// yet. Those that are rejected do not reject their neighbours.
    pub(crate) async fn decide(
        &self,
        loaded: &Loaded<State>,
        asked: &[InstanceCommand],
        now: Timestamp,
    ) -> Round {
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
            let answer = match round.effect_of(instance, one, &*self.device_keys).await {
                Ok(Effect::Answer(answer)) => answer,
                Ok(Effect::Commit(decided)) => {
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

    /// The same round of one command, decided against for the sake of what is not in the instance, which stays as it was loaded.
    pub(crate) fn refused(self, loaded: &Loaded<State>, code: RejectionCodeV1) -> Self {
        debug_assert_eq!(self.answers.len(), 1, "what spans streams shares no round");
        let answers = vec![Answer::Rejected { code, state: None }];
        Self { answers, state: loaded.state.clone(), receipts: Vec::new(), events: Vec::new(), ..self }
    }

    /// What is to be appended to the stream, if anything, and the answers that are true then.
    pub(crate) fn into_plan(self, loaded: Loaded<State>) -> Plan<State, Vec<Answer>> {
        let Self { receipts, events, answers, account_version, state, .. } = self;
        match state.filter(|_| !receipts.is_empty()) {
            Some(state) => Plan::Append(loaded, Next { receipts, events, state, account_version }, answers),
            None => Plan::Keep(loaded, answers),
        }
    }

    async fn effect_of(
        &self,
        instance: InstanceId,
        asked: &InstanceCommand,
        device_keys: &dyn DeviceKeys,
    ) -> Result<Effect, RejectionCodeV1> {
        let InstanceCommand { request, command } = asked;
        let state = self.state.as_ref();
        of_the_account(request.principal, instance, command, state)?;
        if let Some(known) =
            state.and_then(|state| berth_domain::instance::remembered(state, request.command_id))
        {
            if known.digest != request.digest {
                return Err(RejectionCodeV1::KeyReused);
            }
            let outcome = known.outcome.clone();
            return Ok(Effect::Answer(Answer::Accepted { outcome, replayed: true }));
        }
        present_credential(request.principal, state)?;
        let decision = berth_domain::instance::decide(state, command, &Context { now: self.now })?;
        if decision.events.is_empty() && !request.keyed {
            return Ok(Effect::Answer(Answer::Accepted { outcome: decision.outcome, replayed: false }));
        }
        if let Err(trouble) = forget_devices(instance, state, &decision.events, device_keys).await {
            let reason = chain(&trouble);
            if is_internal(command) {
                return Ok(Effect::Answer(Answer::Unavailable { reason }));
            }
            // A logout waits for nothing: the keys of a device that it gives up stay until the instance goes.
            warn!(%instance, reason, "keys of a device that was given up could not be deleted");
        }
        self.part_of_commit(request, command, &decision.events, decision.outcome)
            .map(|decided| Effect::Commit(Box::new(decided)))
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

impl InstanceCommand {
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
