//! `/console/i/{i}/webhooks/{w}/secret`: the secrets that sign what an endpoint is sent, and another one.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use berth_gateway::app::{Failure, Record, WebhookSecrets};

use crate::{
    form::{Form, QueryFields},
    moment::Moment,
    pages::{instance::Head, webhooks::own},
    shell::{Shell, rendered, see},
    visit::{Named, Visit},
};

/// Hours for which the former secret may sign beside the new one.
const OVERLAP_HOURS: [u32; 4] = [0, 24, 72, 168];

/// Secrets that sign beside the present one, and until when.
pub(super) type Former = Vec<(String, Moment)>;

#[derive(Template)]
#[template(path = "webhook_secrets.html")]
struct Page {
    shell: Shell,
    head: Head,
    endpoint: String,
    address: String,
    secret: String,
    former: Former,
    key: String,
}

/// Shows them.
pub(crate) async fn page(
    visit: Visit,
    named: Named,
    path: Path<(String, String)>,
    query: QueryFields,
) -> Response {
    let read = async {
        let record = visit.app.records.read(&visit.principal, named.0).await?;
        let webhook = own(&record, &path.0.1)?;
        let secrets = visit.app.webhooks.secrets(&record, webhook.id).ok_or(Failure::NotFound)?;
        Ok::<_, Failure>((record, webhook.url, secrets))
    };
    match read.await {
        Ok((record, address, secrets)) => {
            let shell = Shell::of(&visit, "instances").saying(&query.0);
            let key = visit.app.request_ids.next();
            rendered(StatusCode::OK, &Page::of(shell, &record, path.0.1, address, secrets, key))
        }
        Err(failure) => visit.refuse(failure),
    }
}

impl Page {
    fn of(
        shell: Shell,
        record: &Record,
        endpoint: String,
        address: String,
        secrets: WebhookSecrets,
        key: String,
    ) -> Self {
        let former = secrets.former.into_iter().map(|(secret, until)| (secret, until.into())).collect();
        let head = Head::of(record, shell.t, "webhooks");
        Self { head, shell, endpoint, address, secret: secrets.secret, former, key }
    }
}

/// Makes another one; the former signs beside it for as long as the form says.
pub(crate) async fn rotate(visit: Visit, named: Named, path: Path<(String, String)>, form: Form) -> Response {
    let rotated = async {
        let record = visit.app.records.read(&visit.principal, named.0).await?;
        let webhook = own(&record, &path.0.1)?;
        let hours = hours_of(&form)?;
        // The key belongs to this endpoint: the same form for another one is another request.
        let sent = [webhook.id.as_bytes().as_slice(), &form.bytes].concat();
        let call = visit.call("POST /console/i/{i}/webhooks/{w}/secret", form.fields.get("key"), &sent);
        visit.app.webhooks.rotate(&call, &record, webhook.id, None, hours).await
    };
    match rotated.await {
        Ok(_) => see("secret?done=secret-rotated"),
        Err(failure) => visit.refuse(failure),
    }
}

/// For how many hours the former secret signs beside the new one, as the form says.
pub(super) fn hours_of(form: &Form) -> Result<u32, Failure> {
    let hours = form.fields.get("overlap").parse().ok().filter(|hours| OVERLAP_HOURS.contains(hours));
    hours.ok_or(Failure::Invalid { field: "overlap", problem: "one of the list is expected" })
}
