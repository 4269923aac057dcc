//! A round trip over core NATS to a process that says what it was told: a command's way to the aggregate and back.

use async_nats::Client;
use bytes::Bytes;
use futures::StreamExt;
use tokio::time::{Duration, Instant, sleep};

use super::payload;
use crate::{
    Outcome,
    closed_loop::Operation,
    process::{self, Process},
};

const SUBJECT: &str = "bench.echo";
/// Bytes of a request: about those of an encoded command.
const REQUEST_BYTES: usize = 256;
const START_MAX: Duration = Duration::from_secs(30);

/// The process that answers.
#[derive(Debug)]
pub(crate) struct Echo {
    client: Client,
    _process: Process,
}

/// Asks it.
#[derive(Debug)]
pub(crate) struct RoundTrip {
    client: Client,
    payload: Bytes,
}

/// The hidden subcommand: answers requests with what they say. `url` is as `BERTH_NATS_URL` is: more than one with commas.
pub(crate) async fn serve(url: &str) -> Outcome<()> {
    let urls: Vec<String> = url.split(',').map(str::to_owned).collect();
    let client = async_nats::connect(urls).await?;
    let mut requests = client.subscribe(SUBJECT).await?;
    while let Some(request) = requests.next().await {
        if let Some(reply) = request.reply {
            client.publish(reply, request.payload).await?;
        }
    }
    Ok(())
}

impl Echo {
    pub(crate) async fn start(client: &Client, url: &str) -> Outcome<Self> {
        let process = process::own(&["echo", url])?;
        let deadline = Instant::now() + START_MAX;
        while client.request(SUBJECT, Bytes::new()).await.is_err() {
            if Instant::now() > deadline {
                return Err("the echo did not answer in time".into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(Self { client: client.clone(), _process: process })
    }

    pub(crate) fn clients(&self, clients: usize) -> Vec<RoundTrip> {
        let payload = payload(REQUEST_BYTES);
        (0..clients).map(|_| RoundTrip { client: self.client.clone(), payload: payload.clone() }).collect()
    }
}

impl Operation for RoundTrip {
    async fn once(&mut self) -> Outcome<()> {
        self.client.request(SUBJECT, self.payload.clone()).await?;
        Ok(())
    }
}
