//! Passing requests on to the upstreams of instances, as long as these may be used for messaging.

use std::{sync::Arc, time::Duration};

use berth_bus::KeyRing;
use berth_domain::instance::Unusable;
use berth_proto::InstanceId;
use berth_upstreams::{
    PassError, Upstream, Upstreams,
    pass::{Incoming, Outgoing},
};
use thiserror::Error;

use super::{
    failure::Failure,
    find::Finder,
    principal::Principal,
    resolve::KeyKind,
    standing::{Standing, Standings},
};

/// Why a request was not passed on, or not answered.
#[derive(Debug, Error)]
pub enum PassFailure {
    /// As any call fails.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The instance is on no upstream.
    #[error("the instance is on no upstream")]
    OnNoUpstream,
    /// The instance is on an upstream that this process does not know.
    #[error("the instance is on an upstream that is not configured here")]
    Unconfigured,
    /// The instance may not be used for messaging now.
    #[error("the instance cannot be used for messaging: {}", .0.word())]
    Unusable(Unusable),
    /// Nothing was sent, or nothing came back that could be passed on.
    #[error("the upstream: {0}")]
    Pass(#[from] PassError),
}

/// Passes requests on.
#[derive(Debug)]
pub struct Passes {
    pub(super) keys: KeyRing,
    pub(super) finder: Arc<Finder>,
    pub(super) standings: Arc<Standings>,
    pub(super) upstreams: Upstreams,
}

/// An instance that could be used for messaging when that was read.
#[derive(Debug)]
pub struct Admitted {
    standings: Arc<Standings>,
    principal: Principal,
    instance: InstanceId,
    upstream: Arc<Upstream>,
    /// Its name at the upstream.
    pub name: String,
}

impl Passes {
    /// Whether there is any upstream to pass a request on to.
    pub fn are_possible(&self) -> bool {
        !self.upstreams.all().is_empty()
    }

    /// The instance that `text` names for this caller, if its requests may be passed on now, by a read of the log that
    /// begins after this call.
    pub async fn admit(
        &self,
        principal: &Principal,
        text: &str,
        order: &[KeyKind],
    ) -> Result<Admitted, PassFailure> {
        let standing = self.finder.standing(principal, text, order).await?;
        let Some(upstream) = &standing.upstream else { return Err(PassFailure::OnNoUpstream) };
        may_be_used(&standing)?;
        let upstream = self.upstreams.named(upstream).ok_or(PassFailure::Unconfigured)?;
        let name = standing.name_at_upstream(&self.keys).await?.ok_or(Failure::NotFound)?;
        Ok(Admitted {
            standings: Arc::clone(&self.standings),
            principal: *principal,
            instance: standing.instance,
            upstream: Arc::clone(upstream),
            name,
        })
    }
}

impl Admitted {
    /// Bytes of a body that is passed on.
    pub fn body_bytes_max(&self) -> u64 {
        self.upstream.settings.body_bytes_max
    }

    /// How long the head of an answer may take, once the whole request was sent.
    pub fn answer_max(&self) -> Duration {
        self.upstream.settings.answer_max
    }

    /// Whether it may still be used, by a read that begins after this call.
    pub async fn ask_again(&self) -> Result<(), PassFailure> {
        may_be_used(&self.standings.read(&self.principal, self.instance).await?)
    }

    /// Passes a request on, and gives the head of its answer.
    pub async fn pass(&self, request: Outgoing) -> Result<Incoming, PassError> {
        self.upstream.passing.pass(request).await
    }
}

fn may_be_used(standing: &Standing) -> Result<(), PassFailure> {
    standing.usable.map(|_| ()).map_err(PassFailure::Unusable)
}
