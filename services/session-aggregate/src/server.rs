//! Takes commands from the bus.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, Request, Requests, TransportError};
use berth_proto::{
    DecodeError,
    codec::decode,
    command::Command,
    frame::{CommandReplyV1, CommandRequestV2, RejectionCodeV1, RejectionV1, TargetV1},
    subject::Decider,
};
use berth_views::{ViewReader, ViewState};
use futures::{FutureExt, StreamExt, future::ready, stream};
use tracing::{error, info, warn};

use crate::{
    admission::{Misfit, admit},
    asker::Asker,
    commands::Commands,
    flag::Flag,
    mailbox::Job,
    metrics,
};

/// All replicas share the commands.
const QUEUE: &str = "session-aggregate";
/// How long the server waits before it serves again after its subscription ended.
const SERVE_AGAIN_MILLIS: u64 = 200;

/// What the server works with.
#[derive(Debug)]
struct Server {
    commands: Arc<Commands>,
    bus: Arc<dyn Bus>,
    /// Notices when the log has lost commits.
    agenda: Arc<dyn ViewReader>,
}

/// Takes the commands of every sender, for the owner of a partition and for any replica. Ends as soon as one of the
/// two does.
async fn serve(bus: &dyn Bus) -> Result<Requests, TransportError> {
    let of = async |decider: Decider| {
        let requests = bus.serve(decider.filter(), QUEUE).await?;
        Ok(requests.map(Some).chain(stream::once(ready(None))))
    };
    let both = stream::select(Box::pin(of(Decider::Owner).await?), Box::pin(of(Decider::Any).await?));
    Ok(Box::pin(both.take_while(|request| ready(request.is_some())).filter_map(ready)))
}

/// Serves commands until the life cycle ends. What is returned says whether commands are taken.
pub(crate) async fn start(
    commands: &Arc<Commands>,
    bus: &Arc<dyn Bus>,
    agenda: &Arc<dyn ViewReader>,
) -> Result<Flag, TransportError> {
    let mut requests = serve(&**bus).await?;
    let serving = Flag::default();
    serving.set(true);
    let running = serving.clone();
    let server = Server { commands: Arc::clone(commands), bus: Arc::clone(bus), agenda: Arc::clone(agenda) };
    commands.lifecycle.spawn(async move {
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
        let stop = self.commands.lifecycle.stop();
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
        let lifecycle = &self.commands.lifecycle;
        loop {
            let pause = tokio::time::sleep(Duration::from_millis(SERVE_AGAIN_MILLIS));
            lifecycle.stop().run_until_cancelled(pause).await?;
            if let Ok(requests) = serve(&*self.bus).await {
                return Some(requests);
            }
        }
    }

    fn accept(&self, request: Request) {
        let unavailable = |asker: Asker, reason| asker.answer(&CommandReplyV1::Unavailable { reason });
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
            Ok(()) => self.commands.post(Job { request: order, command, asker }),
            Err(misfit) => refuse(&subject, &order, misfit, asker),
        }
    }
}

/// What is asked of an instance; none if something is asked of an account.
fn command_of(target: &TargetV1) -> Result<Option<Command>, DecodeError> {
    match target {
        TargetV1::Instance { command, .. } => Command::from_record(command).map(Some),
        _ => Ok(None),
    }
}

/// Whoever sent this has the credentials of a service and does not behave like it.
fn refuse(subject: &str, order: &CommandRequestV2, misfit: Misfit, asker: Asker) {
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
}
