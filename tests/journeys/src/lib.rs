//! Journeys through the running product: the real binary, real processes, real HTTP.
//!
//! ```no_run
//! # use berth_journeys::{Berth, Recorder};
//! # use serde_json::json;
//! # async fn story() {
//! let receiver = Recorder::start().await;
//! let mut berth = Berth::embedded().time_scale(50).start().await;
//! let made = berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
//! berth.kill9();
//! berth.restart().await;
//! let found = berth.client().get("/v1/instances/first").await.expect(200);
//! assert_eq!(found["id"], made["id"]);
//! # drop(receiver);
//! # }
//! ```
//!
//! A story starts [`Berth`], embedded or on a NATS server of its own, talks to it through its [`Client`], and
//! looks at what a [`Recorder`] received. Nothing sleeps to wait: [`eventually`] asks until it is so, or fails
//! with what it saw last.

mod authority;
mod berth;
mod client;
mod collector;
mod configured;
mod load;
pub mod on_upstream;
mod process;
mod prometheus;
mod recorder;
pub mod steps;
mod wait;
pub mod whole;

pub use authority::{Authority, Pair};
pub use berth::{ACCOUNT_TOKEN, Berth, MASTER_KEY, ROLES, ROOT_KEY, Running};
pub use client::{Answer, Client};
pub use collector::{Collected, Collector};
pub use configured::{ConfiguredServer, lacking};
pub use load::{Done, Load};
pub use process::{BINARY, FILE_BLOCKS, Process, binary, previous_binary};
pub use prometheus::Prometheus;
pub use recorder::{Received, Recorder, Reply};
pub use wait::{DEADLINE, eventually};
