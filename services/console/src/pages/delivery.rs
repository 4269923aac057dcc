//! `/console/i/{i}/webhooks/{w}/deliveries/{d}`: one delivery with its attempts, and `…/resend`.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use berth_gateway::app::{Failure, Record, Redelivered};
use berth_proto::{CommandId, EndpointId};

use crate::{
    form::{Form, QueryFields},
    notices::{Ends, Sent, Tried, silent},
    pages::{deliveries::address, instance::Head},
    shell::{Shell, rendered, see},
    visit::{Named, Visit},
};

#[derive(Template)]
#[template(path = "delivery.html")]
struct Page {
    shell: Shell,
    head: Head,
    sent: Sent,
    tried: Vec<Tried>,
}

/// Shows it.
pub(crate) async fn page(
    visit: Visit,
    named: Named,
    path: Path<(String, String, String)>,
    query: QueryFields,
) -> Response {
    let read = async {
        let record = visit.app.records.read_with_deleted(&visit.principal, named.0).await?;
        page_of(&visit, &record, ids(&path)?).await
    };
    match read.await {
        Ok(page) => rendered(StatusCode::OK, &Page { shell: page.shell.saying(&query.0), ..page }),
        Err(failure) => visit.refuse(failure),
    }
}

/// The endpoint and the delivery that a path names.
fn ids(path: &(String, String, String)) -> Result<(EndpointId, CommandId), Failure> {
    let id = path.2.strip_prefix("msg_").and_then(|id| id.parse().ok());
    path.1.parse().ok().zip(id).ok_or(Failure::NotFound)
}

async fn page_of(
    visit: &Visit,
    record: &Record,
    (endpoint, id): (EndpointId, CommandId),
) -> Result<Page, Failure> {
    let (delivery, attempts) = visit.app.deliveries.one(record, endpoint, id).await?;
    let shell = Shell::of(visit, "instances");
    let deliveries = [delivery];
    let ends = Ends::of(visit, record, &deliveries).await?;
    let [delivery] = &deliveries;
    let mut sent = Sent::of(delivery, &ends, address(record, endpoint), shell.t);
    let is_present = record.state.webhooks.iter().any(|webhook| webhook.id == endpoint);
    sent.repeatable &= is_present && !record.is_deleted();
    let tried = attempts.into_iter().rev().map(|attempt| Tried::of(attempt, shell.t)).collect();
    Ok(Page { head: Head::of(record, shell.t, "webhooks"), shell, sent, tried })
}

/// Sends it again, whatever became of it; one that waits is tried now.
pub(crate) async fn resend(
    visit: Visit,
    named: Named,
    path: Path<(String, String, String)>,
    form: Form,
) -> Response {
    let sent = async {
        let record = visit.app.records.read(&visit.principal, named.0).await?;
        let (endpoint, id) = ids(&path)?;
        let call = visit.call("POST /console/i/{i}/webhooks/{w}/deliveries/{d}/resend", "", &form.bytes);
        Ok((visit.app.redelivery.resend(&call, record.id, endpoint, id).await?, record))
    };
    match sent.await {
        Ok((Redelivered::Done { .. }, _)) => see(&format!("../{}?done=resent", path.2)),
        Ok((Redelivered::Silent(by), record)) => {
            let again = async { page_of(&visit, &record, ids(&path)?).await };
            match again.await {
                Ok(page) => {
                    let problem = silent(by, page.shell.t);
                    let shell = page.shell.with_problem(Some(problem));
                    rendered(StatusCode::CONFLICT, &Page { shell, ..page })
                }
                Err(failure) => visit.refuse(failure),
            }
        }
        Err(failure) => visit.refuse(failure),
    }
}
