//! Directory entries in the log.

use std::future::ready;

use berth_log::{Loaded, Next, Plan, Writer};
use berth_proto::{
    CommandId, DirectoryId, Hash, StreamKey,
    commit::{OriginV1, OutcomeCodeV1, OutcomeV1, PrincipalV1, ReceiptV2},
    directory::{DirectoryEvent, DirectoryStateV1, FormerV1, HoldV1},
    frame::CommandRequestV2,
};

use super::domain::{self, Holder, Refused};
use crate::trouble::Trouble;

/// An entry that nobody ever held.
const FREE: DirectoryStateV1 = DirectoryStateV1 { hold: None, former: Vec::new() };

/// The command for whose sake an entry changes.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) command_id: CommandId,
    pub(crate) keyed: bool,
    pub(crate) digest: Hash,
    pub(crate) principal: PrincipalV1,
    pub(crate) origin: OriginV1,
    pub(crate) causation: Option<CommandId>,
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
        }
    }

    /// Our own clean-up: its id says what is cleaned up, so that a repeated one is the same one.
    pub(crate) fn own(what: &str, subject: &[u8; 16]) -> Self {
        Self::about(what, &[], subject)
    }

    /// The same, for something of a subject that needs more words.
    pub(crate) fn about(what: &str, details: &[u8], subject: &[u8; 16]) -> Self {
        let digest = Hash::over(b"berth.v1.own", &[what.as_bytes(), details, subject]);
        let id = digest.0.first_chunk::<16>().copied().unwrap_or_default();
        Self {
            command_id: CommandId::from_bytes(id),
            keyed: false,
            digest,
            principal: PrincipalV1::Service,
            origin: OriginV1 { via: "session-aggregate".to_owned() },
            causation: None,
        }
    }

    /// What a commit with so many events of this command says of it.
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
}

/// The directory in the log.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(super) writer: Writer,
}

// === impl Directory ===

impl Directory {
    pub(crate) const fn new(writer: Writer) -> Self {
        Self { writer }
    }

    /// Who holds a key.
    pub(crate) async fn holder(&self, entry: DirectoryId) -> Result<Option<HoldV1>, Trouble> {
        let loaded = self.writer.load::<DirectoryStateV1>(&StreamKey::directory(entry)).await?;
        Ok(loaded.state.and_then(|state| state.hold))
    }

    /// Reserves a key; what is returned is the hold as it stands then, which may be that of an earlier try.
    pub(crate) async fn reserve(
        &self,
        entry: DirectoryId,
        hold: HoldV1,
        cause: &Cause,
    ) -> Result<Result<HoldV1, Refused>, Trouble> {
        let decided = self.change(entry, cause, |state| domain::reserve(state, &hold)).await?;
        Ok(decided.map(|state| state.hold.unwrap_or(hold)))
    }

    /// Says that what the hold was made for is done. It is written in our own name: that is how whoever looks
    /// for unfinished work tells it from a reservation.
    pub(crate) async fn settle(&self, entry: DirectoryId, holder: Holder) -> Result<(), Trouble> {
        let cause = Cause::own("settled", entry.as_bytes());
        self.change(entry, &cause, |state| Ok::<_, Refused>(domain::settle(state, holder))).await?.ok();
        Ok(())
    }

    /// Says that the instance which holds a key belongs to another account by now. It is written for the sake of
    /// the command that reserved the key, so that what is open behind the hold stays open.
    pub(crate) async fn rehold(&self, entry: DirectoryId, holder: Holder) -> Result<(), Trouble> {
        let Some(hold) = self.holder(entry).await?.filter(|hold| holder.holds(hold)) else { return Ok(()) };
        let own = Cause::own("reheld", entry.as_bytes());
        let cause = Cause { command_id: hold.command_id, digest: hold.digest, ..own };
        self.change(entry, &cause, |state| Ok::<_, Refused>(domain::rehold(state, holder))).await?.ok();
        Ok(())
    }

    /// Frees a key if that command of that holder reserved it.
    pub(crate) async fn withdraw(
        &self,
        entry: DirectoryId,
        holder: Holder,
        former: &FormerV1,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let ours = |state: &DirectoryStateV1| {
            state.hold.as_ref().is_some_and(|hold| hold.command_id == cause.command_id)
        };
        self.change(entry, cause, |state| {
            Ok::<_, Refused>(if ours(state) { domain::release(state, holder, former) } else { None })
        })
        .await?
        .ok();
        Ok(())
    }

    /// Frees a key if that holder has it.
    pub(crate) async fn release(
        &self,
        entry: DirectoryId,
        holder: Holder,
        former: &FormerV1,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        self.change(entry, cause, |state| Ok::<_, Refused>(domain::release(state, holder, former)))
            .await?
            .ok();
        Ok(())
    }

    /// Decides on an entry and appends what was decided; gives the entry as it stands then.
    async fn change(
        &self,
        entry: DirectoryId,
        cause: &Cause,
        decide: impl Fn(&DirectoryStateV1) -> Result<Option<DirectoryEvent>, Refused> + Send + Sync,
    ) -> Result<Result<DirectoryStateV1, Refused>, Trouble> {
        let decide = |loaded: Loaded<DirectoryStateV1>| {
            let state = loaded.state.clone().unwrap_or(FREE);
            let event = match decide(&state) {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(Plan::Keep(loaded, Ok(()))),
                Err(refused) => return Ok(Plan::Keep(loaded, Err(refused))),
            };
            let next = Next {
                receipts: vec![cause.receipt(OutcomeCodeV1::Applied, 1)],
                events: vec![event.to_record()?],
                state: domain::evolve(state, &event),
            };
            Ok::<_, Trouble>(Plan::Append(loaded, next, Ok(())))
        };
        let done = self
            .writer
            .transact(StreamKey::directory(entry), None, |loaded, _| ready(decide(loaded)))
            .await?;
        Ok(done.answer.map(|()| done.loaded.state.unwrap_or(FREE)))
    }
}
