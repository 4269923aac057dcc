//! What the servers say of themselves. Only their system account hears it; where the operator has that export this one
//! question to the account of Berth, each server answers it (`deploy/nats/permissions.conf`).

use std::time::Duration;

use async_nats::{Client, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use crate::cluster::ServerSyncs;

/// Where the question stands in the account of Berth.
const SUBJECT: &str = "berth.v1.servers.jetstream";
/// How long the first answer may take, and how long none must have come until there is no other.
const WAIT_MAX: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_millis(200);
/// Servers that are heard at most.
const SERVERS_MAX: usize = 64;

#[derive(Deserialize)]
struct Told {
    server: Server,
    data: Data,
}

#[derive(Deserialize)]
struct Server {
    name: String,
}

#[derive(Deserialize)]
struct Data {
    config: Option<Config>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    sync_always: bool,
    /// Nanoseconds.
    #[serde(default)]
    sync_interval: u64,
}

/// When each server that answers syncs, by their names; none where nobody may ask.
pub(super) async fn syncs(client: &Client) -> Vec<ServerSyncs> {
    let inbox = client.new_inbox();
    let Ok(mut answers) = client.subscribe(inbox.clone()).await else { return Vec::new() };
    if client.publish_with_reply(SUBJECT, inbox, Bytes::new()).await.is_err() {
        return Vec::new();
    }
    let (mut found, mut until) = (Vec::new(), Instant::now() + WAIT_MAX);
    while found.len() < SERVERS_MAX
        && let Ok(Some(answer)) = timeout_at(until, answers.next()).await
        && answer.status != Some(StatusCode::NO_RESPONDERS)
    {
        found.extend(read(&answer.payload));
        until = Instant::now() + QUIET;
    }
    found.sort_by(|one: &ServerSyncs, other| one.name.cmp(&other.name));
    found
}

/// What a server says; none of one that keeps no streams.
fn read(answer: &[u8]) -> Option<ServerSyncs> {
    let Told { server, data } = serde_json::from_slice(answer).ok()?;
    let Config { sync_always, sync_interval } = data.config?;
    let every = Duration::from_nanos(sync_interval);
    Some(ServerSyncs { name: server.name, every: (!sync_always).then_some(every) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_when_its_server_syncs() {
        let told = |config: &str| {
            format!(
                r#"{{"server":{{"name":"n1","ver":"2.15.1"}},"data":{{"memory":0,{config}"streams":7}}}}"#
            )
        };
        let interval = r#""sync_interval":120000000000"#;
        let every = |config: &str| read(told(config).as_bytes()).map(|server| server.every);
        assert_eq!(every(&format!(r#""config":{{{interval},"sync_always":true}},"#)), Some(None));
        let two_minutes = Some(Some(Duration::from_mins(2)));
        assert_eq!(every(&format!(r#""config":{{"max_memory":1,{interval}}},"#)), two_minutes);
        assert_eq!(every(""), None);
        assert_eq!(read(b"{}"), None);
    }
}
