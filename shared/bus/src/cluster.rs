//! What can be told of a deployment as a whole: who takes part, who owns what, and what lies below.

use std::fmt;

use async_trait::async_trait;

use crate::{
    lease::Lease,
    member::{Roster, Seat},
    port::LeaseError,
};

/// A partition of a role, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which one.
    pub lease: Lease,
    /// The fencing epoch under which it was taken last.
    pub epoch: u64,
    /// Who took it and did not give it back; whether that one still lives shows among the members.
    pub holder: Option<Seat>,
}

/// The engine that keeps the log and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// `nats` or `embedded`.
    pub kind: &'static str,
    /// The release of the NATS server that this process is connected to.
    pub version: Option<String>,
    /// When what is acknowledged is on the disk, in words.
    pub sync: String,
    /// The streams; none embedded.
    pub streams: Vec<StreamStands>,
}

/// How a stream of NATS stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStands {
    /// Its name.
    pub name: String,
    /// The server that leads it; none on a single server, or while none does.
    pub leader: Option<String>,
    /// How many servers shall keep it.
    pub replicas: usize,
    /// How many of them have all of it, as its leader knows; one on a single server.
    pub current: usize,
    /// Messages in it.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Tells of the deployment.
#[async_trait]
pub trait Cluster: fmt::Debug + Send + Sync + 'static {
    /// Who takes part at this moment, and what each says of itself.
    async fn members(&self) -> Result<Roster, LeaseError>;

    /// Every partition that somebody ever had.
    async fn claims(&self) -> Result<Vec<Claimed>, LeaseError>;

    /// What lies below.
    async fn engine(&self) -> Result<Engine, LeaseError>;
}
