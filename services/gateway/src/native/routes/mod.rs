//! The routes of the native API, one file each.

pub(super) mod account_stream;
pub(super) mod account_webhook;
pub(super) mod account_webhook_use;
pub(super) mod account_webhooks;
pub(super) mod accounts;
pub(super) mod attempts;
pub(super) mod audit;
pub(super) mod audit_export;
pub(super) mod checkpoints;
pub(super) mod cluster;
pub(super) mod connect;
pub(super) mod counts;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod deliveries;
pub(super) mod event_feed;
pub(super) mod events;
pub(super) mod export;
pub(super) mod gate;
pub(super) mod get;
pub(super) mod hear;
pub(super) mod lifecycle;
pub(super) mod list;
pub(super) mod logout;
pub(super) mod move_instance;
pub(super) mod people;
pub(super) mod proof;
pub(super) mod qr;
pub(super) mod recover_account;
pub(super) mod redelivery;
pub(super) mod rename;
pub(super) mod simulate;
pub(super) mod stream;
pub(super) mod token;
pub(super) mod upstreams;
pub(super) mod verify;
pub(super) mod views;
pub(super) mod webhook;
pub(super) mod webhook_secret;
pub(super) mod webhooks;
pub(super) mod whoami;
pub(super) mod workers;

pub(super) use attempts::RESULTS;
pub(super) use audit_export::{Form as AuditFileForm, export};
use axum::{
    Router,
    routing::{any, get, post},
};

pub(super) use deliveries::STATES;

use crate::app::App;

pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/v1/instances", post(create::handler).get(list::handler))
        .route("/v1/instances/{i}", get(get::handler).patch(rename::handler).delete(delete::handler))
        .route("/v1/instances/{i}/token", post(token::handler))
        .route("/v1/instances/{i}/connect", post(connect::handler))
        .route("/v1/instances/{i}/qr", get(qr::handler))
        .route("/v1/instances/{i}/reconnect", post(lifecycle::reconnect))
        .route("/v1/instances/{i}/restart", post(lifecycle::restart))
        .route("/v1/instances/{i}/disconnect", post(lifecycle::disconnect))
        .route("/v1/instances/{i}/logout", post(logout::handler))
        .route("/v1/instances/{i}/events", get(events::handler))
        .route("/v1/instances/{i}/events/stream", get(stream::handler))
        .route("/v1/instances/{i}/verify", get(verify::handler))
        .route("/v1/instances/{i}/proof", get(proof::handler))
        .route("/v1/checkpoints", get(checkpoints::latest))
        .route("/v1/checkpoints/{s}", get(checkpoints::list))
        .route("/v1/checkpoints/{s}/checkpoint", get(checkpoints::note))
        .route("/v1/checkpoints/{s}/consistency", get(checkpoints::consistency))
        .route("/v1/checkpoints/{s}/tile/{*t}", get(checkpoints::tile))
        .route("/v1/instances/{i}/webhooks", post(webhooks::create).get(webhooks::list))
        .route(
            "/v1/instances/{i}/webhooks/{w}",
            get(webhook::get).patch(webhook::patch).delete(webhook::delete),
        )
        .route("/v1/instances/{i}/webhooks/{w}/deliveries", get(deliveries::of_webhook))
        .route("/v1/instances/{i}/webhooks/{w}/deliveries/{d}", get(attempts::handler))
        .route("/v1/instances/{i}/webhooks/{w}/deliveries/{d}/resend", post(redelivery::resend))
        .route("/v1/instances/{i}/webhooks/{w}/retry", post(redelivery::retry))
        .route("/v1/instances/{i}/webhooks/{w}/recover", post(redelivery::recover))
        .route("/v1/instances/{i}/webhooks/{w}/test", post(redelivery::test))
        .route("/v1/instances/{i}/webhooks/{w}/secret", get(webhook_secret::get).post(webhook_secret::rotate))
        .route("/v1/webhooks", post(account_webhooks::create).get(account_webhooks::list))
        .route(
            "/v1/webhooks/{w}",
            get(account_webhook::get).patch(account_webhook::patch).delete(account_webhook::delete),
        )
        .route("/v1/webhooks/{w}/secret", get(account_webhook_use::secret).post(account_webhook_use::rotate))
        .route("/v1/webhooks/{w}/test", post(account_webhook_use::test))
        .route("/v1/webhooks/{w}/deliveries", get(account_webhook_use::deliveries))
        .route("/v1/deliveries", get(deliveries::of_account))
        .route("/v1/deliveries/recover", post(recover_account::handler))
        .route("/v1/instances/{i}/simulate", post(simulate::handler))
        .route("/v1/accounts", post(accounts::create).get(accounts::list))
        .route("/v1/accounts/{a}", get(accounts::get).patch(accounts::change).delete(accounts::close))
        .route("/v1/accounts/{a}/move-instance", post(move_instance::handler))
        .route("/v1/accounts/{a}/upstream", post(accounts::choose_upstream))
        .route("/v1/accounts/{a}/token", post(accounts::rotate_token))
        .route("/v1/audit", get(audit::handler))
        .route("/v1/events/stream", get(account_stream::handler))
        .route("/v1/events/feed", get(event_feed::handler))
        .route("/v1/cluster", get(cluster::handler))
        .route("/v1/cluster/views", get(views::list))
        .route("/v1/cluster/views/{v}/rebuild", post(views::rebuild))
        .route("/v1/counts", get(counts::handler))
        .route("/v1/people/{phone}", get(people::handler))
        .route("/v1/export", get(export::handler))
        .route("/v1/whoami", get(whoami::handler))
        .route("/v1/workers", get(workers::handler))
        .route("/v1/upstreams", get(upstreams::list))
        .route("/v1/upstreams/{u}/adopt", post(upstreams::adopt))
        .route("/v1/upstreams/{u}/heard/{i}", post(hear::handler))
        .route("/v1/gate/{i}", get(gate::handler))
        .route("/v1/gate/segment/{n}", get(gate::forwarded))
        .route("/v1/gate/segment/{n}/{*path}", any(gate::prefixed))
        .method_not_allowed_fallback(super::method_not_allowed)
        .with_state(app)
}
