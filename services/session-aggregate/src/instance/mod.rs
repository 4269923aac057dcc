//! Commands for one instance.
//!
//! Most are decided in [`transaction`], many in one commit. Four do more than that and have a file each:
//! [`create`], [`rotate`] and [`relocate`] reserve keys in the directory first, [`delete`] cleans up after,
//! and [`bury`] deletes what is damaged.

mod bury;
mod create;
mod delete;
mod relocate;
mod reseal;
mod reservations;
mod rotate;
mod round;
mod transaction;

use std::collections::VecDeque;

use berth_proto::{
    InstanceId,
    command::Command,
    frame::{CommandReplyV1, RejectionCodeV1, RejectionV1},
};

use crate::{aggregate::Aggregate, asker::Asker};

pub(crate) use delete::{ABANDON_AFTER_SECONDS, erasure_recorded};
pub(crate) use round::Asked;

impl Asked {
    /// Whether the command does more than one append, so that it shares no commit.
    pub(crate) fn is_alone(&self) -> bool {
        match &self.command {
            Command::CreateInstance(_)
            | Command::AbandonCreate(_)
            | Command::Delete(_)
            | Command::Move(_) => true,
            Command::RotateToken(rotate) => rotate.token.is_some(),
            _ => false,
        }
    }
}

impl Aggregate {
    /// Decides commands that need nothing but their instance, as few commits as they fit into.
    pub(crate) async fn plain(&self, instance: InstanceId, batch: Vec<(Asked, Asker)>) {
        let (asked, mut repliers): (Vec<_>, VecDeque<_>) = batch.into_iter().unzip();
        let mut rest = asked.as_slice();
        while !rest.is_empty() {
            match Box::pin(self.transact(instance, rest)).await {
                Ok((loaded, answers)) => {
                    rest = rest.get(answers.len()..).unwrap_or_default();
                    for (one, to) in answers.into_iter().zip(std::iter::from_fn(|| repliers.pop_front())) {
                        to.answer(&transaction::render(instance, &loaded, one));
                    }
                    self.keep(instance, loaded);
                }
                Err(trouble) => {
                    let reply = trouble.reply();
                    for to in repliers {
                        to.answer(&reply);
                    }
                    return;
                }
            }
        }
    }

    /// Decides a command that takes several steps.
    pub(crate) async fn alone(&self, instance: InstanceId, asked: Asked, to: Asker) {
        let done = match &asked.command {
            Command::CreateInstance(create) => {
                return Box::pin(self.create(instance, &asked, create, to)).await;
            }
            Command::AbandonCreate(abandon) => Box::pin(self.abandon(instance, &asked, abandon)).await,
            Command::RotateToken(rotate) => Box::pin(self.rotate_token(instance, &asked, rotate)).await,
            Command::Move(to) => Box::pin(self.relocate(instance, &asked, to)).await,
            _ => Box::pin(self.delete(instance, &asked)).await,
        };
        to.answer(&done.unwrap_or_else(|trouble| trouble.reply()));
    }
}

fn rejected(code: RejectionCodeV1) -> CommandReplyV1 {
    CommandReplyV1::Rejected(RejectionV1 { code, state: None })
}
