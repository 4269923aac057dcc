//! A notice that says nothing: sent once, at once, and never repeated, so that whoever configures an endpoint sees what
//! becomes of one.

use berth_notices::{
    derive::Step,
    formats::{RetryRule, UrlSuffix, rfc3339},
    open::Opener,
};
use berth_proto::{
    CommandId, EndpointId,
    attempt::{AfterAttemptV1, AttemptEndV1},
    delivery::SettlementV1,
};
use berth_runtime::{entropy::new_command_id, sealing::field};
use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use super::{attempt::Tools, open::Endpoint, permit::Fault, send as sending};
use crate::{
    schedule::{Reception, judge},
    signing::signatures,
    transport::{HeaderParts, Parcel, build},
};

/// What such a notice is called.
const EVENT: &str = "webhook.test";

/// Sends one; none if the endpoint cannot be opened or has no URL.
pub(super) async fn send(
    tools: &Tools,
    step: &Step,
    endpoint: EndpointId,
) -> Result<Option<(CommandId, AttemptEndV1)>, Fault> {
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
    let id = new_command_id(tools.entropy.as_ref());
    let message_id = format!("msg_{id}");
    let body = json!({
        "type": EVENT,
        "timestamp": rfc3339(now),
        "data": {
            "instance": instance.to_string(), "name": name, "number": step.state.number.to_string(),
            "session": step.state.session, "version": step.version,
        },
    });
    let body = Bytes::from(body.to_string());
    let headers = build(&HeaderParts {
        id: &message_id,
        timestamp_seconds: now.seconds(),
        signature: &signatures(&endpoint.secrets, &message_id, now.seconds(), &body),
        format: &[],
        custom: &endpoint.headers,
        authorization: endpoint.authorization.as_deref(),
    });
    let attempt_max = tools.schedule.attempt_max(RetryRule::Standard);
    let parcel = Parcel { url: UrlSuffix::None.on(&endpoint.url), headers, body, attempt_max };
    let started = Instant::now();
    let answer = tools.transport.send(parcel).await;
    let took = started.elapsed();
    let delivered =
        answer.as_ref().is_ok_and(|answer| judge(RetryRule::Standard, answer, now) == Reception::Delivered);
    let outcome = if delivered { SettlementV1::Delivered } else { SettlementV1::Exhausted };
    let token = opener.text(field::TOKEN, &step.state.token).ok();
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
    Ok(Some((id, end)))
}
