//! The OpenAPI document of the native API.

use berth_proto::limits::IDEMPOTENCY_KEY_CHARS_MAX;
use utoipa::{
    Modify, OpenApi,
    openapi::{ObjectBuilder, RefOr, Type, path::Operation},
};

use super::routes::{
    account_stream, account_webhook, account_webhook_use, account_webhooks, accounts, attempts, audit,
    checkpoints, cluster, connect, counts, create, delete, deliveries, event_feed, events, export, gate, get,
    hear, lifecycle, list, logout, move_instance, people, proof, qr, recover_account, redelivery, rename,
    simulate, stream, token, upstreams, verify, views, webhook, webhook_secret, webhooks, whoami, workers,
};
use crate::docs::{self, Bearer, add_error, operations};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Berth",
        description = "Session state of WhatsApp-gateway instances. Tokens go into `Authorization: Bearer`; errors are problem details (RFC 9457) with a stable `code`. Answers say in `RateLimit-Policy` and `RateLimit` what the token may do in a minute and what is left of it."
    ),
    paths(
        create::handler, list::handler, get::handler, rename::handler, delete::handler, connect::handler, qr::handler,
        lifecycle::reconnect, lifecycle::restart, lifecycle::disconnect, logout::handler, events::handler,
        stream::handler, account_stream::handler, event_feed::handler, audit::handler, verify::handler, webhooks::create, webhooks::list, webhook::get, webhook::patch,
        webhook::delete, simulate::handler, token::handler, counts::handler, cluster::handler, views::list, views::rebuild, whoami::handler,
        gate::handler, gate::forwarded, upstreams::list, upstreams::adopt, workers::handler, hear::handler, deliveries::of_webhook,
        deliveries::of_account, attempts::handler, redelivery::resend, redelivery::retry, redelivery::recover,
        recover_account::handler, redelivery::test, webhook_secret::get, webhook_secret::rotate,
        account_webhooks::create, account_webhooks::list, account_webhook::get, account_webhook::patch,
        account_webhook::delete, account_webhook_use::secret, account_webhook_use::rotate, account_webhook_use::test,
        account_webhook_use::deliveries,
        accounts::create, accounts::list, accounts::get, accounts::change,
        accounts::close, accounts::rotate_token, accounts::choose_upstream, move_instance::handler,
        people::handler, export::handler, proof::handler, checkpoints::latest, checkpoints::list, checkpoints::note, checkpoints::consistency,
        checkpoints::tile,
        docs::index, docs::page, docs::native_json, docs::json, docs::asyncapi
    ),
    servers((url = "/", description = "The gateway that serves this document")),
    modifiers(&Bearer, &Problems)
)]
struct Document;

/// Errors are problem details, whatever the operation; and what any operation can answer since its token, its
/// path, its body or its idempotency key alone can be wrong.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        docs::free_bodies(document);
        for (path, item) in &mut document.paths.paths {
            let is_on_something = path.contains('{');
            let with_body = [(&mut item.post, true), (&mut item.patch, true)];
            let without = [(&mut item.get, false), (&mut item.delete, false)];
            for (operation, has_body) in with_body.into_iter().chain(without) {
                let Some(operation) = operation.as_mut().filter(|it| it.security.is_none()) else { continue };
                let is_command = constrain_key(operation);
                for (status, is_possible, description) in [
                    ("400", true, "The request is not well formed."),
                    ("401", true, "No token, or one that is not valid."),
                    ("403", true, "The token does not allow this."),
                    ("404", is_on_something, "There is no such thing for this token."),
                    ("413", has_body, "The body is larger than 1 MiB."),
                    (
                        "422",
                        is_command,
                        "The Idempotency-Key was used for another request, or too much is kept.",
                    ),
                    (
                        "429",
                        true,
                        "A quota of the token is used up, or the address showed too many wrong ones: wait for `Retry-After`.",
                    ),
                    ("500", true, "The history of the instance is damaged."),
                    ("503", true, "A part of the service does not answer; send the same request again."),
                ] {
                    if is_possible {
                        add_error(operation, "Problem", status, description);
                    }
                }
            }
            operations(item).for_each(name_problems);
        }
    }
}

/// Says what an idempotency key may be; whether the operation takes one.
fn constrain_key(operation: &mut Operation) -> bool {
    let mut parameters = operation.parameters.iter_mut().flatten();
    let key = parameters.find_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.name == "Idempotency-Key" => Some(parameter),
        _ => None,
    });
    let Some(key) = key else { return false };
    key.description =
        Some("The same request with the same key is done once: a repeat is answered alike.".to_owned());
    let visible = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]+$"));
    key.schema = Some(visible.min_length(Some(1)).max_length(Some(IDEMPOTENCY_KEY_CHARS_MAX)).into());
    true
}

/// Gives errors the media type of problem details.
fn name_problems(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status.starts_with(['4', '5']) {
            let content = std::mem::take(&mut response.content);
            let renamed = content.into_values().map(|media| ("application/problem+json".to_owned(), media));
            response.content = renamed.collect();
        }
    }
}

/// The OpenAPI document of the native API.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
