//! What every process needs: configuration, telemetry, lifecycle, clock, ids and sealing.

pub mod clock;
pub mod entropy;
pub mod lifecycle;
pub mod sealing;
pub mod url_policy;

pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use lifecycle::Lifecycle;
pub use sealing::{DataKey, MasterKey, OpenError, WrappedKey};
pub use url_policy::{UrlPolicy, UrlRefused, check_url};
