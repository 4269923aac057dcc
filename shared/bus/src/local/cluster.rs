//! A deployment of one process, which is its only member and owns all.

use async_trait::async_trait;

use crate::{
    cluster::{Claimed, Cluster, Engine},
    lease::Lease,
    local::LocalLeases,
    member::{Identity, Present, Roster},
    port::LeaseError,
};

/// The deployment of one process.
#[derive(Debug, Clone)]
pub struct Alone {
    identity: Identity,
    leases: LocalLeases,
}

impl Alone {
    /// The process that has these leases.
    pub const fn new(identity: Identity, leases: LocalLeases) -> Self {
        Self { identity, leases }
    }
}

#[async_trait]
impl Cluster for Alone {
    async fn members(&self) -> Result<Roster, LeaseError> {
        let member = self.identity.member(self.identity.start.clone());
        Ok(Roster::new([(self.identity.seat.clone(), Present { member, leaving: false })]))
    }

    async fn claims(&self) -> Result<Vec<Claimed>, LeaseError> {
        let claimed =
            |(lease, epoch): (Lease, u64)| Claimed { lease, epoch, holder: Some(self.identity.seat.clone()) };
        Ok(self.leases.granted().into_iter().map(claimed).collect())
    }

    async fn engine(&self) -> Result<Engine, LeaseError> {
        let sync = "always: what is acknowledged is on the disk".to_owned();
        Ok(Engine { kind: "embedded", version: None, sync, servers: Vec::new(), streams: Vec::new() })
    }
}
