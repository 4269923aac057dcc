//! A real NATS server and temporary folders for the tests.
