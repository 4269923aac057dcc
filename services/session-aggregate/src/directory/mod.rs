//! Directory entries in the log. Who gets a key is decided in [`berth_domain::directory`].

mod search;

use std::future::ready;

use berth_domain::directory::{self, Event, FREE, State};
pub(crate) use berth_domain::directory::{Holder, Refused};
use berth_log::{Loaded, Next, Plan, Transacted, Writer};
use berth_proto::{
    DirectoryId, StreamKey,
    commit::OutcomeCodeV1,
    directory::{FormerV1, HoldV1},
};

pub(crate) use crate::cause::Cause;
use crate::trouble::Trouble;

/// A key that is held by whoever asked for it.
#[derive(Debug)]
pub(crate) struct Claimed {
    /// The hold as it stands, which may be that of an earlier try.
    pub(crate) hold: HoldV1,
    /// Whether it was made now.
    pub(crate) made: bool,
}

/// The directory in the log.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    writer: Writer,
}

// === impl Directory ===

impl Directory {
    pub(crate) const fn new(writer: Writer) -> Self {
        Self { writer }
    }

    /// Who holds a key.
    pub(crate) async fn holder(&self, entry: DirectoryId) -> Result<Option<HoldV1>, Trouble> {
        let loaded = self.writer.load::<State>(&StreamKey::directory(entry)).await?;
        Ok(loaded.state.and_then(|state| state.hold))
    }

    /// Reserves a key; what is returned is the hold as it stands then, which may be that of an earlier try.
    pub(crate) async fn reserve(
        &self,
        entry: DirectoryId,
        hold: HoldV1,
        cause: &Cause,
    ) -> Result<Result<HoldV1, Refused>, Trouble> {
        Ok(self.claim(entry, hold, cause).await?.map(|claimed| claimed.hold))
    }

    /// The same, and says whether the hold was made by this call.
    pub(crate) async fn claim(
        &self,
        entry: DirectoryId,
        hold: HoldV1,
        cause: &Cause,
    ) -> Result<Result<Claimed, Refused>, Trouble> {
        let done = self.change(entry, cause, |state| directory::reserve(state, &hold)).await?;
        let made = done.written.is_some();
        let present = done.loaded.state.and_then(|state| state.hold);
        Ok(done.answer.map(|()| Claimed { hold: present.unwrap_or(hold), made }))
    }

    /// Says that what the hold was made for is done. It is written in our own name: that is how whoever looks
    /// for unfinished work tells it from a reservation.
    pub(crate) async fn settle(&self, entry: DirectoryId, holder: Holder) -> Result<(), Trouble> {
        let cause = Cause::own("settled", entry.as_bytes());
        self.change(entry, &cause, |state| Ok::<_, Refused>(directory::settle(state, holder)))
            .await?
            .answer
            .ok();
        Ok(())
    }

    /// Says that the instance which holds a key belongs to another account by now. It is written for the sake of
    /// the command that reserved the key, so that what is open behind the hold stays open.
    pub(crate) async fn rehold(&self, entry: DirectoryId, holder: Holder) -> Result<(), Trouble> {
        let Some(hold) = self.holder(entry).await?.filter(|hold| holder.holds(hold)) else { return Ok(()) };
        let own = Cause::own("reheld", entry.as_bytes());
        let cause = Cause { command_id: hold.command_id, digest: hold.digest, ..own };
        self.change(entry, &cause, |state| Ok::<_, Refused>(directory::rehold(state, holder)))
            .await?
            .answer
            .ok();
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
        let ours =
            |state: &State| state.hold.as_ref().is_some_and(|hold| hold.command_id == cause.command_id);
        self.change(entry, cause, |state| {
            Ok::<_, Refused>(if ours(state) { directory::release(state, holder, former) } else { None })
        })
        .await?
        .answer
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
        self.change(entry, cause, |state| Ok::<_, Refused>(directory::release(state, holder, former)))
            .await?
            .answer
            .ok();
        Ok(())
    }

    /// Decides on an entry and appends what was decided; gives the entry as it stands then.
    async fn change(
        &self,
        entry: DirectoryId,
        cause: &Cause,
        decide: impl Fn(&State) -> Result<Option<Event>, Refused> + Send + Sync,
    ) -> Result<Transacted<State, Result<(), Refused>>, Trouble> {
        let decide = |loaded: Loaded<State>| {
            let state = loaded.state.clone().unwrap_or(FREE);
            let event = match decide(&state) {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(Plan::Keep(loaded, Ok(()))),
                Err(refused) => return Ok(Plan::Keep(loaded, Err(refused))),
            };
            let next = Next {
                receipts: vec![cause.receipt(OutcomeCodeV1::Applied, 1)],
                events: vec![event.to_record()?],
                state: directory::evolve(state, &event),
                account_version: 0,
            };
            Ok::<_, Trouble>(Plan::Append(loaded, next, Ok(())))
        };
        self.writer.transact(StreamKey::directory(entry), None, |loaded, _| ready(decide(loaded))).await
    }
}
