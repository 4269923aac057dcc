//! Resolves names for webhooks and refuses every answer that leads anywhere but to an allowed address.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use berth_runtime::{UrlPolicy, url_policy::is_localhost};
use hickory_resolver::{Resolver, TokioResolver, config::ResolverConfig, net::runtime::TokioRuntimeProvider};
use thiserror::Error;

/// What `localhost` means.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// A name leads where webhooks must not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the name resolves to an address that is not allowed")]
pub(super) struct AddressRefused;

/// Which addresses a client may connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Global addresses and the allow-list.
    Permitted,
    /// The allow-list only: plain http where it is denied otherwise.
    Listed,
}

/// A resolver that checks every answer. One refused answer refuses the name, since which of them is
/// connected to is not ours to choose.
#[derive(Clone)]
pub(super) struct GuardedResolver {
    resolver: Arc<TokioResolver>,
    policy: Arc<UrlPolicy>,
    reach: Reach,
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedResolver").field("reach", &self.reach).finish_non_exhaustive()
    }
}

// === impl GuardedResolver ===

impl GuardedResolver {
    pub(super) fn new(resolver: Arc<TokioResolver>, policy: Arc<UrlPolicy>, reach: Reach) -> Self {
        Self { resolver, policy, reach }
    }

    /// Every address of a name.
    pub(super) async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, Box<dyn Error + Send + Sync>> {
        let allowed = |address: &IpAddr| match self.reach {
            Reach::Permitted => self.policy.permits(*address),
            Reach::Listed => self.policy.lists(*address),
        };
        let answers: Vec<IpAddr> = if is_localhost(name) {
            // Nobody's resolver is asked, so an operator who allows one of the two means that one.
            LOOPBACK.into_iter().filter(allowed).collect()
        } else {
            self.resolver.lookup_ip(name).await?.iter().collect()
        };
        if answers.is_empty() || !answers.iter().all(allowed) {
            return Err(AddressRefused.into());
        }
        Ok(answers)
    }
}

/// The system's resolver configuration; without one, names cannot be resolved and every lookup fails.
pub(super) fn system_resolver() -> Result<Arc<TokioResolver>, hickory_resolver::net::NetError> {
    let builder = Resolver::builder_tokio().unwrap_or_else(|error| {
        tracing::warn!(%error, "this machine has no readable resolver configuration: webhooks reach addresses only");
        Resolver::builder_with_config(ResolverConfig::default(), TokioRuntimeProvider::default())
    });
    Ok(Arc::new(builder.build()?))
}
