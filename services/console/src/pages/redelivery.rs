//! `POST /console/i/{i}/webhooks/{w}/retry`, `…/recover` and `…/test`.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use berth_gateway::app::{Failure, Record, Redelivered, Tested};
use berth_proto::{EndpointId, attempt::AfterAttemptV1, delivery::SettlementV1};

use crate::{
    form::Form,
    notices::{result, silent},
    pages::{
        deliveries::{address, refused},
        instance::Head,
    },
    shell::{Shell, rendered, see},
    visit::{Named, Visit},
};

/// Hours that can be recovered: the last is the furthest that is, fourteen days.
const RECOVERED_HOURS: [i64; 5] = [1, 24, 72, 168, 336];

#[derive(Template)]
#[template(path = "tested.html")]
struct Page {
    shell: Shell,
    head: Head,
    endpoint: String,
    address: String,
    id: String,
    is_good: bool,
    result: String,
    took: String,
    answer: Option<String>,
}

/// Tries now what waits for the endpoint.
pub(crate) async fn retry(visit: Visit, named: Named, path: Path<(String, String)>, form: Form) -> Response {
    let asked = async {
        let (record, endpoint) = found(&visit, named, &path.0.1).await?;
        let call = visit.call("POST /console/i/{i}/webhooks/{w}/retry", "", &form.bytes);
        Ok((visit.app.redelivery.retry_now(&call, record.id, endpoint).await?, record, endpoint))
    };
    said(&visit, "retried", asked.await).await
}

/// Sends again what was given up in the last hours that the form names.
pub(crate) async fn recover(
    visit: Visit,
    named: Named,
    path: Path<(String, String)>,
    form: Form,
) -> Response {
    let asked = async {
        let (record, endpoint) = found(&visit, named, &path.0.1).await?;
        let hours = form.fields.get("hours").parse().ok().filter(|hours| RECOVERED_HOURS.contains(hours));
        let hours =
            hours.ok_or(Failure::Invalid { field: "hours", problem: "one of the list is expected" })?;
        let since = visit.app.now().plus_seconds(-hours * 60 * 60);
        let call = visit.call("POST /console/i/{i}/webhooks/{w}/recover", "", &form.bytes);
        Ok((visit.app.redelivery.recover(&call, record.id, endpoint, since).await?, record, endpoint))
    };
    said(&visit, "recovered", asked.await).await
}

/// Sends a notice that says nothing, and shows what came of it.
pub(crate) async fn test(visit: Visit, named: Named, path: Path<(String, String)>, form: Form) -> Response {
    let tested = async {
        let (record, endpoint) = found(&visit, named, &path.0.1).await?;
        let call = visit.call("POST /console/i/{i}/webhooks/{w}/test", "", &form.bytes);
        Ok::<_, Failure>((visit.app.redelivery.test(&call, &record, endpoint).await?, record, endpoint))
    };
    match tested.await {
        Ok((Ok(tested), record, endpoint)) => shown(&visit, &record, endpoint, tested),
        Ok((Err(by), record, endpoint)) => {
            refused(&visit, &record, endpoint, silent(by, visit.place.texts)).await
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// The endpoint, if the instance has it.
async fn found(visit: &Visit, named: Named, endpoint: &str) -> Result<(Record, EndpointId), Failure> {
    let record = visit.app.records.read(&visit.principal, named.0).await?;
    let id = endpoint.parse().map_err(|_| Failure::NotFound)?;
    let is_known = record.state.webhooks.iter().any(|webhook| webhook.id == id);
    if is_known { Ok((record, id)) } else { Err(Failure::NotFound) }
}

async fn said(
    visit: &Visit,
    done: &str,
    asked: Result<(Redelivered, Record, EndpointId), Failure>,
) -> Response {
    match asked {
        Ok((Redelivered::Done { deliveries, more }, ..)) => {
            let done = if more { format!("{done}-some") } else { done.to_owned() };
            see(&format!("deliveries?done={done}&count={deliveries}"))
        }
        Ok((Redelivered::Silent(by), record, endpoint)) => {
            refused(visit, &record, endpoint, silent(by, visit.place.texts)).await
        }
        Err(failure) => visit.refuse(failure),
    }
}

fn shown(visit: &Visit, record: &Record, endpoint: EndpointId, tested: Tested) -> Response {
    let shell = Shell::of(visit, "instances");
    let page = Page {
        head: Head::of(record, shell.t, "webhooks"),
        endpoint: endpoint.to_string(),
        address: address(record, endpoint).unwrap_or_else(|| endpoint.to_string()),
        id: format!("msg_{}", tested.id),
        is_good: tested.end.then == AfterAttemptV1::Settled { outcome: SettlementV1::Delivered },
        result: result(tested.end.result, shell.t),
        took: shell.t.with("attempt-took", "ms", tested.end.took_ms),
        answer: tested.answer,
        shell,
    };
    rendered(StatusCode::OK, &page)
}
