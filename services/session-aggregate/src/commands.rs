//! Hands each command to whoever decides it, one after the other for each stream.

use std::sync::Arc;

use berth_proto::{InstanceId, StreamKey, command::Command, limits::RECEIPTS_PER_COMMIT_MAX};
use berth_runtime::{
    Lifecycle,
    telemetry::traces::{self, TraceContext},
};

use crate::{
    accounts::Accounts,
    asker::Asker,
    instances::{Instances, round::InstanceCommand},
    mailbox::{Mailboxes, Posted},
    sagas::{create::Create, delete::Delete, moving::Move, rename::Rename, rotate::Rotate},
};

/// Everybody who decides commands, and the mailboxes before them.
#[derive(Debug)]
pub(crate) struct Commands {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) instances: Arc<Instances>,
    pub(crate) create: Create,
    pub(crate) rename: Rename,
    pub(crate) rotate: Arc<Rotate>,
    pub(crate) moving: Move,
    pub(crate) delete: Arc<Delete>,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) lifecycle: Lifecycle,
}

// === impl Commands ===

impl Commands {
    /// Handles what waits in a mailbox until nothing does. Commands that need nothing but their instance are decided
    /// together.
    pub(crate) async fn empty_mailbox(self: Arc<Self>, stream: StreamKey) {
        while let Some(posted) = self.mailboxes.drain(stream, RECEIPTS_PER_COMMIT_MAX) {
            // A commit can belong to one trace: to that of the first command that it may answer.
            let first = posted.iter().find_map(|one| one.request.traceparent.as_deref());
            let trace = first.and_then(TraceContext::parse);
            let handling = async {
                let mut batch = Vec::new();
                for Posted { request, command, asker } in posted {
                    let (Some(instance), Some(command)) = (stream.as_instance(), command) else {
                        asker.answer(&Box::pin(self.accounts.command(&request)).await);
                        continue;
                    };
                    let asked = InstanceCommand { request, command };
                    if asked.is_alone() {
                        self.instances.command(instance, std::mem::take(&mut batch)).await;
                        Box::pin(self.saga(instance, asked, asker)).await;
                    } else {
                        batch.push((asked, asker));
                    }
                }
                if let Some(instance) = stream.as_instance() {
                    self.instances.command(instance, batch).await;
                }
            };
            traces::within(trace, handling).await;
        }
    }

    /// Decides a command that spans streams.
    async fn saga(&self, instance: InstanceId, asked: InstanceCommand, to: Asker) {
        let done = match &asked.command {
            Command::CreateInstance(create) => {
                return Box::pin(self.create.run(instance, &asked, create, to)).await;
            }
            Command::AbandonCreate(abandon) => Box::pin(self.create.abandon(instance, &asked, abandon)).await,
            Command::RotateToken(rotate) => Box::pin(self.rotate.run(instance, &asked, rotate)).await,
            Command::Rename(wanted) => Box::pin(self.rename.run(instance, &asked, wanted)).await,
            Command::Move(wanted) => Box::pin(self.moving.run(instance, &asked, wanted)).await,
            _ => Box::pin(self.delete.run(instance, &asked)).await,
        };
        to.answer(&done.unwrap_or_else(|trouble| trouble.reply()));
    }
}
