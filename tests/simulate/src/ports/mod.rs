//! The ports of the product, on the world of a run.

pub(crate) mod bucket;
pub(crate) mod bus;
pub(crate) mod clock;
pub(crate) mod device;
pub(crate) mod endpoint;
pub(crate) mod feed;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod relay;
pub(crate) mod volatile;
