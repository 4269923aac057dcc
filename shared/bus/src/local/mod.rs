//! The ports within one process: queues and maps in memory, keys and epochs in files.

mod bus;
mod checkpoints;
mod cluster;
mod deployment;
mod device_keys;
mod feed;
mod files;
mod key_slots;
mod key_store;
mod leases;
mod postbag;
mod routes;
mod volatile;

pub use bus::LocalBus;
pub use checkpoints::FileCheckpoints;
pub use cluster::Alone;
pub use deployment::FileDeployment;
pub use device_keys::FileDeviceKeys;
pub use feed::{KeptEvent, LocalFeed};
pub use files::FileError;
pub use key_store::FileKeyStore;
pub use leases::LocalLeases;
pub use postbag::FilePostbag;
pub use volatile::LocalVolatile;
