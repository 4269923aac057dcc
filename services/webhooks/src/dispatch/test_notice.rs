//! A notice that says nothing: sent once, at once, and never repeated, so that whoever configures an endpoint sees what
//! becomes of one.

use berth_notices::{
    formats::{RetryRule, UrlSuffix, rfc3339},
    open::Opener,
};
use berth_proto::{
    AccountId, CommandId, EndpointId,
    attempt::{AfterAttemptV1, AttemptEndV1},
    delivery::SettlementV1,
    instance::WebhookV1,
};
use berth_runtime::{DataKey, entropy::new_command_id, sealing::field};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    attempt::Tools,
    open::{Endpoint, Keyhole},
    permit::{Fault, Permit},
    prepare::opened,
    send as sending,
};
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
    /// Under whose key the answer is sealed: the instance's, or the account's.
    owner: [u8; 16],
    endpoint: Endpoint,
    token: Option<String>,
    data_key: DataKey,
    body: Bytes,
    connected: Result<Connected, SendError>,
    started: Instant,
}

/// Makes one about an instance and opens its connection; none if the endpoint cannot be opened or has no URL.
pub(super) async fn prepare(
    tools: &Tools,
    permit: &Permit,
    endpoint: EndpointId,
) -> Result<Option<Ready>, Fault> {
    let step = &permit.step;
    let instance = step.instance;
    let Some(data_key) = tools.keys.key(instance.as_bytes()).await? else { return Ok(None) };
    let Some(endpoint) = permit.endpoint(endpoint) else { return Ok(None) };
    let opener = Opener { key: &data_key, instance, master: tools.keys.master() };
    let endpoint = opened(tools, instance, &data_key, endpoint).await?;
    let (Some(endpoint), Ok(name)) = (endpoint, opener.text(field::NAME, &step.state.name)) else {
        return Ok(None);
    };
    let token = opener.text(field::TOKEN, &step.state.token).ok();
    let data = json!({
        "instance": instance.to_string(), "name": name, "number": step.state.number.to_string(),
        "session": step.state.session, "version": step.version,
    });
    Ok(ready(tools, (*instance.as_bytes(), data_key), endpoint, token, &data).await)
}

/// Makes one that is about no instance, for an endpoint of an account, and opens its connection; none if the endpoint cannot be
/// opened or has no URL.
pub(super) async fn prepare_of_account(
    tools: &Tools,
    account: AccountId,
    webhook: &WebhookV1,
) -> Result<Option<Ready>, Fault> {
    let Some(data_key) = tools.keys.key(account.as_bytes()).await? else { return Ok(None) };
    let keyhole = Keyhole { key: &data_key, owner: account.as_bytes() };
    let Ok(endpoint) = Endpoint::open(keyhole, webhook, tools.clock.now()) else { return Ok(None) };
    let data = json!({ "account": account.to_string() });
    Ok(ready(tools, (*account.as_bytes(), data_key), endpoint, None, &data).await)
}

async fn ready(
    tools: &Tools,
    (owner, data_key): ([u8; 16], DataKey),
    endpoint: Endpoint,
    token: Option<String>,
    data: &Value,
) -> Option<Ready> {
    if endpoint.url.is_empty() {
        return None;
    }
    let body = json!({ "type": EVENT, "timestamp": rfc3339(tools.clock.now()), "data": data });
    let started = Instant::now();
    let attempt_max = tools.schedule.attempt_max(RetryRule::Standard);
    let connected = tools.transport.connect(&UrlSuffix::None.on(&endpoint.url), attempt_max).await;
    let id = new_command_id(tools.entropy.as_ref());
    let body = Bytes::from(body.to_string());
    Some(Ready { id, owner, endpoint, token, data_key, body, connected, started })
}

// === impl Ready ===

impl Ready {
    /// Sends it, as far as it may.
    pub(super) async fn send(self, tools: &Tools, pass: Pass) -> (CommandId, AttemptEndV1) {
        let Self { id, owner, endpoint, token, data_key, body, connected, started } = self;
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
            data_key.seal(&owner, field::ANSWER, text.as_bytes())
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
