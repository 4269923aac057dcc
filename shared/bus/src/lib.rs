//! Request and reply, live tails, volatile values, key stores and leases: the ports beside the log.
//!
//! [`local`] serves one process, from memory and files; [`nats`] serves a deployment of many.

pub mod checkpoints;
pub mod cluster;
pub mod decision;
pub mod door;
pub mod feed;
pub mod keyring;
pub mod leaders;
pub mod lease;
pub mod local;
pub mod member;
mod metrics;
pub mod nats;
pub mod near;
pub mod port;
pub mod postbag;
pub mod presence;
pub mod relay;
pub mod subject;
pub mod tenure;

pub use checkpoints::{CheckpointError, Checkpoints, Entry};
pub use cluster::Cluster;
pub use decision::{Ruling, Undecided, ask, ask_until_decided, request_decision};
pub use door::Door;
pub use feed::{EventFeed, FeedError, LastEvent};
pub use keyring::{KeyRing, KeyRingError};
pub use leaders::{Leaders, Led};
pub use lease::Lease;
pub use member::{Identity, Introduction, Member, MemberId, Roster, Seat};
pub use near::NearBus;
pub use port::{
    Bus, DeploymentStore, DeviceKeys, Grant, Holds, KeptKey, KeyStore, KeyStoreError, LeaseError, Leases,
    Replier, Request, RequestError, Requests, StoredDeployment, Subscription, TransportError, Volatile,
    VolatileEntry, VolatileError,
};
pub use postbag::{Kept, Postbag, PostbagError};
pub use presence::Presence;
pub use relay::{Relay, RelayEnd, RelayError, Relayed};
pub use tenure::{Tenure, hold_all};
