//! Requests to a server in this very process, without the way over the network.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    StreamExt,
    future::ready,
    stream::{once, select},
};
use tokio_util::sync::CancellationToken;

use crate::{
    local::LocalBus,
    port::{Bus, RequestError, Requests, Subscription, TransportError},
    subject::matches,
};

/// A bus of many processes on which this process asks itself first, where any server answers as well as any other.
#[derive(Debug, Clone)]
pub struct NearBus {
    far: Arc<dyn Bus>,
    near: LocalBus,
    /// Filters of the subjects with one queue group each, whose members are all alike.
    alike: &'static [&'static str],
}

impl NearBus {
    /// The same bus, with a short way for the subjects of these filters and of narrower ones: each has one queue group, in
    /// which it makes no difference who answers.
    pub fn new(far: Arc<dyn Bus>, alike: &'static [&'static str]) -> Self {
        Self { far, near: LocalBus::new(), alike }
    }
}

#[async_trait]
impl Bus for NearBus {
    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        if self.alike.iter().any(|filter| matches(filter, subject)) {
            match self.near.request(subject, payload.clone(), timeout).await {
                // Nobody here was asked, or whoever is here has enough to do.
                Err(RequestError::NoResponder { .. } | RequestError::Overloaded { .. }) => {}
                answered => return answered,
            }
        }
        self.far.request(subject, payload, timeout).await
    }

    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Requests, TransportError> {
        let far = self.far.serve_until(filter, queue, until.clone()).await?;
        if !self.alike.iter().any(|alike| matches(alike, filter)) {
            return Ok(far);
        }
        // Whoever serves is told when the others cannot reach it any more.
        let far = far.map(Some).chain(once(ready(None)));
        let near = self.near.serve_until(filter, queue, until.clone()).await?.map(Some);
        let both = select(far, near)
            .take_while(move |request| ready(request.is_some() || until.is_cancelled()))
            .filter_map(ready);
        Ok(Box::pin(both))
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), TransportError> {
        self.far.publish(subject, payload).await
    }

    async fn subscribe(&self, filter: &str) -> Result<Subscription, TransportError> {
        self.far.subscribe(filter).await
    }
}
