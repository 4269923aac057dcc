//! What every process needs: configuration, telemetry, lifecycle, HTTP listener, clock, ids and sealing.

pub mod blocking;
pub mod causes;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod files;
pub mod http;
pub mod lifecycle;
pub mod log_key;
pub mod pauses;
pub mod resealing;
pub mod sealing;
pub mod suspension;
pub mod telemetry;
pub mod trouble;
pub mod unique;
pub mod url_policy;

pub use blocking::spawn_blocking;
pub use causes::chain;
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{ConfigError, Role, Settings};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use files::raise_file_limit;
pub use http::{Check, Readiness};
pub use lifecycle::{Ending, Lifecycle};
pub use log_key::LogKey;
pub use pauses::Pauses;
pub use sealing::{DataKey, MasterKey, OpenError, WrappedKey};
pub use suspension::Suspension;
pub use trouble::Trouble;
pub use unique::{Unique, UniqueInAccount};
pub use url_policy::{Ports, UrlPolicy, UrlRefused, check_url};
