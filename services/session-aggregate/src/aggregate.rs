//! The service's parts, and the task that empties one mailbox.

use std::sync::Arc;

use berth_log::Writer;
use berth_proto::{AccountId, InstanceId, StreamKey, limits::RECEIPTS_PER_COMMIT_MAX};
use berth_runtime::Lifecycle;

use crate::{
    Ports, Settings,
    cache::StateCache,
    directory::Directory,
    instance::Asked,
    mailbox::{Job, Mailboxes, Posted},
    trouble::Trouble,
};

/// Everything that commands are decided with.
#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) ports: Ports,
    /// The log. Nothing is appended but through it.
    pub(crate) writer: Writer,
    pub(crate) directory: Directory,
    pub(crate) states: StateCache,
    pub(crate) lifecycle: Lifecycle,
    mailboxes: Mailboxes,
}

// === impl Aggregate ===

impl Aggregate {
    pub(crate) fn new(ports: Ports, settings: Settings, lifecycle: Lifecycle) -> Self {
        let Ports { log, clock, entropy, .. } = ports.clone();
        let writer = Writer::new(log, clock, entropy, settings.write_version);
        Self {
            directory: Directory::new(writer.clone()),
            writer,
            states: StateCache::new(settings.state_cache_bytes_max),
            lifecycle,
            mailboxes: Mailboxes::default(),
            ports,
        }
    }

    /// Puts a command into the mailbox of its stream, and starts the task that empties it if none runs.
    pub(crate) fn post(self: &Arc<Self>, job: Job) {
        let stream = job.request.target.stream();
        match self.mailboxes.post(stream, job) {
            Posted::Waits => {}
            Posted::First => {
                let this = Arc::clone(self);
                self.lifecycle.spawn(async move { this.empty(stream).await });
            }
            Posted::Refused(job) => job.asker.answer(&Trouble::Overloaded.reply()),
        }
    }

    /// Destroys the key that a gateway made for an id which comes to nothing: it would stay for ever, and gateways
    /// may destroy none. Whatever was ever made under the id, an instance or an account, keeps its key.
    pub(crate) async fn destroy_unused_key(&self, id: &[u8; 16]) -> Result<(), Trouble> {
        let streams = [
            StreamKey::instance(InstanceId::from_bytes(*id)),
            StreamKey::account(AccountId::from_bytes(*id)),
        ];
        for stream in streams {
            if self.writer.log().tail(&stream).await?.is_some() {
                return Ok(());
            }
        }
        // The nil id is nobody's, and its key may be the deployment's own.
        if *id == [0; 16] {
            return Ok(());
        }
        Ok(self.ports.keys.destroy(id).await?)
    }

    /// Handles what waits in a mailbox until nothing does.
    async fn empty(&self, stream: StreamKey) {
        while let Some(jobs) = self.mailboxes.drain(stream, RECEIPTS_PER_COMMIT_MAX) {
            let mut batch = Vec::new();
            for Job { request, command, asker } in jobs {
                let (Some(instance), Some(command)) = (stream.as_instance(), command) else {
                    asker.answer(&Box::pin(self.account_command(&request)).await);
                    continue;
                };
                let asked = Asked { request, command };
                if asked.is_alone() {
                    self.plain(instance, std::mem::take(&mut batch)).await;
                    Box::pin(self.alone(instance, asked, asker)).await;
                } else {
                    batch.push((asked, asker));
                }
            }
            if let Some(instance) = stream.as_instance() {
                self.plain(instance, batch).await;
            }
        }
    }
}
