//! Directory entries in the log.

use std::sync::Arc;

use berth_log::EventLog;
use berth_proto::{
    CommandId, DirectoryId, Hash, StreamKey, WriteVersion,
    commit::{OriginV1, OutcomeCodeV1, OutcomeV1, PrincipalV1, ReceiptV2},
    directory::{DirectoryEvent, DirectoryStateV1, FormerV1, HoldV1},
    frame::CommandRequestV2,
};
use berth_runtime::Clock;

use super::domain::{self, Holder, Refused};
use crate::{
    metrics,
    stream::{self, NotAppended, Step},
    trouble::Trouble,
};

/// Appends to one entry that are tried before it counts as contended.
const ATTEMPTS_MAX: usize = 8;

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
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    write_version: WriteVersion,
}

// === impl Directory ===

impl Directory {
    pub(crate) fn new(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>, write_version: WriteVersion) -> Self {
        Self { log, clock, write_version }
    }

    /// Who holds a key.
    pub(crate) async fn holder(&self, entry: DirectoryId) -> Result<Option<HoldV1>, Trouble> {
        let loaded = stream::load::<DirectoryStateV1>(&*self.log, &StreamKey::directory(entry)).await?;
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

    /// Loads, decides, appends; on a conflict loads and decides again.
    async fn change(
        &self,
        entry: DirectoryId,
        cause: &Cause,
        decide: impl Fn(&DirectoryStateV1) -> Result<Option<DirectoryEvent>, Refused> + Send,
    ) -> Result<Result<DirectoryStateV1, Refused>, Trouble> {
        let key = StreamKey::directory(entry);
        for _ in 0..ATTEMPTS_MAX {
            let mut loaded = stream::load::<DirectoryStateV1>(&*self.log, &key).await?;
            let state = loaded.state.take().unwrap_or(DirectoryStateV1 { hold: None, former: Vec::new() });
            let event = match decide(&state) {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(Ok(state)),
                Err(refused) => return Ok(Err(refused)),
            };
            let next = domain::evolve(state, &event);
            let step = Step {
                receipts: vec![cause.receipt(OutcomeCodeV1::Applied, 1)],
                events: vec![event.to_record().map_err(Trouble::Encode)?],
                state: next.clone(),
                at: self.clock.now(),
            };
            match stream::append(&*self.log, self.write_version, &key, &loaded, step).await {
                Ok(_) => return Ok(Ok(next)),
                Err(NotAppended::Conflict) => metrics::conflict(),
                Err(NotAppended::Trouble(trouble)) => return Err(trouble),
            }
        }
        Err(Trouble::Contended { stream: key })
    }
}
