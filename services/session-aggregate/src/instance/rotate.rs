//! Changing an instance's token: reserve the new one, append, release the old one.

use berth_log::decode_commit;
use berth_proto::{
    DirectoryId, InstanceId, StreamKey,
    command::RotateTokenV1,
    directory::{FormerV1, HoldV1, PurposeV1},
    event::Event,
    frame::{CommandReplyV1, RejectionCodeV1},
};
use tracing::debug;

use super::{Asked, rejected, reservations, round::Round, transaction};
use crate::{
    aggregate::Aggregate,
    directory::{Cause, Holder},
    metrics,
    stream::NotAppended,
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
        let cause = Cause::of(&asked.request);
        let mut reserved = None;
        self.states.take(instance);
        for _ in 0..transaction::ATTEMPTS_MAX {
            let loaded = self.load_instance(instance).await?;
            let one = std::slice::from_ref(asked);
            let now = self.ports.clock.now();
            let mut round = Round::decide(instance, &loaded, one, now, &*self.ports.device_keys).await;
            let before = loaded.state.as_ref().map(|state| (state.account, state.entries.token));
            let next = round.state.as_ref().filter(|_| round.commits()).map(|state| state.credential_version);
            let (Some((account, old)), Some(credential_version)) = (before, next) else {
                let holder = before.map(|(account, _)| Holder { account, instance: Some(instance) });
                if let (Some(holder), Some(entry)) = (holder, reserved)
                    && before.is_some_and(|(_, current)| current != entry)
                {
                    self.directory.release(entry, holder, &former(instance), &cause).await?;
                }
                let answer = round.answers.pop();
                return Ok(answer.map_or_else(
                    || rejected(RejectionCodeV1::Changed),
                    |answer| transaction::render(instance, &loaded, answer),
                ));
            };
            let hold = HoldV1 {
                credential_version,
                ..reservations::hold(&asked.request, account, instance, PurposeV1::InstanceToken, now)
            };
            match self.directory.reserve(new.entry, hold, &cause).await? {
                Ok(hold) if hold.instance == Some(instance) => reserved = Some(new.entry),
                Ok(_) | Err(_) => return Ok(rejected(RejectionCodeV1::TokenTaken)),
            }
            match self.append_round(instance, &loaded, round).await {
                Ok((loaded, mut answers)) => {
                    if let Err(trouble) = self.rotated(instance, account, new.entry, old, &cause).await {
                        debug!(%instance, reason = chain(&trouble), "a former token is released later");
                    }
                    let reply = answers.pop().map(|answer| transaction::render(instance, &loaded, answer));
                    self.keep(instance, loaded);
                    return Ok(reply.unwrap_or_else(|| rejected(RejectionCodeV1::Changed)));
                }
                Err(NotAppended::Conflict) => metrics::conflict(),
                Err(NotAppended::Trouble(trouble)) => return Err(trouble),
            }
        }
        Err(Trouble::Contended { stream: StreamKey::instance(instance) })
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

    /// Gathers something from every event that an instance ever had.
    pub(super) async fn of_history<T>(
        &self,
        instance: InstanceId,
        gather: impl Fn(Event) -> Vec<T> + Send,
    ) -> Result<Vec<T>, Trouble> {
        let stream = StreamKey::instance(instance);
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let page = self.ports.log.read(&stream, after, HISTORY_PAGE_COMMITS).await;
            let page = page.map_err(Trouble::Read)?;
            for stored in &page {
                after = after.max(stored.tail.version);
                let commit = decode_commit(stored).map_err(|error| crate::stream::damaged(&stream, error))?;
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
