//! A connection to NATS that comes back by itself and says what goes wrong with it.

use std::{
    error::Error,
    io,
    path::Path,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectOptions, Event, ServerAddr, client::FlushErrorKind, connection::State};
use berth_runtime::config::{NatsSettings, NatsTls, TlsFiles};
use futures::FutureExt;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::{
    denied,
    outage::{self, Told},
};

/// How often the server is asked for a sign of life; a connection without two of them is given up.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long a new connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a request waits for its reply if the caller does not say.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// The longest pause between two attempts to connect again. There is no last attempt: a service that is
/// otherwise well waits for its server.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);
/// By how much the pause grows with each attempt.
const RECONNECT_PAUSE_STEP: Duration = Duration::from_millis(100);
/// Messages that wait for a subscription of this process; beyond it they are dropped, and the log says so.
const MESSAGES_WAITING_MAX: usize = 8_192;
/// The same of strangers: few, as they are taken as they come and each may be as large as its account's limit.
const STRANGERS_WAITING_MAX: usize = 256;

/// What the subject of every inbox begins with.
pub(super) const INBOXES: &str = "_INBOX_";

/// The first connection failed.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The file with the credentials cannot be read. A retry does not help.
    #[error("the NATS credentials cannot be read")]
    Credentials(#[source] io::Error),
    /// An address is not one of a NATS server. A retry does not help.
    #[error("not the address of a NATS server")]
    Address(#[source] io::Error),
    /// A server and this process do not agree on TLS: its certificate is not trusted, has ended or is for another name, or it
    /// refuses ours, or a file cannot be used. A retry helps when somebody replaced what is wrong.
    #[error("TLS with NATS cannot be agreed on")]
    Tls(#[source] async_nats::ConnectError),
    /// No server answered. A retry helps when one does.
    #[error("no connection to NATS")]
    Connect(#[source] async_nats::ConnectError),
    /// The server knows nobody with these credentials. A retry does not help.
    #[error(
        "the NATS server refuses these credentials: give it a user and password in the address, or a file in \
         `nats_creds` (BERTH_NATS_CREDS)"
    )]
    Refused(#[source] async_nats::ConnectError),
    /// The server keeps no streams. A retry does not help.
    #[error(
        "the NATS server has no JetStream, which is to keep the log: add `jetstream {{}}` to its configuration"
    )]
    NoJetStream,
}

/// Connects as the settings say: to one of the servers in their `url`, with their credentials and certificates. With
/// certificates no connection without TLS is used, and a server whose certificate rests on none that is trusted, has ended or is
/// another name's is refused. Files are read at each connection, so that they may be replaced.
pub async fn connect_by(settings: &NatsSettings, name: &str) -> Result<Client, ConnectError> {
    open(&settings.url, settings.creds.as_deref(), &settings.tls, name).await
}

/// Connects to one of the servers in `url`, a list with commas; the others of their cluster are found by
/// themselves, and are tried when that one fails. A `user:password@` or `token@` in the first address is used as
/// it stands, without percent decoding; better have a file with credentials. `name` (letters, digits, `-` and `_`) is what the server's operator sees, and the inbox prefix is
/// `_INBOX_<name>`, so that permissions can keep one service from reading another's replies.
pub async fn connect(url: &str, creds: Option<&Path>, name: &str) -> Result<Client, ConnectError> {
    open(url, creds, &NatsTls::default(), name).await
}

/// What becomes of a connection for strangers.
#[derive(Debug, Clone, Default)]
pub(super) struct Until {
    /// Cancelled when it is lost.
    pub(super) lost: CancellationToken,
    /// Cancelled when nothing is left of it: until then a server may go on sending to it what another one should have.
    pub(super) gone: CancellationToken,
}

/// A connection like that of [`connect_by`], with its inboxes, for what strangers send. It is no part of an outage of this
/// process, whatever befalls it. It is not to be used any more when it is lost.
pub(super) async fn connect_for_strangers(
    settings: &NatsSettings,
    name: &str,
    until: Until,
) -> Result<Client, ConnectError> {
    let (servers, options) = prepared(&settings.url, settings.creds.as_deref(), &settings.tls, name).await?;
    let is_told = AtomicBool::new(false);
    let Until { lost, gone } = until;
    // The client lets go of what it calls when the task that drives the connection has ended, in whatever way.
    let gone = gone.drop_guard();
    options
        .name(format!("{name}-door"))
        .subscription_capacity(STRANGERS_WAITING_MAX)
        .event_callback(move |event| {
            let _gone = &gone;
            log_of_strangers(&is_told, &lost, &event);
            std::future::ready(())
        })
        .connect(servers)
        .await
        .map_err(failed)
}

async fn open(url: &str, creds: Option<&Path>, tls: &NatsTls, name: &str) -> Result<Client, ConnectError> {
    let (servers, options) = prepared(url, creds, tls, name).await?;
    let told = Told::default();
    let client = options
        .event_callback(move |event| {
            log(&told, &event);
            std::future::ready(())
        })
        .connect(servers)
        .await
        .map_err(failed)?;
    // One of a cluster may have others keep the streams.
    let server = client.server_info();
    if server.jetstream || server.cluster.is_some() { Ok(client) } else { Err(ConnectError::NoJetStream) }
}

/// The servers, and what all connections to them have in common.
async fn prepared(
    url: &str,
    creds: Option<&Path>,
    tls: &NatsTls,
    name: &str,
) -> Result<(Vec<ServerAddr>, ConnectOptions), ConnectError> {
    let servers = url
        .split(',')
        .map(|address| address.trim().parse())
        .collect::<Result<Vec<ServerAddr>, _>>()
        .map_err(ConnectError::Address)?;
    let options = match creds {
        Some(file) => ConnectOptions::with_credentials_file(file).await.map_err(ConnectError::Credentials)?,
        None => servers.first().map_or_else(ConnectOptions::new, secret_of),
    };
    let options = secured(options, tls)
        .name(name)
        .custom_inbox_prefix(format!("{INBOXES}{name}"))
        .ping_interval(PING_EVERY)
        .connection_timeout(CONNECT_MAX)
        .request_timeout(Some(REQUEST_MAX))
        .subscription_capacity(MESSAGES_WAITING_MAX)
        .max_reconnects(None)
        .reconnect_delay_callback(|attempts| {
            let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
            RECONNECT_PAUSE_STEP.saturating_mul(attempts).min(RECONNECT_PAUSE_MAX)
        });
    Ok((servers, options))
}

/// Why there is no connection.
fn failed(error: async_nats::ConnectError) -> ConnectError {
    use async_nats::ConnectErrorKind::{Authentication, AuthorizationViolation, Tls};
    match error.kind() {
        Tls => ConnectError::Tls(error),
        Authentication | AuthorizationViolation => ConnectError::Refused(error),
        _ if is_of_tls(&error) => ConnectError::Tls(error),
        _ => ConnectError::Connect(error),
    }
}

/// Whether TLS is what failed. The client says of a handshake no more than that it was input and output.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<async_nats::rustls::Error>() {
            return true;
        }
        next = match error.downcast_ref::<io::Error>() {
            Some(outer) => outer.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    false
}

/// How a connection stands, for whoever only wants to know that. A clone is the same.
#[derive(Debug, Clone)]
pub struct Connection(Arc<RwLock<Client>>);

impl Connection {
    /// The connection of a client.
    pub fn of(client: &Client) -> Self {
        Self(Arc::new(RwLock::new(client.clone())))
    }

    /// Notes the connection that was made in its place.
    pub fn replace(&self, client: &Client) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = client.clone();
    }

    /// Whether it stands, as far as the client knows: a server that hangs is noticed within two pings.
    pub fn stands(&self) -> bool {
        let client = self.client();
        client.connection_state() == State::Connected && !is_gone(&client)
    }

    /// What is to be said of it while it does not stand: how often it was tried to connect again, and why that failed last.
    pub fn trouble(&self) -> Option<String> {
        if is_gone(&self.client()) {
            return Some("it ended for good: a new one is needed, or a new process".to_owned());
        }
        (!self.stands()).then(outage::sentence)
    }

    fn client(&self) -> Client {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the servers denied this process lately, on whichever connection.
    pub fn denied(&self) -> Option<String> {
        denied::denied_lately()
    }
}

/// Whether nothing drives the connection of a client any more, which nothing else tells. Some messages that anybody may publish its task
/// does not survive.
fn is_gone(client: &Client) -> bool {
    // What is only disconnected comes back, and the question would wait among the client's commands.
    if client.connection_state() != State::Connected {
        return false;
    }
    let refused = client.flush().now_or_never();
    matches!(refused, Some(Err(error)) if error.kind() == FlushErrorKind::SendError)
}

/// With the certificates that are set.
fn secured(mut options: ConnectOptions, tls: &NatsTls) -> ConnectOptions {
    if let Some(ca) = &tls.ca {
        options = options.add_root_certificates(ca.clone()).require_tls(true);
    }
    if let Some(own) = &tls.own {
        let TlsFiles { certificate, key } = own.clone();
        options = options.add_client_certificate(certificate, key).require_tls(true);
    }
    options
}

/// The client does not look for a secret in an address by itself.
fn secret_of(server: &ServerAddr) -> ConnectOptions {
    match (server.username(), server.password()) {
        (Some(user), Some(password)) => {
            ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        }
        (Some(token), None) => ConnectOptions::with_token(token.to_owned()),
        (None, _) => ConnectOptions::new(),
    }
}

/// A denied publish or subscription shows nowhere else: its request just runs into its time-out.
fn log(told: &Told, event: &Event) {
    match event {
        Event::Connected => told.stands(),
        Event::Disconnected => told.lost(),
        Event::LameDuckMode => tracing::info!("the NATS server is about to stop"),
        Event::Draining | Event::Closed => tracing::info!(%event, "the connection to NATS is closing"),
        Event::SlowConsumer(subscription) => {
            tracing::warn!(subscription, "a subscription does not keep up; NATS messages were dropped");
        }
        Event::ServerError(error) => {
            denied::note(error);
            tracing::error!(%error, "the NATS server refused something");
        }
        Event::ClientError(error) => told.failed(error),
    }
}

/// Strangers can bring about most of this as often as they like, so little is said of it.
fn log_of_strangers(is_told: &AtomicBool, lost: &CancellationToken, event: &Event) {
    match event {
        Event::Disconnected | Event::Closed => lost.cancel(),
        Event::SlowConsumer(_) if !is_told.swap(true, Ordering::Relaxed) => {
            tracing::warn!(
                "requests of programs on NATS come faster than they can be taken; some were dropped"
            );
        }
        Event::ServerError(error) => tracing::warn!(%error, "the NATS server refused something"),
        Event::ClientError(_)
        | Event::Connected
        | Event::Draining
        | Event::LameDuckMode
        | Event::SlowConsumer(_) => tracing::debug!(%event, "the connection for requests of programs"),
    }
}
