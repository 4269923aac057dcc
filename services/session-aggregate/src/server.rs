//! Takes commands from the bus.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use berth_bus::{Request, Requests, TransportError};
use berth_proto::{
    codec::decode,
    frame::{CommandReplyV1, CommandRequestV1},
    subject::COMMAND_FILTER,
};
use futures::{FutureExt, StreamExt};
use tracing::{info, warn};

use crate::{
    aggregate::{Aggregate, answer},
    mailbox::Job,
};

/// All replicas share the commands.
const QUEUE: &str = "session-aggregate";
/// How long the server waits before it serves again after its subscription ended.
const SERVE_AGAIN_MILLIS: u64 = 200;

/// Whether commands are taken: written by the server's task, read by whoever asks for readiness.
#[derive(Debug, Clone, Default)]
pub(crate) struct Serving(Arc<AtomicBool>);

impl Serving {
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self, on: bool) {
        self.0.store(on, Ordering::Release);
    }
}

/// Serves commands until the life cycle ends.
pub(crate) async fn start(aggregate: &Arc<Aggregate>) -> Result<Serving, TransportError> {
    let mut requests = aggregate.ports.bus.serve(COMMAND_FILTER, QUEUE).await?;
    let serving = Serving::default();
    serving.set(true);
    let (aggregate, running) = (Arc::clone(aggregate), serving.clone());
    let lifecycle = aggregate.lifecycle.clone();
    lifecycle.spawn(async move {
        while take(&aggregate, &mut requests).await == Ended::BySubscription {
            running.set(false);
            warn!("the subscription for commands ended: serving again");
            let Some(again) = serve_again(&aggregate).await else { break };
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

async fn take(aggregate: &Arc<Aggregate>, requests: &mut Requests) -> Ended {
    let stop = aggregate.lifecycle.stop();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            request = requests.next() => match request {
                Some(request) => accept(aggregate, request),
                None => return Ended::BySubscription,
            },
        }
    }
    // What has already arrived is still answered; the asker would else wait for its time-out.
    while let Some(Some(request)) = requests.next().now_or_never() {
        accept(aggregate, request);
    }
    Ended::ByStop
}

async fn serve_again(aggregate: &Aggregate) -> Option<Requests> {
    loop {
        if let Ok(requests) = aggregate.ports.bus.serve(COMMAND_FILTER, QUEUE).await {
            return Some(requests);
        }
        let pause = tokio::time::sleep(std::time::Duration::from_millis(SERVE_AGAIN_MILLIS));
        aggregate.lifecycle.stop().run_until_cancelled(pause).await?;
    }
}

fn accept(aggregate: &Arc<Aggregate>, request: Request) {
    match decode::<CommandRequestV1>(&request.payload) {
        Ok(command) => aggregate.post(Job { request: command, reply: request.reply }),
        Err(error) => {
            warn!(subject = request.subject, %error, "a command that cannot be read was refused");
            let reason = "the command cannot be read".to_owned();
            answer(request.reply, &CommandReplyV1::Unavailable { reason });
        }
    }
}
