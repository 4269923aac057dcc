//! Brings spans to the operator's collector, by OTLP over HTTP with protobuf. Nobody waits for it: spans that the collector
//! does not take are lost, and counted.

mod wire;

use std::{sync::Arc, time::Duration};

use berth_runtime::{
    Entropy, Lifecycle, Role, SystemClock, SystemEntropy,
    config::{TraceHeader, TraceSettings},
    telemetry::traces::{self, Finished, FinishedSpan},
};
use bytes::Bytes;
use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

/// The pauses after which a batch is sent again that a collector did not take for the moment.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// How long is sent after the process was asked to stop: less than it drains.
const LAST_MAX: Duration = Duration::from_secs(2);
/// How often the log says that spans are lost.
const WARN_EACH: Duration = Duration::from_mins(1);
/// What a body is.
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// Sends spans to one collector.
struct Collector {
    client: Client,
    url: String,
    resource: wire::Resource,
    warned_at: Option<Instant>,
}

/// Why a collector did not take a batch.
enum Refusal {
    /// The same batch may be taken later.
    Now(String),
    /// It never will.
    Lasting(String),
}

/// Traces from now on, if there is a collector.
pub(crate) fn start(role: Role, settings: &TraceSettings, lifecycle: &Lifecycle) -> Result<(), Failure> {
    let Some(url) = &settings.collector else { return Ok(()) };
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    // Only a second call in one process is an error, and harmless.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(settings.timeout)
        .default_headers(headers(settings))
        .user_agent(concat!("berth/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|source| Failure::Collector(source.without_url()))?;
    let resource = wire::resource(role, &berth_bus::MemberId::random(&*entropy).to_string(), settings);
    let Some(finished) = traces::install(Arc::new(SystemClock), entropy, settings.one_in) else {
        return Ok(());
    };
    let stop = lifecycle.stop().clone();
    let mut collector = Collector { client, url: url.clone(), resource, warned_at: None };
    lifecycle.spawn(async move {
        let too_late = async {
            stop.cancelled().await;
            sleep(LAST_MAX).await;
        };
        // A batch that is under way when the stop comes is not begun anew: the collector would have its spans twice.
        let sending = async {
            while let Some(spans) = stop.run_until_cancelled(finished.next()).await {
                collector.send(&spans).await;
            }
            // What ends in the drain is a part of what was begun.
            collector.send_the_rest(finished).await;
        };
        tokio::select! {
            () = too_late => {}
            () = sending => {}
        }
    });
    Ok(())
}

/// What every request has. Its values are marked as secret, so that nothing prints them.
fn headers(settings: &TraceSettings) -> HeaderMap {
    let header = |header: &TraceHeader| {
        // It was checked with the settings.
        let mut value = HeaderValue::from_str(header.value.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some((header.name.clone(), value))
    };
    settings.headers.iter().filter_map(header).collect()
}

// === impl Collector ===

impl Collector {
    /// Sends spans, more than once if that may help.
    async fn send(&mut self, spans: &[FinishedSpan]) {
        if spans.is_empty() {
            return;
        }
        let body = Bytes::from(wire::body(&self.resource, spans));
        let mut pauses = PAUSES.into_iter();
        let reason = loop {
            match self.post(body.clone()).await {
                Ok(()) => return Finished::sent(spans.len()),
                Err(Refusal::Lasting(reason)) => break reason,
                Err(Refusal::Now(reason)) => match pauses.next() {
                    Some(pause) => sleep(pause).await,
                    None => break reason,
                },
            }
        };
        Finished::lost("refused", spans.len());
        if self.warned_at.is_none_or(|at| at.elapsed() >= WARN_EACH) {
            self.warned_at = Some(Instant::now());
            tracing::warn!(
                reason,
                spans = spans.len(),
                "the collector of traces takes no spans: they are lost"
            );
        }
    }

    async fn post(&self, body: Bytes) -> Result<(), Refusal> {
        let request = self.client.post(&self.url).header(CONTENT_TYPE, PROTOBUF).body(body);
        let answer = request.send().await.map_err(|error| {
            let error = error.without_url();
            Refusal::Now(berth_runtime::chain(&error))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let passes = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        let reason = format!("it answered {status}");
        Err(if passes { Refusal::Now(reason) } else { Refusal::Lasting(reason) })
    }

    /// Sends what still comes, until nobody waits any more.
    async fn send_the_rest(&mut self, finished: Finished) {
        loop {
            let spans = finished.now();
            if spans.is_empty() {
                sleep(LAST_MAX / 10).await;
            }
            self.send(&spans).await;
        }
    }
}
