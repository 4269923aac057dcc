//! Changing an instance's token: reserve the new one, append, release the old one.

use berth_log::{Loaded, Place, Plan, decode_commit, read_around};
use berth_proto::{
    DirectoryId, InstanceId, StreamKey,
    command::RotateTokenV1,
    directory::{FormerV1, HoldV1, PurposeV1},
    event::Event,
    frame::{CommandReplyV1, RejectionCodeV1},
};
use berth_session::State;
use tracing::debug;

use super::{
    Asked, rejected, reservations,
    round::{Answer, Round},
    transaction,
};
use crate::{
    aggregate::Aggregate,
    directory::{Cause, Holder},
    trouble::{Trouble, chain},
};

/// Commits that are read at once in search of former entries.
const HISTORY_PAGE_COMMITS: usize = 256;

impl Aggregate {
    /// Rotates the token. The reservation says which version the token has, so it is made anew whenever another
    /// command was first: at the moment of the append it is true.
    pub(super) async fn rotate_token(
        &self,
        instance: InstanceId,
        asked: &Asked,
        rotate: &RotateTokenV1,
    ) -> Result<CommandReplyV1, Trouble> {
        let Some(new) = &rotate.token else {
            return Ok(rejected(RejectionCodeV1::Changed));
        };
        let cause = &Cause::of(&asked.request);
        let one = std::slice::from_ref(asked);
        self.states.take(instance);
        let decide = move |loaded: Loaded<State>, now| async move {
            let round = Round::decide(instance, &loaded, one, now, &*self.ports.device_keys).await;
            let before = loaded.state.as_ref().map(|state| (state.account, state.entries.token));
            let next = round.state.as_ref().filter(|_| round.commits()).map(|state| state.credential_version);
            let (Some((account, old)), Some(credential_version)) = (before, next) else {
                // An earlier attempt may have reserved it.
                if let Some((account, _)) = before.filter(|(_, current)| *current != new.entry) {
                    let holder = Holder { account, instance: Some(instance) };
                    self.directory.withdraw(new.entry, holder, &former(instance), cause).await?;
                }
                return Ok(round.into_plan(loaded).map(|answers| (answers, None)));
            };
            let hold = HoldV1 {
                credential_version,
                ..reservations::hold(&asked.request, account, instance, PurposeV1::InstanceToken, now)
            };
            match self.directory.reserve(new.entry, hold, cause).await? {
                Ok(hold) if hold.instance == Some(instance) => {}
                Ok(_) | Err(_) => {
                    let taken = Answer::Rejected { code: RejectionCodeV1::TokenTaken, state: None };
                    return Ok(Plan::Keep(loaded, (vec![taken], None)));
                }
            }
            Ok(round.into_plan(loaded).map(|answers| (answers, Some((account, old)))))
        };
        let (loaded, (mut answers, former)) = self.change_instance_state(instance, None, decide).await?;
        if let Some((account, old)) = former
            && let Err(trouble) = self.rotated(instance, account, new.entry, old, cause).await
        {
            debug!(%instance, reason = chain(&trouble), "a former token is released later");
        }
        let reply = answers.pop().map(|answer| transaction::render(instance, &loaded, answer));
        self.keep(instance, loaded);
        Ok(reply.unwrap_or_else(|| rejected(RejectionCodeV1::Changed)))
    }

    async fn rotated(
        &self,
        instance: InstanceId,
        account: berth_proto::AccountId,
        new: DirectoryId,
        old: DirectoryId,
        cause: &Cause,
    ) -> Result<(), Trouble> {
        let holder = Holder { account, instance: Some(instance) };
        if old != new {
            self.directory.release(old, holder, &former(instance), cause).await?;
        }
        self.directory.settle(new, holder).await
    }

    /// Finishes a rotation that a crash interrupted: every token that the instance ever had is released, but for
    /// the present one, and so is `reserved` if it never became one.
    pub(crate) async fn finish_rotation(
        &self,
        instance: InstanceId,
        reserved: DirectoryId,
    ) -> Result<(), Trouble> {
        let cause = Cause::own("rotation", reserved.as_bytes());
        let loaded = self.load_instance(instance).await?;
        let Some(state) = &loaded.state else { return Ok(()) };
        if state.entries.token != reserved {
            // Whoever still works on that rotation loses its append and reserves again.
            self.note(instance, loaded, &cause).await?;
        }
        let Some(state) = self.load_instance(instance).await?.state else { return Ok(()) };
        let holder = Holder { account: state.account, instance: Some(instance) };
        let mut tokens = self.former_tokens(instance).await?;
        tokens.push(reserved);
        tokens.sort_unstable();
        tokens.dedup();
        for entry in tokens.into_iter().filter(|entry| *entry != state.entries.token) {
            self.directory.release(entry, holder, &former(instance), &cause).await?;
        }
        self.directory.settle(state.entries.token, holder).await
    }

    async fn former_tokens(&self, instance: InstanceId) -> Result<Vec<DirectoryId>, Trouble> {
        self.of_history(instance, |event| match event {
            Event::InstanceCreated(created) => vec![created.entries.token],
            Event::TokenRotated(rotated) => rotated.token.map(|token| token.entry).into_iter().collect(),
            _ => Vec::new(),
        })
        .await
    }

    /// Gathers something from every event that an instance ever had, as far as its history can be read.
    pub(super) async fn of_history<T>(
        &self,
        instance: InstanceId,
        gather: impl Fn(Event) -> Vec<T> + Send,
    ) -> Result<Vec<T>, Trouble> {
        let stream = StreamKey::instance(instance);
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let page = read_around(self.writer.log(), &stream, after, HISTORY_PAGE_COMMITS).await?;
            after += page.len() as u64;
            let readable = page.iter().filter_map(|place| match place {
                Place::Commit(stored) => decode_commit(stored).ok(),
                Place::Damaged(_) => None,
            });
            for commit in readable {
                found.extend(
                    commit.events.iter().filter_map(|one| Event::from_record(one).ok()).flat_map(&gather),
                );
            }
            if page.len() < HISTORY_PAGE_COMMITS {
                return Ok(found);
            }
        }
    }
}

pub(super) fn former(instance: InstanceId) -> FormerV1 {
    FormerV1 { instance: Some(instance), command_ids: Vec::new() }
}
