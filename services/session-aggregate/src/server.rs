//! Takes commands from the bus.

use std::{sync::Arc, time::Duration};

use berth_bus::{Request, Requests, TransportError};
use berth_proto::{
    codec::decode,
    frame::{CommandReplyV1, CommandRequestV1},
    subject::COMMAND_FILTER,
};
use berth_views::{ViewReader, ViewState};
use futures::{FutureExt, StreamExt};
use tracing::{info, warn};

use crate::{aggregate::Aggregate, asker::Asker, flag::Flag, mailbox::Job};

/// All replicas share the commands.
const QUEUE: &str = "session-aggregate";
/// How long the server waits before it serves again after its subscription ended.
const SERVE_AGAIN_MILLIS: u64 = 200;

/// What the server works with.
#[derive(Debug)]
struct Server {
    aggregate: Arc<Aggregate>,
    /// Notices when the log has lost commits.
    agenda: Arc<dyn ViewReader>,
}

/// Serves commands until the life cycle ends. What is returned says whether commands are taken.
pub(crate) async fn start(
    aggregate: &Arc<Aggregate>,
    agenda: &Arc<dyn ViewReader>,
) -> Result<Flag, TransportError> {
    let mut requests = aggregate.ports.bus.serve(COMMAND_FILTER, QUEUE).await?;
    let serving = Flag::default();
    serving.set(true);
    let running = serving.clone();
    let server = Server { aggregate: Arc::clone(aggregate), agenda: Arc::clone(agenda) };
    aggregate.lifecycle.spawn(async move {
        while server.take(&mut requests).await == Ended::BySubscription {
            running.set(false);
            warn!("the subscription for commands ended: serving again");
            let Some(again) = server.serve_again().await else { break };
            requests = again;
            running.set(true);
        }
        running.set(false);
        info!("no more commands are taken");
    });
    Ok(serving)
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    ByStop,
    BySubscription,
}

// === impl Server ===

impl Server {
    async fn take(&self, requests: &mut Requests) -> Ended {
        let stop = self.aggregate.lifecycle.stop();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                request = requests.next() => match request {
                    Some(request) => self.accept(request),
                    None => return Ended::BySubscription,
                },
            }
        }
        // What has already arrived is still answered; the asker would else wait for its time-out.
        while let Some(Some(request)) = requests.next().now_or_never() {
            self.accept(request);
        }
        Ended::ByStop
    }

    async fn serve_again(&self) -> Option<Requests> {
        let Aggregate { ports, lifecycle, .. } = &*self.aggregate;
        loop {
            let pause = tokio::time::sleep(Duration::from_millis(SERVE_AGAIN_MILLIS));
            lifecycle.stop().run_until_cancelled(pause).await?;
            if let Ok(requests) = ports.bus.serve(COMMAND_FILTER, QUEUE).await {
                return Some(requests);
            }
        }
    }

    fn accept(&self, request: Request) {
        let refuse = |asker: Asker, reason| asker.answer(&CommandReplyV1::Unavailable { reason });
        let asker = Asker::new(request.reply);
        // Nothing is built on a log that lost commits, until an operator has decided.
        if let ViewState::Halted(reason) = self.agenda.state() {
            return refuse(asker, reason);
        }
        match decode::<CommandRequestV1>(&request.payload) {
            Ok(command) => {
                let asker = asker.of(&command.target);
                self.aggregate.post(Job { request: command, asker });
            }
            Err(error) => {
                warn!(subject = request.subject, %error, "a command that cannot be read was refused");
                refuse(asker, "the command cannot be read".to_owned());
            }
        }
    }
}
