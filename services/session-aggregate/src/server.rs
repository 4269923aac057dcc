//! Takes commands from the bus.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, Request, Requests, TransportError};
use berth_proto::{
    DecodeError, StreamKey,
    codec::decode,
    command::Command,
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1, RejectionV1, TargetV1},
    subject::Decider,
};
use berth_runtime::telemetry::traces::{self, SpanKind, TraceContext};
use berth_views::{ViewReader, ViewState};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::{
    admission::{Misfit, admit},
    asker::Asker,
    commands::Commands,
    flag::Flag,
    mailbox::Posted,
    metrics,
};

/// All replicas share the commands.
const QUEUE: &str = "session-aggregate";
/// How long the server waits before it serves again after its subscription ended.
const SERVE_AGAIN: Duration = Duration::from_millis(200);

/// Takes commands from the bus.
#[derive(Debug)]
pub(crate) struct Server {
    commands: Arc<Commands>,
    bus: Arc<dyn Bus>,
    /// Notices when the log has lost commits.
    agenda: Arc<dyn ViewReader>,
}

/// Serves the commands that any replica decides until the life cycle ends. What is returned says whether commands are
/// taken.
pub(crate) async fn start(
    commands: &Arc<Commands>,
    bus: &Arc<dyn Bus>,
    agenda: &Arc<dyn ViewReader>,
) -> Result<(Arc<Server>, Flag), TransportError> {
    let server =
        Arc::new(Server { commands: Arc::clone(commands), bus: Arc::clone(bus), agenda: Arc::clone(agenda) });
    let (serving, stop) = (Flag::default(), commands.lifecycle.stop().clone());
    let first = server.subscribe(Decider::Any.filter(), &stop).await?;
    serving.set(true);
    let (running, taking) = (serving.clone(), Arc::clone(&server));
    commands.lifecycle.spawn(async move {
        taking.take(first).await;
        running.set(false);
        taking.serve(Decider::Any.filter(), &stop, &running).await;
        info!("no more commands are taken");
    });
    Ok((server, serving))
}

// === impl Server ===

impl Server {
    /// Takes what is asked on a filter until told to stop, and then what has already arrived: the asker would else wait for
    /// its time-out. The flag says whether commands are taken.
    pub(crate) async fn serve(&self, filter: &str, until: &CancellationToken, serving: &Flag) {
        while !until.is_cancelled() {
            match self.subscribe(filter, until).await {
                Ok(requests) => {
                    serving.set(true);
                    self.take(requests).await;
                    serving.set(false);
                }
                Err(error) => debug!(filter, %error, "commands cannot be served now"),
            }
            if !until.is_cancelled() {
                warn!(filter, "commands are not served at this moment: serving again");
                until.run_until_cancelled(sleep(SERVE_AGAIN)).await;
            }
        }
    }

    async fn subscribe(&self, filter: &str, until: &CancellationToken) -> Result<Requests, TransportError> {
        self.bus.serve_until(filter, QUEUE, until.clone()).await
    }

    /// Works on what is asked until nothing more comes. What is at work then goes on by itself, so that whoever owns the
    /// partition next need not wait for it.
    async fn take(&self, mut requests: Requests) {
        // In this task, so that a command wakes no other one.
        let mut at_work = FuturesUnordered::new();
        loop {
            tokio::select! {
                // Everything that has come first: what waits for one stream is decided together.
                biased;
                request = requests.next() => match request {
                    Some(request) => {
                        let first = self.accept(request);
                        at_work.extend(first.map(|stream| Arc::clone(&self.commands).empty_mailbox(stream)));
                    }
                    None => break,
                },
                Some(()) = at_work.next() => {}
            }
        }
        if !at_work.is_empty() {
            self.commands.lifecycle.spawn(at_work.collect::<()>());
        }
    }

    /// Takes a request. The stream whose mailbox is to be emptied, if it is the first in it.
    fn accept(&self, request: Request) -> Option<StreamKey> {
        let asker = Asker::new(request.reply);
        // Nothing is built on a log that lost commits, until an operator has decided.
        if let ViewState::Halted(reason) = self.agenda.state() {
            return unavailable(asker, reason);
        }
        let Request { subject, payload, .. } = request;
        let order = match decode::<CommandRequestV2>(&payload) {
            Ok(order) => order,
            Err(error) => {
                warn!(subject, %error, "a command that cannot be read was refused");
                return unavailable(asker, "the command cannot be read".to_owned());
            }
        };
        let asker = asker.of(&order.target);
        let command = match command_of(&order.target) {
            Ok(command) => command,
            Err(error) => {
                error!(subject, %error, "a command that this release does not know was refused");
                return unavailable(asker, "the command is not known to this release".to_owned());
            }
        };
        match admit(&subject, order.principal, &order.target, command.as_ref()) {
            Ok(()) => {
                let (request, asker) = traced(order, asker);
                self.commands.mailboxes.post(Posted { request, command, asker })
            }
            Err(misfit) => refuse(&subject, &order, misfit, asker),
        }
    }
}

fn unavailable(asker: Asker, reason: String) -> Option<StreamKey> {
    asker.answer(&CommandReplyV1::Unavailable { reason });
    None
}

/// Makes the decision a part of the trace that a command belongs to, and what it leads to a part of the decision.
fn traced(mut order: CommandRequestV2, asker: Asker) -> (CommandRequestV2, Asker) {
    let parent = order.traceparent.as_deref().and_then(TraceContext::parse);
    let span = traces::begin(asker.command(), SpanKind::Server, parent);
    order.traceparent = span.context().map(|context| context.to_string());
    (order, asker.traced(span))
}

/// What is asked of an instance; none if something is asked of an account.
fn command_of(target: &TargetV1) -> Result<Option<Command>, DecodeError> {
    match target {
        TargetV1::Instance { command, .. } => Command::from_record(command).map(Some),
        _ => Ok(None),
    }
}

/// Whoever sent this has the credentials of a service and does not behave like it.
fn refuse(subject: &str, order: &CommandRequestV2, misfit: Misfit, asker: Asker) -> Option<StreamKey> {
    metrics::misfit(misfit);
    error!(
        subject,
        command = asker.command(),
        command_id = %order.command_id,
        principal = ?order.principal,
        stream = %order.target.stream(),
        reason = %misfit,
        "a request that does not fit its subject was refused"
    );
    let rejection = RejectionV1 { code: RejectionCodeV1::NotForSender, state: None };
    asker.answer(&CommandReplyV1::Rejected(rejection));
    None
}
