//! Answering what is asked over the bus of whoever dispatches: a bounded number of questions at once, until this
//! dispatcher turns out to be fenced off.

use std::{
    collections::BTreeSet,
    error::Error,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use berth_bus::Request;
use berth_proto::{
    InstanceId, Partition,
    codec::{self, Frozen},
};
use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};

use super::{
    attempt::Tools,
    settle::{SettleError, Settler, take_over},
    tenure::End,
};
use crate::QUEUE;

/// How long to wait before questions are served when that failed.
const SERVE_RETRY: Duration = Duration::from_secs(1);

/// Answers questions of one kind about instances.
pub(super) trait Answers: Send + Sync {
    /// A question.
    type Asked: Frozen + Send + Sync;
    /// An answer.
    type Reply: Frozen + Send;
    /// A question has no answer now.
    type Fault: Error + Send + Sync + 'static;

    /// The subjects that they come on.
    const SUBJECTS: &'static str;
    /// Questions that are answered at once; the others wait at the bus.
    const REQUESTS_MAX: usize;
    /// What is not done if something fails, for the operator.
    const UNDONE: &'static str;
    /// What is answered then.
    const UNAVAILABLE: Self::Reply;

    /// Answers, once the outbox knows what former holders of the lease settled of the instance.
    fn answer(
        &self,
        instance: InstanceId,
        asked: &Self::Asked,
    ) -> impl Future<Output = Result<Self::Reply, Self::Fault>> + Send;

    /// The fault of a commit that was not made, if this is one.
    fn unsettled(fault: &Self::Fault) -> Option<&SettleError>;
}

/// Who answers, and what it knows of its partitions.
struct Serving<A> {
    answers: A,
    tools: Tools,
    settler: Settler,
    /// Partitions whose former settlements the outbox knows.
    taken: Mutex<BTreeSet<Partition>>,
}

/// Answers questions until this dispatcher is fenced off.
pub(super) async fn serve<A: Answers>(answers: A, tools: Tools, settler: Settler) -> End {
    let mut requests = loop {
        match tools.bus.serve(A::SUBJECTS, QUEUE).await {
            Ok(requests) => break requests,
            Err(error) => {
                tracing::warn!(%error, "{}", A::UNDONE);
                tokio::time::sleep(SERVE_RETRY).await;
            }
        }
    };
    let serving = Serving { answers, tools, settler, taken: Mutex::default() };
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(served) = running.next() => if served == Err(End::Fenced) {
                return End::Fenced;
            },
            request = requests.next(), if running.len() < A::REQUESTS_MAX => match request {
                Some(request) => running.push(serving.serve(request)),
                // The bus is closed, so the process ends; the dispatcher says when.
                None => std::future::pending().await,
            },
        }
    }
}

// === impl Serving ===

impl<A: Answers> Serving<A> {
    async fn serve(&self, request: Request) -> Result<(), End> {
        let id = request.subject.rsplit('.').next().and_then(|id| id.parse::<InstanceId>().ok());
        let (Some(instance), Ok(asked)) = (id, codec::decode::<A::Asked>(&request.payload)) else {
            tracing::warn!("{}: the request cannot be read", A::UNDONE);
            return Ok(());
        };
        self.take(Partition::of(instance.as_bytes())).await.map_err(|error| fenced_off(&error))?;
        let reply = match Box::pin(self.answers.answer(instance, &asked)).await {
            Ok(reply) => reply,
            Err(fault) => {
                if let Some(error @ SettleError::Fenced { .. }) = A::unsettled(&fault) {
                    return Err(fenced_off(error));
                }
                let error = &fault as &dyn Error;
                tracing::warn!(%instance, error, "{} now", A::UNDONE);
                A::UNAVAILABLE
            }
        };
        if let Ok(payload) = codec::encode(&reply) {
            request.reply.send(Bytes::from(payload));
        }
        Ok(())
    }

    /// Makes sure that the outbox knows what former holders of the lease settled. It fails only if this dispatcher is
    /// fenced off.
    async fn take(&self, partition: Partition) -> Result<(), SettleError> {
        if self.taken.lock().unwrap_or_else(PoisonError::into_inner).contains(&partition) {
            return Ok(());
        }
        take_over(&self.tools, &self.settler, partition).await?;
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(partition);
        Ok(())
    }
}

fn fenced_off(error: &SettleError) -> End {
    tracing::warn!(%error, "this dispatcher is fenced off");
    End::Fenced
}
