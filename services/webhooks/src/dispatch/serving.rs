//! Answering what is asked over the bus of whoever owns a partition: a bounded number of questions at once, until the
//! tenure of the partition is over.

use std::{error::Error, sync::Arc, time::Duration};

use berth_bus::Request;
use berth_proto::{
    InstanceId, Partition,
    codec::{self, Frozen},
};
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::{OnceCell, Semaphore};

use super::{
    attempt::Tools,
    settle::{SettleError, Settler, catch_up},
};
use crate::QUEUE;

/// How long to wait before questions are served when that failed.
const SERVE_RETRY: Duration = Duration::from_secs(1);

/// Answers questions of one kind about the instances of a partition.
pub(super) trait Answers: Send + Sync {
    /// A question.
    type Asked: Frozen + Send + Sync;
    /// An answer.
    type Reply: Frozen + Send;
    /// A question has no answer now.
    type Fault: Error + Send + Sync + 'static;

    /// What is not done if something fails, for the operator.
    const UNDONE: &'static str;
    /// What is answered then.
    const UNAVAILABLE: Self::Reply;

    /// The subjects that they come on.
    fn filter(partition: Partition) -> String;

    /// Answers, once the outbox knows what former owners settled of the instance.
    fn answer(
        &self,
        instance: InstanceId,
        asked: &Self::Asked,
    ) -> impl Future<Output = Result<Self::Reply, Self::Fault>> + Send;

    /// The fault of a commit that was not made, if this is one.
    fn unsettled(fault: &Self::Fault) -> Option<&SettleError>;
}

/// Who answers, and under which tenure.
struct Serving<A> {
    answers: A,
    tools: Tools,
    settler: Settler,
    /// Set once the outbox knows what former owners settled.
    taken: OnceCell<()>,
}

/// Answers questions until the tenure is over. `room` is for all partitions of this replica together: a question that finds
/// none waits, and those behind it wait at the bus.
pub(super) async fn serve<A: Answers>(answers: A, tools: Tools, settler: Settler, room: Arc<Semaphore>) {
    let tenure = settler.tenure().clone();
    let filter = A::filter(tenure.partition());
    let requests = loop {
        match tools.bus.serve_until(&filter, QUEUE, tenure.token().clone()).await {
            Ok(requests) => break requests,
            Err(error) => {
                tracing::warn!(%error, "{}", A::UNDONE);
                if tenure.run(tokio::time::sleep(SERVE_RETRY)).await.is_none() {
                    return;
                }
            }
        }
    };
    let serving = &Serving { answers, tools, settler, taken: OnceCell::new() };
    let with_room = requests.then(|request| {
        let (tenure, room) = (tenure.clone(), Arc::clone(&room));
        async move { (request, tenure.run(room.acquire_owned()).await) }
    });
    with_room
        .for_each_concurrent(None, |(request, permit)| async move {
            serving.serve(request).await;
            drop(permit);
        })
        .await;
}

// === impl Serving ===

impl<A: Answers> Serving<A> {
    /// Answers a question. One that arrived as the tenure ended is for the next owner.
    async fn serve(&self, request: Request) {
        let id = request.subject.rsplit('.').next().and_then(|id| id.parse::<InstanceId>().ok());
        let (Some(instance), Ok(asked)) = (id, codec::decode::<A::Asked>(&request.payload)) else {
            tracing::warn!("{}: the request cannot be read", A::UNDONE);
            return;
        };
        let answering = Box::pin(self.answer(instance, &asked));
        let reply = self.settler.tenure().run(answering).await.flatten().unwrap_or(A::UNAVAILABLE);
        if let Ok(payload) = codec::encode(&reply) {
            request.reply.send(Bytes::from(payload));
        }
    }

    /// None if it cannot be answered now.
    async fn answer(&self, instance: InstanceId, asked: &A::Asked) -> Option<A::Reply> {
        let taking = self.taken.get_or_try_init(|| catch_up(&self.tools, &self.settler));
        taking.await.map_err(|error| self.fenced_off(&error)).ok()?;
        match self.answers.answer(instance, asked).await {
            Ok(reply) => Some(reply),
            Err(fault) => {
                match A::unsettled(&fault) {
                    Some(error @ SettleError::Fenced { .. }) => self.fenced_off(error),
                    Some(SettleError::Log(_)) | None => {
                        let error = &fault as &dyn Error;
                        tracing::warn!(%instance, error, "{} now", A::UNDONE);
                    }
                }
                None
            }
        }
    }

    fn fenced_off(&self, error: &SettleError) {
        tracing::warn!(%error, "this dispatcher is fenced off");
        self.settler.tenure().end();
    }
}
