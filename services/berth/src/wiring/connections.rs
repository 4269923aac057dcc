//! The connections of a process to NATS: who hears how they stand, and another one for followers in place of one that is gone.

use std::sync::Arc;

use async_nats::Client;
use berth_bus::nats::{Connection, connect_by};
use berth_log::{
    LogRead,
    jetstream::{Absent, DialError, JetStreamLog, JetStreamOptions, Tags},
};
use berth_runtime::{Check, Readiness, config::NatsSettings};
use futures::future::BoxFuture;

use super::nats::patiently;
use crate::failure::Failure;

/// A process that has lost its server can do nothing.
pub(super) fn register(readiness: &Readiness, name: &'static str, connection: Connection) {
    readiness.register(name, move || match connection.trouble() {
        None => match connection.denied() {
            None => Check::ready("connected"),
            Some(what) => Check::ready(format!("connected, but a permission is missing: {what}")),
        },
        Some(trouble) => Check::waiting(trouble),
    });
}

/// The log as it is followed: on a connection of its own, so that no command waits behind what followers receive.
pub(super) async fn followed(
    nats: &NatsSettings,
    name: &str,
    options: JetStreamOptions,
    tags: &Tags,
    readiness: &Readiness,
) -> Result<Arc<dyn LogRead>, Failure> {
    let client = patiently(async || connect_by(nats, name).await.map_err(Failure::Nats)).await?;
    let connection = Connection::of(&client);
    register(readiness, "nats_followers", connection.clone());
    let open = async || JetStreamLog::open_with(client.clone(), options, Absent::Refused).await;
    let log = patiently(async || Ok(open().await?)).await?.with_tags(tags.clone());
    let (nats, name) = (nats.clone(), name.to_owned());
    let dial = move || -> BoxFuture<'static, Result<Client, DialError>> {
        let (nats, name, connection) = (nats.clone(), name.clone(), connection.clone());
        Box::pin(async move {
            let client = connect_by(&nats, &name).await?;
            connection.replace(&client);
            Ok(client)
        })
    };
    Ok(Arc::new(log.redialled(Arc::new(dial))))
}
