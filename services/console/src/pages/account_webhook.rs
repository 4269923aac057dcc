//! `/console/webhooks/{w}/secret` and `…/test`: the secrets that sign what an endpoint of the account is sent, and a notice that
//! says nothing.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use berth_proto::{attempt::AfterAttemptV1, delivery::SettlementV1};

use super::{
    account_webhooks::found,
    secret::{Former, hours_of},
};
use crate::{
    form::{Form, QueryFields},
    notices::{result, silent},
    refusal::refused,
    shell::{Shell, rendered, see},
    visit::Visit,
};

#[derive(Template)]
#[template(path = "account_webhook_secrets.html")]
struct Secrets {
    shell: Shell,
    endpoint: String,
    address: String,
    secret: String,
    former: Former,
    key: String,
}

#[derive(Template)]
#[template(path = "account_tested.html")]
struct Tested {
    shell: Shell,
    endpoint: String,
    address: String,
    id: String,
    is_good: bool,
    result: String,
    took: String,
    answer: Option<String>,
}

/// Shows the secrets.
pub(crate) async fn secret(visit: Visit, path: Path<String>, query: QueryFields) -> Response {
    let read = async {
        let (account, webhook) = found(&visit, &path.0).await?;
        Ok((visit.app.account_webhooks.secrets(&account, webhook.id).await?, webhook))
    };
    match read.await {
        Ok((secrets, webhook)) => {
            let page = Secrets {
                shell: Shell::of(&visit, "webhooks").saying(&query.0),
                endpoint: path.0,
                address: webhook.url,
                secret: secrets.secret,
                former: secrets.former.into_iter().map(|(secret, until)| (secret, until.into())).collect(),
                key: visit.app.request_ids.next(),
            };
            rendered(StatusCode::OK, &page)
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// Makes another one; the former signs beside it for as long as the form says.
pub(crate) async fn rotate(visit: Visit, path: Path<String>, form: Form) -> Response {
    let rotated = async {
        let (account, webhook) = found(&visit, &path.0).await?;
        let hours = hours_of(&form)?;
        // The key belongs to this endpoint: the same form for another one is another request.
        let sent = [webhook.id.as_bytes().as_slice(), &form.bytes].concat();
        let call = visit.call("POST /console/webhooks/{w}/secret", form.fields.get("key"), &sent);
        visit.app.account_webhooks.rotate_secret(&call, account.id, webhook.id, None, hours).await
    };
    match rotated.await {
        Ok(_) => see("secret?done=secret-rotated"),
        Err(failure) => visit.refuse(failure),
    }
}

/// Sends a notice that says nothing, and shows what came of it.
pub(crate) async fn test(visit: Visit, path: Path<String>, form: Form) -> Response {
    let tested = async {
        let (account, webhook) = found(&visit, &path.0).await?;
        let call = visit.call("POST /console/webhooks/{w}/test", "", &form.bytes);
        Ok((visit.app.redelivery.test_of_account(&call, account.id, webhook.id).await?, webhook))
    };
    match tested.await {
        Ok((Ok(tested), webhook)) => {
            let shell = Shell::of(&visit, "webhooks");
            let page = Tested {
                endpoint: path.0,
                address: webhook.url,
                id: format!("msg_{}", tested.id),
                is_good: tested.end.then == AfterAttemptV1::Settled { outcome: SettlementV1::Delivered },
                result: result(tested.end.result, shell.t),
                took: shell.t.with("attempt-took", "ms", tested.end.took_ms),
                answer: tested.answer,
                shell,
            };
            rendered(StatusCode::OK, &page)
        }
        Ok((Err(by), _)) => refused(&visit, silent(by, visit.place.texts)),
        Err(failure) => visit.refuse(failure),
    }
}
