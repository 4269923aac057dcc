//! The connector as the others meet it: the simulated driver alone, and the service with a real
//! session-aggregate beside it.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod built_anew;
mod comes;
mod doubles;
mod driver;
mod life;
mod on_nats;
mod owners;
mod scripted;
mod socketio;
mod unlinking;
mod upstream;
mod upstream_codes;
mod upstream_hanging;
mod upstream_heard;
mod upstream_webhooks;
mod worker;
mod workers;
mod workers_on_nats;
mod world;
