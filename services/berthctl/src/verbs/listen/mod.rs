//! `berthctl listen`

mod receiver;

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use clap::Args;
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use self::receiver::{Receiver, take};
use super::named;
use crate::{
    failure::Failure,
    http::{Ask, tell},
    json::Fields,
    output::clean,
    session::Session,
    signature::Secret,
};

/// Notices that were answered and are not printed yet; more wait for their answer.
const NOTICES_MAX: usize = 64;
/// How long answers that are under way may take at the end.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// The variable with signing secrets.
const SECRET_VARIABLE: &str = "BERTHCTL_WEBHOOK_SECRET";

const EXAMPLES: &str = "\
Examples:
  Add a webhook to an instance, receive its notices on this machine, and remove
  it at the end (Ctrl-C). Berth has to be started with
  `--webhook-allow 127.0.0.0/8`, since it sends nothing to addresses that are
  not global otherwise:
    berthctl listen shop

  The same through a tunnel that ends here:
    berthctl listen shop --port 9000 --public-url https://hooks.example.com/

  Receive for an endpoint that there is already:
    berthctl listen --port 9000 --secret-file shop.secret

A notice whose signature does not fit, or that is older than five minutes, is
told on the standard error and answered with 401.";

/// Receive notices here, check their signatures (Standard Webhooks) and print them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Listen {
    /// The instance to which a webhook is added as long as this runs.
    instance: Option<String>,
    /// The port to listen at; a free one if it is left out.
    #[arg(long, short, default_value_t = 0)]
    port: u16,
    /// The address to listen at.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// The URL under which Berth reaches this.
    #[arg(long, value_name = "URL", requires = "instance")]
    public_url: Option<String>,
    /// A file with the signing secret of an endpoint that there is, or several, a line each (or
    /// `BERTHCTL_WEBHOOK_SECRET`).
    #[arg(long, value_name = "FILE", conflicts_with = "instance")]
    secret_file: Option<PathBuf>,
    /// An event that the webhook wants; may be given more than once, all if it is left out.
    #[arg(long = "event", value_name = "NAME", requires = "instance")]
    events: Vec<String>,
    /// End after so many notices that were genuine.
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<usize>,
}

/// The webhook that is there as long as this runs.
#[derive(Debug)]
struct Added {
    instance: String,
    id: String,
}

impl Listen {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let system = |what| move |source| Failure::System { what, source };
        let listener = TcpListener::bind(SocketAddr::from((self.address, self.port)))
            .await
            .map_err(system("to listen there"))?;
        let address = listener.local_addr().map_err(system("to listen there"))?;
        let (added, secrets) = match &self.instance {
            Some(instance) => {
                let (added, secret) = self.add(session, instance, address).await?;
                (Some(added), vec![secret])
            }
            None => (None, self.secrets()?),
        };
        tell(&format!("listening on http://{address}; Ctrl-C ends it"));
        let received = self.receive(session, listener, secrets).await;
        if let Some(added) = added {
            added.remove(session).await;
        }
        received
    }

    /// Adds the webhook that leads here.
    async fn add(
        &self,
        session: &Session,
        instance: &str,
        address: SocketAddr,
    ) -> Result<(Added, Secret), Failure> {
        let url = self.public_url.clone().unwrap_or_else(|| format!("http://{address}/"));
        let body = json!({ "url": url, "events": self.events, "label": "berthctl listen" });
        let ask = Ask::post(&["v1", "instances", named(instance)?, "webhooks"], body);
        let webhook = session.client.command(ask).await.map_err(|failure| match failure {
            Failure::Problem { code, detail, .. } if code == "invalid_request" && detail.contains("url") => {
                Failure::usage(
                    detail,
                    "Berth sends to this machine if it is started with `--webhook-allow 127.0.0.0/8`, and elsewhere \
                     through --public-url.",
                )
            }
            other => other,
        })?;
        let text = |field: &str| webhook.body.text(field).to_owned();
        let secret = Secret::parse(&text("secret")).map_err(|error| Failure::NotBerth {
            url: session.client.url().to_string(),
            what: format!("{error}, and the webhook has another"),
        })?;
        Ok((Added { instance: instance.to_owned(), id: text("id") }, secret))
    }

    /// The secrets that were given.
    fn secrets(&self) -> Result<Vec<Secret>, Failure> {
        let text = match &self.secret_file {
            Some(path) => fs::read_to_string(path).map_err(|error| Failure::File {
                path: path.clone(),
                what: format!("cannot be read: {error}"),
                advice: "A file with `whsec_…` in each line is expected.".to_owned(),
            })?,
            None => std::env::var(SECRET_VARIABLE).unwrap_or_default(),
        };
        let secrets: Result<Vec<Secret>, _> = text.split_whitespace().map(Secret::parse).collect();
        match secrets {
            Ok(secrets) if !secrets.is_empty() => Ok(secrets),
            _ => Err(Failure::usage(
                "there is no signing secret to check notices with",
                "Name an instance to add a webhook to, or give the secret of one that there is: `whsec_` and base64.",
            )),
        }
    }

    /// Receives until it was enough, or until the person says so.
    async fn receive(
        &self,
        session: &Session,
        listener: TcpListener,
        secrets: Vec<Secret>,
    ) -> Result<(), Failure> {
        let system = |source| Failure::System { what: "to receive", source };
        let mut asked_to_stop = signal(SignalKind::terminate()).map_err(system)?;
        let (heard, mut notices) = mpsc::channel(NOTICES_MAX);
        let router = Router::new().fallback(take).with_state(Arc::new(Receiver { secrets, heard }));
        let stop = CancellationToken::new();
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        let mut serving = Box::pin(serving.into_future());
        let mut left = self.count;
        let ended = loop {
            if left == Some(0) {
                break Ok(());
            }
            tokio::select! {
                served = &mut serving => break served.map_err(system),
                _ = tokio::signal::ctrl_c() => break Ok(()),
                _ = asked_to_stop.recv() => break Ok(()),
                closed = session.out.closed() => break Err(closed),
                Some(heard) = notices.recv() => {
                    if heard.forged.is_none() {
                        left = left.map(|left| left - 1);
                    }
                    if let Err(failure) = heard.show(session) {
                        break Err(failure);
                    }
                }
            }
        };
        stop.cancel();
        // Whoever sent the last notice is to get its answer.
        let _too_slow = timeout(DRAIN_MAX, serving).await;
        ended
    }
}

impl Added {
    async fn remove(&self, session: &Session) {
        let Self { instance, id } = self;
        let removed = Ask::delete(&["v1", "instances", instance, "webhooks", id]);
        match session.client.send(removed).await {
            Ok(_) => tell("the webhook is removed again"),
            // With the instance it is gone too.
            Err(failure) if matches!(failure.problem(), Some("not_found" | "deleted")) => {}
            Err(failure) => {
                tell(&format!("the webhook stays: {}", failure.told()));
                tell(&format!("remove it with: berthctl webhook rm {} {id}", clean(instance)));
            }
        }
    }
}
