//! The pages, one file each, and their addresses.

mod account_deliveries;
mod account_webhook;
mod account_webhooks;
mod accounts;
mod actions;
mod audit;
mod bulk;
mod changes;
mod cluster;
mod connect;
mod create;
mod danger;
mod deliveries;
mod delivery;
mod instance;
mod instances;
mod language;
mod link;
mod live;
pub(crate) mod qr;
mod redelivery;
mod secret;
mod settings;
mod share;
mod sign_in;
mod timeline;
mod webhooks;

use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use berth_gateway::app::Failure;

use crate::{Console, assets, refusal::Refusal, shell::see, visit::Place};

/// The address of every page.
pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/console", get(|| async { see("console/") }))
        .route("/console/", get(instances::page))
        .route("/console/rows", get(instances::rows))
        .route("/console/changes", get(changes::of_account))
        .route("/console/bulk", post(bulk::preview))
        .route("/console/bulk/do", post(bulk::submit))
        .route("/console/sign-in", get(sign_in::page).post(sign_in::submit))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/language", post(language::choose))
        .route("/console/new", get(create::page).post(create::submit))
        .route("/console/webhooks", get(account_webhooks::page).post(account_webhooks::add))
        .route("/console/webhooks/{w}", post(account_webhooks::change))
        .route("/console/webhooks/{w}/deliveries", get(account_deliveries::page))
        .route("/console/webhooks/{w}/deliveries/rows", get(account_deliveries::rows))
        .route("/console/webhooks/{w}/remove", post(account_webhooks::remove))
        .route("/console/webhooks/{w}/secret", get(account_webhook::secret).post(account_webhook::rotate))
        .route("/console/webhooks/{w}/test", post(account_webhook::test))
        .route("/console/qr/{key}", get(qr::page))
        .route("/console/i/{i}", get(instance::page))
        .route("/console/i/{i}/panel", get(instance::panel))
        .route("/console/i/{i}/changes", get(changes::of_instance))
        .route("/console/i/{i}/connect", post(connect::submit))
        .route("/console/i/{i}/simulate", post(connect::simulate))
        .route("/console/i/{i}/timeline", get(timeline::page))
        .route("/console/i/{i}/webhooks", get(webhooks::page).post(webhooks::add))
        .route("/console/i/{i}/webhooks/{w}", post(webhooks::change))
        .route("/console/i/{i}/webhooks/{w}/remove", post(webhooks::remove))
        .route("/console/i/{i}/webhooks/{w}/deliveries", get(deliveries::of_endpoint))
        .route("/console/i/{i}/webhooks/{w}/deliveries/rows", get(deliveries::endpoint_rows))
        .route("/console/i/{i}/webhooks/{w}/deliveries/{d}", get(delivery::page))
        .route("/console/i/{i}/webhooks/{w}/deliveries/{d}/resend", post(delivery::resend))
        .route("/console/i/{i}/webhooks/{w}/retry", post(redelivery::retry))
        .route("/console/i/{i}/webhooks/{w}/recover", post(redelivery::recover))
        .route("/console/i/{i}/webhooks/{w}/test", post(redelivery::test))
        .route("/console/i/{i}/webhooks/{w}/secret", get(secret::page).post(secret::rotate))
        .route("/console/i/{i}/deliveries", get(deliveries::of_instance))
        .route("/console/i/{i}/deliveries/rows", get(deliveries::instance_rows))
        .route("/console/i/{i}/settings", get(settings::page).post(settings::rename))
        .route("/console/i/{i}/danger", get(danger::page))
        .route("/console/i/{i}/token", post(danger::rotate_token))
        .route("/console/i/{i}/delete", post(danger::delete))
        .route("/console/i/{i}/do/{action}", post(actions::submit))
        .route("/console/i/{i}/share", post(share::share))
        .route("/console/i/{i}/unshare", post(share::unshare))
        .route("/console/audit", get(audit::page))
        .route("/console/audit/export", get(audit::export))
        .route("/console/cluster", get(cluster::page))
        .route("/console/cluster/panel", get(cluster::panel))
        .route("/console/accounts", get(accounts::list).post(accounts::create))
        .route("/console/accounts/leave", post(accounts::leave))
        .route("/console/accounts/{a}", get(accounts::page))
        .route("/console/accounts/{a}/enter", post(accounts::enter))
        .route("/console/accounts/{a}/rename", post(accounts::rename))
        .route("/console/accounts/{a}/attributes", post(accounts::describe))
        .route("/console/accounts/{a}/webhook", post(accounts::configure_webhook))
        .route("/console/accounts/{a}/webhook/remove", post(accounts::remove_webhook))
        .route("/console/accounts/{a}/move", post(accounts::move_here))
        .route("/console/accounts/{a}/token", post(accounts::rotate_token))
        .route("/console/accounts/{a}/close", post(accounts::close))
        .route("/link/{link}", get(link::page).post(link::claim))
        .route("/link/{link}/panel", get(link::panel))
        .route("/link/{link}/changes", get(changes::of_link))
        .route("/console/static/{digest}/{name}", get(assets::handler))
        .route("/console/{*rest}", get(unknown).post(unknown))
}

/// A page that there is not.
async fn unknown(place: Place) -> Response {
    Refusal::of(Failure::NotFound).bare(&place)
}
