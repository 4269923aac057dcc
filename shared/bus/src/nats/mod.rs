//! The ports on NATS, for a deployment of many processes.
//!
//! | stream | storage | subjects |
//! | --- | --- | --- |
//! | `BERTH_KEYS` | file | `berth.v1.keys.<owner>` |
//! | `BERTH_DEVICE_KEYS` | file | `berth.v1.devicekeys.<instance>.<attempt>` |
//! | `KV_berth_volatile` | memory | `$KV.berth_volatile.>` |
//! | `KV_berth_leases` | file | `$KV.berth_leases.>` |
//!
//! Every read asks the stream's leader (`STREAM.MSG.GET`): a direct get may be answered by a replica that
//! has not yet heard of a write that was acknowledged. The two buckets have the layout of key-value buckets,
//! so the usual tools show them.

mod bus;
mod connect;
mod device_keys;
mod key_store;
mod leases;
mod stream;
mod volatile;

pub use bus::NatsBus;
pub use connect::{ConnectError, connect};
pub use device_keys::NatsDeviceKeys;
pub use key_store::NatsKeyStore;
pub use leases::NatsLeases;
pub use stream::{OpenError, StreamError};
pub use volatile::NatsVolatile;
