//! Request and reply, live tails, volatile values, key stores and leases: the ports beside the log.

pub mod keyring;
pub mod port;

pub use keyring::{KeyRing, KeyRingError};
pub use port::{
    Bus, DeviceKeys, Grant, KeyStore, KeyStoreError, LeaseError, Leases, Replier, Request, RequestError,
    Requests, Subscription, TransportError, Volatile, VolatileEntry, VolatileError,
};
