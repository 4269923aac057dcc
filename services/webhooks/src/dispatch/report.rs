//! One attempt to tell an endpoint of an account how another endpoint fares: as any other attempt, but about no instance.

use berth_bus::Holds;
use berth_log::decode_commit;
use berth_notices::formats::{self, NATIVE, Rendered, UrlSuffix, rfc3339};
use berth_proto::{
    AccountId, Partition, StreamKey,
    attempt::AfterAttemptV1,
    delivery::{DeliveryEvent, EndpointReportedV1, SettlementV1},
    instance::WebhookV1,
};
use serde_json::json;
use tokio::time::Instant;

use super::{
    attempt::{Ended, Outcome, Tools, begun, not_sent, note_end, park, place, sent},
    lane::Pending,
    open::{Endpoint, Keyhole},
    paces::Bounds,
    permit::{Fault, GATE_FRESH_MAX, OfAccount, Owner, read_account, read_commit},
    prepare::Prepared,
    send::connect,
    shares::Destination,
};
use crate::transport::Pass;

/// Tries once.
pub(super) async fn run(
    tools: &Tools,
    ended: &mut Ended,
    pending: &Pending,
    holds: Holds,
) -> Result<Outcome, Fault> {
    let gone = Outcome::Settle(SettlementV1::CancelledByEndpoint);
    let account = AccountId::from_bytes(*pending.key.instance.as_bytes());
    let (mut read_at, mut of_account) = (Instant::now(), read_account(tools, account).await?);
    let Some(webhook) = listening(&of_account, pending) else { return Ok(gone) };
    let prepared = match prepare(tools, account, pending, webhook).await {
        Ok(Some(prepared)) => prepared,
        Ok(None) => return Ok(gone),
        Err(fault) if fault.lasts() => return Ok(park(tools, pending, account, &fault).await),
        Err(fault) => return Err(fault),
    };
    let leads_to = Destination { account, place: place(&prepared.endpoint.url) };
    let bounds = Bounds::of(prepared.endpoint.pace, true);
    if pending.slot.map(|slot| slot.to) != Some(leads_to) || pending.bounds != bounds {
        return Ok(Outcome::Found(leads_to, bounds));
    }
    let begun = begun(tools, pending, account);
    tools.attempts.note(&begun).await?;
    let reached = connect(tools, account, pending, &prepared).await;
    // Whether it is still there is asked again once the connection is open, which takes its time.
    if read_at.elapsed() >= GATE_FRESH_MAX {
        read_at = Instant::now();
        of_account = match read_account(tools, account).await {
            Ok(of_account) => of_account,
            Err(fault) => {
                note_end(tools, begun, not_sent(AfterAttemptV1::Waits { until: tools.clock.now() })).await;
                return Err(fault);
            }
        };
    }
    let Some(webhook) = listening(&of_account, pending) else {
        let outcome = SettlementV1::CancelledByEndpoint;
        note_end(tools, begun, not_sent(AfterAttemptV1::Settled { outcome })).await;
        return Ok(gone);
    };
    let pass = Pass { holds, begins_before: read_at + GATE_FRESH_MAX };
    let endpoint = Some((webhook, Owner::Account(account)));
    Ok(sent(tools, ended, (&prepared, reached), (endpoint, pass), begun).await)
}

/// The endpoint that is told, while it is there and the account is not closed.
fn listening<'a>(of_account: &'a OfAccount, pending: &Pending) -> Option<&'a WebhookV1> {
    let is_told = |one: &&WebhookV1| one.id == pending.key.endpoint && one.enabled && one.format == NATIVE;
    of_account.webhooks.iter().find(is_told).filter(|_| !of_account.is_closed)
}

/// The body, made of the commit of the report; none if the endpoint cannot be opened.
async fn prepare(
    tools: &Tools,
    account: AccountId,
    pending: &Pending,
    webhook: &WebhookV1,
) -> Result<Option<Prepared>, Fault> {
    let reported = read(tools, account, pending).await?;
    let Some(data_key) = tools.keys.key(account.as_bytes()).await? else { return Ok(None) };
    let keyhole = Keyhole { key: &data_key, owner: account.as_bytes() };
    let opened = Endpoint::open(keyhole, webhook, tools.clock.now());
    let (Ok(endpoint), Some(format)) = (opened, formats::by_name(NATIVE)) else { return Ok(None) };
    // An endpoint that was told of others last was told of no instance.
    let of_instance = Some(reported.instance).filter(|instance| instance.as_bytes() != account.as_bytes());
    let body = json!({
        "type": pending.owed.event,
        "timestamp": rfc3339(pending.owed.occurred_at),
        "data": {
            "account": account.to_string(), "webhook": reported.endpoint.to_string(),
            "instance": of_instance.map(|instance| instance.to_string()),
            "failures": reported.failures, "since": reported.since.map(rfc3339),
        },
    });
    let rendered = Rendered {
        body: body.to_string().into_bytes(),
        headers: Vec::new(),
        suffix: UrlSuffix::None,
        authorization: None,
    };
    let (happening, token, traceparent) = (None, None, None);
    Ok(Some(Prepared { happening, format, endpoint, rendered, data_key, token, traceparent }))
}

/// The commit of a report.
async fn read(tools: &Tools, account: AccountId, pending: &Pending) -> Result<EndpointReportedV1, Fault> {
    let stream = StreamKey::delivery(Partition::of(account.as_bytes()));
    let stored = read_commit(tools, &stream, pending.key.version, pending.owed.commit).await?;
    let commit = decode_commit(&stored)?;
    for record in &commit.events {
        if let DeliveryEvent::EndpointReported(reported) = DeliveryEvent::from_record(record)? {
            return Ok(reported);
        }
    }
    Err(Fault::Missing)
}
