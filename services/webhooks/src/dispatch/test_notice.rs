//! A notice that says nothing: sent once, at once, and never repeated, so that whoever configures an endpoint sees what
//! becomes of one.

use berth_notices::{
    derive::Step,
    formats::{RetryRule, UrlSuffix, rfc3339},
    open::Opener,
};
use berth_proto::{
    CommandId, EndpointId, InstanceId,
    attempt::{AfterAttemptV1, AttemptEndV1},
    delivery::SettlementV1,
};
use berth_runtime::{DataKey, entropy::new_command_id, sealing::field};
use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use super::{attempt::Tools, open::Endpoint, permit::Fault, send as sending};
use crate::{
    schedule::{Reception, judge},
    signing::signatures,
    transport::{Connected, HeaderParts, Parcel, Pass, SendError, build},
};

/// What such a notice is called.
const EVENT: &str = "webhook.test";

/// One that is ready to be sent, on a connection to its endpoint if there is one.
pub(super) struct Ready {
    id: CommandId,
    instance: InstanceId,
    endpoint: Endpoint,
    token: Option<String>,
    data_key: DataKey,
    body: Bytes,
    connected: Result<Connected, SendError>,
    started: Instant,
}

/// Makes one and opens its connection; none if the endpoint cannot be opened or has no URL.
pub(super) async fn prepare(
    tools: &Tools,
    step: &Step,
    endpoint: EndpointId,
) -> Result<Option<Ready>, Fault> {
    let instance = step.instance;
    let webhook = step.state.webhooks.iter().find(|webhook| webhook.id == endpoint);
    let key = tools.keys.key(instance.as_bytes()).await?;
    let (Some(webhook), Some(data_key)) = (webhook, key) else { return Ok(None) };
    let opener = Opener { key: &data_key, instance, master: tools.keys.master() };
    let now = tools.clock.now();
    let (Ok(endpoint), Ok(name)) =
        (Endpoint::open(opener, webhook, now), opener.text(field::NAME, &step.state.name))
    else {
        return Ok(None);
    };
    if endpoint.url.is_empty() {
        return Ok(None);
    }
    let token = opener.text(field::TOKEN, &step.state.token).ok();
    let body = json!({
        "type": EVENT,
        "timestamp": rfc3339(now),
        "data": {
            "instance": instance.to_string(), "name": name, "number": step.state.number.to_string(),
            "session": step.state.session, "version": step.version,
        },
    });
    let started = Instant::now();
    let attempt_max = tools.schedule.attempt_max(RetryRule::Standard);
    let connected = tools.transport.connect(&UrlSuffix::None.on(&endpoint.url), attempt_max).await;
    let id = new_command_id(tools.entropy.as_ref());
    let body = Bytes::from(body.to_string());
    Ok(Some(Ready { id, instance, endpoint, token, data_key, body, connected, started }))
}

// === impl Ready ===

impl Ready {
    /// Sends it, as far as it may.
    pub(super) async fn send(self, tools: &Tools, pass: Pass) -> (CommandId, AttemptEndV1) {
        let Self { id, instance, endpoint, token, data_key, body, connected, started } = self;
        let (message_id, now) = (format!("msg_{id}"), tools.clock.now());
        let headers = build(&HeaderParts {
            id: &message_id,
            timestamp_seconds: now.seconds(),
            signature: &signatures(&endpoint.secrets, endpoint.asymmetric, &message_id, now.seconds(), &body),
            format: &[],
            custom: &endpoint.headers,
            authorization: endpoint.authorization.as_deref(),
        });
        let answer = match connected {
            Ok(connected) => connected.send(Parcel { headers, body }, pass).await,
            Err(error) => Err(error),
        };
        let took = started.elapsed();
        let delivered = answer
            .as_ref()
            .is_ok_and(|answer| judge(RetryRule::Standard, answer, now) == Reception::Delivered);
        let outcome = if delivered { SettlementV1::Delivered } else { SettlementV1::Exhausted };
        let answered = answer.as_ref().ok().filter(|answer| !answer.body.is_empty());
        let sealed = answered.map(|answer| {
            let text = sending::redacted(&answer.body, &endpoint, token.iter());
            data_key.seal(instance.as_bytes(), field::ANSWER, text.as_bytes())
        });
        let end = AttemptEndV1 {
            took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            result: sending::result(&answer),
            answer: sealed,
            then: AfterAttemptV1::Settled { outcome },
        };
        (id, end)
    }
}
