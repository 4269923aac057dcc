//! Answers what was sent to the endpoints of an account: any replica, from its table of attempts and its outbox.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use berth_bus::{Request, Requests};
use berth_proto::{
    AccountId, EndpointId, InstanceId,
    attempt::AfterAttemptV1,
    codec,
    deliveries::{
        DELIVERIES_PAGE_MAX, DeliveriesPageV1, DeliveriesReplyV1, DeliveriesRequestV1, DeliveryV1,
        ENDPOINTS_ASKED_MAX, FailingEndpointV1, OWED_COUNTED_MAX, OWED_INSTANCES_MAX, StandingV1,
    },
    delivery::{NoticeKeyV1, SettlementV1},
};
use berth_views::ViewError;
use bytes::Bytes;
use futures::StreamExt;
use thiserror::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    attempts::{Delivery, Page, Places, TableError, notice_bytes},
    dispatch::{Fault, Reach, Tools, of_endpoint, read},
    health::Health,
    outbox::{Owed, SettledRow, owed_key, owed_prefix, read_row, settled_key},
    signing::delivery_id,
};

/// Questions that are answered at the same time.
const ANSWERED_AT_ONCE_MAX: usize = 32;
/// How long an answer waits until this replica knows what the others noted.
const CAUGHT_UP_MAX: Duration = Duration::from_secs(2);
/// Deliveries that are looked at for one page.
const LOOKED_AT_MAX: usize = 10_000;
/// Notices of an instance among which those are looked for that were not tried yet.
const OWED_LOOKED_AT_MAX: usize = 2_000;
/// Attempts of one delivery that are shown, the last ones.
const ATTEMPTS_SHOWN_MAX: usize = 40;

/// A question cannot be answered now.
#[derive(Debug, Error)]
enum AskFault {
    #[error("the store of attempts cannot be read")]
    Table(#[from] TableError),
    #[error("the outbox cannot be read")]
    View(#[from] ViewError),
    #[error("an instance cannot be read")]
    Instance(#[from] Fault),
    #[error("this replica does not know yet what the others tried")]
    Behind,
}

/// Answers questions until told to stop.
pub(crate) async fn serve(tools: Tools, requests: Requests, stop: CancellationToken) {
    let serving = requests.for_each_concurrent(ANSWERED_AT_ONCE_MAX, |request| {
        let tools = tools.clone();
        async move { answer(&tools, request).await }
    });
    stop.run_until_cancelled(serving).await;
}

async fn answer(tools: &Tools, request: Request) {
    let Ok(asked) = codec::decode::<DeliveriesRequestV1>(&request.payload) else {
        tracing::warn!("a question about deliveries cannot be read");
        return;
    };
    let reply = match asked {
        DeliveriesRequestV1::Page(page) => page_of(tools, &page, None).await,
        DeliveriesRequestV1::OfEndpoint { endpoint, page } => {
            let page = DeliveriesPageV1 { endpoint: None, ..page };
            page_of(tools, &page, Some(endpoint)).await
        }
        DeliveriesRequestV1::One { instance, endpoint, id } => one(tools, instance, endpoint, id).await,
        DeliveriesRequestV1::Owed { instances } => owed(tools, instances).await,
        DeliveriesRequestV1::Failing { account, endpoints } => failing(tools, account, &endpoints),
    };
    let reply = reply.unwrap_or_else(|fault| {
        let error = &fault as &dyn std::error::Error;
        tracing::warn!(error, "a question about deliveries cannot be answered now");
        DeliveriesReplyV1::Unavailable
    });
    if let Ok(payload) = codec::encode(&reply) {
        request.reply.send(Bytes::from(payload));
    }
}

/// Waits until this replica knows what was tried and settled before it was asked.
async fn caught_up(tools: &Tools) -> Result<(), AskFault> {
    let end = tools.log.end().await.map_err(Fault::Log)?;
    timeout(CAUGHT_UP_MAX, tools.attempts.caught_up()).await.map_err(|_| AskFault::Behind)?;
    Ok(tools.outbox.reached(&end, CAUGHT_UP_MAX).await?)
}

/// A page, of one endpoint of the account if only that is wanted.
async fn page_of(
    tools: &Tools,
    asked: &DeliveriesPageV1,
    only: Option<EndpointId>,
) -> Result<DeliveriesReplyV1, AskFault> {
    caught_up(tools).await?;
    let limit = usize::from(asked.limit.clamp(1, DELIVERIES_PAGE_MAX));
    let places = match asked.endpoint {
        Some((instance, endpoint)) => Places::Endpoint(instance, endpoint),
        None if never_failed_wanted(&asked.standings) => Places::Account(asked.account),
        None => Places::Failures(asked.account),
    };
    let mut failed = None;
    let page = tools.attempts.table().page(
        places,
        asked.before.as_deref(),
        (limit, LOOKED_AT_MAX),
        |notice, delivery| match standing(tools, notice, delivery) {
            Ok(_) if only.is_some_and(|only| only != notice.endpoint) => false,
            Ok(standing) => is_wanted(asked, notice, delivery.occurred_at, standing),
            Err(error) => {
                failed.get_or_insert(error);
                false
            }
        },
    )?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let Page { deliveries: found, mut next } = page;
    let mut deliveries = Vec::with_capacity(found.len());
    for (notice, delivery) in &found {
        deliveries.push(shown(notice, delivery, standing(tools, notice, delivery)?));
    }
    if let Some((instance, endpoint)) = asked.endpoint {
        let untried = untried(tools, asked, (instance, endpoint), next.as_deref())?;
        deliveries.extend(untried);
        deliveries.sort_by_key(|one| std::cmp::Reverse((one.notice.version, one.notice.ordinal)));
        if deliveries.len() > limit {
            deliveries.truncate(limit);
            next = deliveries.last().map(|last| notice_bytes(&last.notice));
        }
    } else {
        keep_present(tools, asked.account, only.is_some(), &mut deliveries).await?;
    }
    Ok(DeliveriesReplyV1::Page { deliveries, next })
}

/// Whether a page may show what never failed. What only failed once stands in an index of its own.
fn never_failed_wanted(standings: &[StandingV1]) -> bool {
    let delivered = StandingV1::Settled { outcome: SettlementV1::Delivered };
    standings.is_empty() || standings.contains(&delivered)
}

fn is_wanted(
    asked: &DeliveriesPageV1,
    notice: &NoticeKeyV1,
    occurred_at: berth_proto::Timestamp,
    standing: StandingV1,
) -> bool {
    asked.instance.is_none_or(|instance| instance == notice.instance)
        && asked.since.is_none_or(|since| occurred_at >= since)
        && asked.until.is_none_or(|until| occurred_at < until)
        && (asked.standings.is_empty() || asked.standings.contains(&standing))
}

/// What an endpoint is owed and was never tried, as far as it belongs on the page that ends before `next`.
fn untried(
    tools: &Tools,
    asked: &DeliveriesPageV1,
    (instance, endpoint): (InstanceId, EndpointId),
    next: Option<&[u8]>,
) -> Result<Vec<DeliveryV1>, AskFault> {
    let mut untried = Vec::new();
    for (notice, owed) in of_endpoint(tools.outbox.as_ref(), instance, endpoint, OWED_LOOKED_AT_MAX)? {
        let key = notice_bytes(&notice);
        let is_here = asked.before.as_ref().is_none_or(|before| key < *before)
            && next.is_none_or(|next| key.as_slice() >= next)
            && is_wanted(asked, &notice, owed.occurred_at, StandingV1::Waiting);
        if is_here && tools.attempts.table().delivery(&notice)?.is_none() {
            untried.push(not_tried(&notice, &owed));
        }
    }
    Ok(untried)
}

/// Leaves out what is of instances that the account does not have now. What is about endpoints is of none, and belongs to the
/// account's own endpoints.
async fn keep_present(
    tools: &Tools,
    account: AccountId,
    with_reports: bool,
    deliveries: &mut Vec<DeliveryV1>,
) -> Result<(), AskFault> {
    let mut present = HashMap::from([(InstanceId::from_bytes(*account.as_bytes()), with_reports)]);
    for one in deliveries.iter() {
        let instance = one.notice.instance;
        if let Entry::Vacant(unknown) = present.entry(instance) {
            unknown.insert(match read(tools, instance, Reach::Own).await {
                Ok(permit) => permit.step.state.account == account,
                Err(fault) if fault.lasts() => false,
                Err(fault) => return Err(fault.into()),
            });
        }
    }
    deliveries.retain(|one| present.get(&one.notice.instance) == Some(&true));
    Ok(())
}

async fn one(
    tools: &Tools,
    instance: InstanceId,
    endpoint: EndpointId,
    id: berth_proto::CommandId,
) -> Result<DeliveriesReplyV1, AskFault> {
    caught_up(tools).await?;
    let table = tools.attempts.table();
    if let Some(notice) = table.named(id)? {
        let delivery = table.delivery(&notice)?;
        let Some(delivery) = delivery.filter(|_| (notice.instance, notice.endpoint) == (instance, endpoint))
        else {
            return Ok(DeliveriesReplyV1::Unknown);
        };
        let mut attempts = table.attempts(&notice)?;
        attempts.drain(..attempts.len().saturating_sub(ATTEMPTS_SHOWN_MAX));
        let standing = standing(tools, &notice, &delivery)?;
        return Ok(DeliveriesReplyV1::One(shown(&notice, &delivery, standing), attempts));
    }
    let owed = of_endpoint(tools.outbox.as_ref(), instance, endpoint, OWED_LOOKED_AT_MAX)?;
    let found = owed.iter().find(|(notice, _)| delivery_id(notice) == id);
    Ok(found.map_or(DeliveriesReplyV1::Unknown, |(notice, owed)| {
        DeliveriesReplyV1::One(not_tried(notice, owed), Vec::new())
    }))
}

/// How many notices each instance is owed. It is told as it stands in the view and waits for nothing: who asks shows a list,
/// which may be behind itself.
async fn owed(tools: &Tools, instances: Vec<InstanceId>) -> Result<DeliveriesReplyV1, AskFault> {
    let outbox = Arc::clone(&tools.outbox);
    let counted = berth_runtime::spawn_blocking(move || {
        let count = |instance: InstanceId| {
            let rows = outbox.scan(&owed_prefix(Some(instance)), None, usize::from(OWED_COUNTED_MAX))?;
            Ok(u16::try_from(rows.len()).unwrap_or(OWED_COUNTED_MAX))
        };
        instances.into_iter().take(OWED_INSTANCES_MAX).map(count).collect::<Result<Vec<u16>, ViewError>>()
    });
    let counts = counted.await.unwrap_or_else(|error| Err(ViewError::Store(error.to_string().into())))?;
    Ok(DeliveriesReplyV1::Owed(counts))
}

/// Those of an account's endpoints that take nothing at present.
fn failing(
    tools: &Tools,
    account: AccountId,
    endpoints: &[EndpointId],
) -> Result<DeliveriesReplyV1, AskFault> {
    let mut failing = Vec::new();
    for endpoint in endpoints.iter().take(ENDPOINTS_ASKED_MAX) {
        let health = tools.attempts.endpoints().of(*endpoint)?.filter(|health| health.account == account);
        let Some(Health { failures, failing_since: Some(since), open, .. }) = health else { continue };
        let left_alone_until = open.map(|open| open.until);
        failing.push(FailingEndpointV1 { endpoint: *endpoint, failures, since, left_alone_until });
    }
    Ok(DeliveriesReplyV1::Failing(failing))
}

/// How a delivery stands: by the log if it is settled there, else by its last attempt. One that is owed waits, whatever
/// came of it before it was sent again.
fn standing(tools: &Tools, notice: &NoticeKeyV1, delivery: &Delivery) -> Result<StandingV1, ViewError> {
    let settled = tools.outbox.get(&settled_key(notice))?.and_then(|row| read_row::<SettledRow>(&row));
    if let Some(settled) = settled {
        return Ok(StandingV1::Settled { outcome: settled.outcome });
    }
    if tools.outbox.get(&owed_key(notice))?.is_some() {
        return Ok(StandingV1::Waiting);
    }
    Ok(match delivery.end {
        Some((_, AfterAttemptV1::Settled { outcome })) => StandingV1::Settled { outcome },
        _ => StandingV1::Waiting,
    })
}

fn shown(notice: &NoticeKeyV1, delivery: &Delivery, standing: StandingV1) -> DeliveryV1 {
    let next_at = match delivery.end {
        Some((_, AfterAttemptV1::Waits { until })) if standing == StandingV1::Waiting => Some(until),
        _ => None,
    };
    DeliveryV1 {
        id: delivery_id(notice),
        notice: *notice,
        class: delivery.class,
        event: delivery.event.clone(),
        occurred_at: delivery.occurred_at,
        standing,
        attempts: delivery.number,
        first_at: Some(delivery.first_at),
        last_at: Some(delivery.started_at),
        last: delivery.end.map(|(result, _)| result),
        next_at,
    }
}

fn not_tried(notice: &NoticeKeyV1, owed: &Owed) -> DeliveryV1 {
    DeliveryV1 {
        id: delivery_id(notice),
        notice: *notice,
        class: owed.class,
        event: owed.event.clone(),
        occurred_at: owed.occurred_at,
        standing: StandingV1::Waiting,
        attempts: 0,
        first_at: None,
        last_at: None,
        last: None,
        next_at: None,
    }
}
