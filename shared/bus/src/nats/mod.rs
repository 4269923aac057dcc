//! The ports on NATS, for a deployment of many processes.
//!
//! | stream | storage | subjects |
//! | --- | --- | --- |
//! | `BERTH_KEYS` | file | `berth.v1.keys.<owner>`, `berth.v1.keys.destroyed.<owner>` |
//! | `BERTH_DELIVERY_KEYS` | file | `berth.v1.deliverykeys.<owner>`, `berth.v1.deliverykeys.destroyed.<owner>` |
//! | `BERTH_DEPLOYMENT` | file | `berth.v1.deployment.a`, `berth.v1.deployment.b` |
//! | `BERTH_ATTEMPTS` | file, 30 days and 1,000,000 records at most | `berth.v1.attempts.<partition>` |
//! | `BERTH_POSTBAG` | file, 76 hours and 200,000 messages at most | `berth.v1.postbag.<partition>.<instance>` |
//! | `BERTH_EVENTS` | file, 7 days and 10,000,000 events at most | `berth.v1.events.<account>.<instance>` |
//! | `BERTH_CHECKPOINTS` | file | `berth.v1.checkpoint.<topic>` |
//! | `BERTH_DEVICE_KEYS` | file | `berth.v1.devicekeys.<instance>.<attempt>` |
//! | `KV_berth_volatile` | memory | `$KV.berth_volatile.>` |
//! | `KV_berth_leases` | file | `$KV.berth_leases.>` |
//!
//! Every read asks the stream's leader (`STREAM.MSG.GET`): a direct get may be answered by a replica that
//! has not yet heard of a write that was acknowledged. The two buckets have the layout of key-value buckets,
//! so the usual tools show them.
//!
//! # Permissions
//! A service needs, besides the subjects that it asks, serves, publishes and hears:
//! - to subscribe to `_INBOX_<name>.>`, its own inbox, and to publish to it (to know that a subscription of its
//!   own is made); a server of requests also `allow_responses`;
//! - for each stream above that it uses, to publish its subjects, `$JS.API.STREAM.INFO.<stream>`,
//!   `$JS.API.STREAM.MSG.GET.<stream>`, and `$JS.API.STREAM.CREATE.<stream>` unless an operator makes it;
//! - only where it makes data keys, to publish `….keys.*`; only where it destroys them, `….keys.destroyed.*`;
//! - where it follows the attempts, `$JS.API.CONSUMER.CREATE.BERTH_ATTEMPTS.>` and
//!   `$JS.API.CONSUMER.MSG.NEXT.BERTH_ATTEMPTS.*`;
//! - `$JS.API.STREAM.MSG.DELETE.<stream>` where it destroys keys, puts or deletes key material, or delivers
//!   letters.
//!
//! Requests are answered to inboxes (`_INBOX_…`) and nowhere else.
//!
//! What is denied gets no answer: it shows as a time-out, as an error in the log of the connection, and for a minute in what
//! the connection says of itself.

mod bus;
mod checkpoints;
mod connect;
mod denied;
mod deployment;
mod device_keys;
mod door;
mod feed;
mod key_store;
mod leader;
mod leases;
mod outage;
mod postbag;
mod relay;
mod server_clock;
mod servers;
mod stream;
mod table;
mod volatile;

pub use bus::NatsBus;
pub use checkpoints::NatsCheckpoints;
pub use connect::{ConnectError, Connection, connect, connect_by};
pub use denied::denied_since;
pub use deployment::NatsDeployment;
pub use device_keys::NatsDeviceKeys;
pub use door::NatsDoor;
pub use feed::{FEED_STREAM, NatsFeed, reader_name};
pub use key_store::{KEY_STREAM, NatsKeyStore};
pub use leader::has_leader;
pub use leases::{JoinError, LastValue, LeaseBucket, NatsCluster, NatsLeases, members, new_start, survey};
pub use outage::is_away;
pub use postbag::NatsPostbag;
pub use relay::NatsRelay;
pub use server_clock::ahead_of_servers;
pub use stream::{OpenError, StreamError};
pub use volatile::NatsVolatile;
