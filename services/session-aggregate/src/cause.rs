//! For whose sake something is appended: a client's command, or a clean-up of our own.

use berth_proto::{
    CommandId, CommitV2, Hash, InstanceId, Sealed,
    command::Command,
    commit::{OriginV1, OutcomeCodeV1, OutcomeV1, PrincipalV1, ReceiptV2},
    frame::{CommandRequestV2, TargetV1},
};

use crate::trouble::Trouble;

/// Bytes of a sealed caller; a longer one is not a gateway's, and is left out.
const CALLER_BYTES_MAX: usize = 512;

/// The command for whose sake something is appended.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) command_id: CommandId,
    pub(crate) keyed: bool,
    pub(crate) digest: Hash,
    pub(crate) principal: PrincipalV1,
    pub(crate) origin: OriginV1,
    pub(crate) causation: Option<CommandId>,
    /// Where it came from, sealed for the owner of the stream that was asked.
    pub(crate) caller: Option<Sealed>,
}

// === impl Cause ===

impl Cause {
    /// A client's command.
    pub(crate) fn of(request: &CommandRequestV2) -> Self {
        Self {
            command_id: request.command_id,
            keyed: request.keyed,
            digest: request.digest,
            principal: request.principal,
            origin: request.origin.clone(),
            causation: request.causation,
            caller: caller_of(request),
        }
    }

    /// Our own clean-up: its id says what is cleaned up, so that a repeated one is the same one.
    pub(crate) fn own(what: &str, subject: &[u8; 16]) -> Self {
        Self::about(what, &[], subject)
    }

    /// The same, for something of a subject that needs more words.
    pub(crate) fn about(what: &str, details: &[u8], subject: &[u8; 16]) -> Self {
        let digest = Hash::over(b"berth.v1.own", &[what.as_bytes(), details, subject]);
        Self {
            command_id: CommandId::of_digest(&digest),
            keyed: false,
            digest,
            principal: PrincipalV1::Service,
            origin: OriginV1 { via: "session-aggregate".to_owned() },
            causation: None,
            caller: None,
        }
    }

    /// The same, for the sake of a command that is known.
    #[must_use]
    pub(crate) fn caused_by(self, command: Option<CommandId>) -> Self {
        Self { causation: command, ..self }
    }

    /// What a commit with so many events of this command says of it in the stream that was asked.
    pub(crate) fn own_receipt(&self, code: OutcomeCodeV1, event_count: u16) -> ReceiptV2 {
        ReceiptV2 { caller: self.caller.clone(), ..self.receipt(code, event_count) }
    }

    /// The same in any other stream, such as that of a directory entry. It does not say where the command came from:
    /// that is sealed for another owner, and would neither open there nor be erased with what stands there.
    pub(crate) fn receipt(&self, code: OutcomeCodeV1, event_count: u16) -> ReceiptV2 {
        ReceiptV2 {
            command_id: self.command_id,
            keyed: self.keyed,
            digest: self.digest,
            principal: self.principal,
            origin: self.origin.clone(),
            causation: self.causation,
            outcome: OutcomeV1 { code, attempt: 0, endpoint: None },
            first_event: 0,
            event_count,
            caller: None,
        }
    }

    /// The request that asks an instance for something for this cause.
    pub(crate) fn request(
        self,
        instance: InstanceId,
        command: &Command,
    ) -> Result<CommandRequestV2, Trouble> {
        let Self { command_id, keyed, digest, principal, origin, causation, .. } = self;
        let target = TargetV1::Instance { instance, command: command.to_record()? };
        Ok(CommandRequestV2 {
            command_id,
            keyed,
            digest,
            principal,
            origin,
            causation,
            target,
            caller: None,
            traceparent: None,
        })
    }
}

/// Whether a commit says that something of our own was done, of which the owner of its stream is the subject.
pub(crate) fn is_noted(commit: &CommitV2, what: &str) -> bool {
    let mut ours =
        commit.receipts.iter().filter(|receipt| receipt.principal == PrincipalV1::Service).peekable();
    // Most commits answer clients, and then there is nothing that the id has to be made for.
    if ours.peek().is_none() {
        return false;
    }
    let noted = Cause::own(what, commit.stream.id()).command_id;
    ours.any(|receipt| receipt.command_id == noted)
}

/// Where a command says that it came from, sealed for the owner of the stream that was asked.
pub(crate) fn caller_of(request: &CommandRequestV2) -> Option<Sealed> {
    request.caller.clone().filter(|caller| caller.0.len() <= CALLER_BYTES_MAX)
}
