//! The ports on NATS, for a deployment of many processes.
