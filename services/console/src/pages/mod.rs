//! The pages, one file each, and their addresses.

mod accounts;
mod actions;
mod connect;
mod create;
mod danger;
mod instance;
mod instances;
mod language;
mod link;
mod live;
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
        .route("/console/sign-in", get(sign_in::page).post(sign_in::submit))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/language", post(language::choose))
        .route("/console/new", get(create::page).post(create::submit))
        .route("/console/i/{i}", get(instance::page))
        .route("/console/i/{i}/panel", get(instance::panel))
        .route("/console/i/{i}/connect", post(connect::submit))
        .route("/console/i/{i}/simulate", post(connect::simulate))
        .route("/console/i/{i}/timeline", get(timeline::page))
        .route("/console/i/{i}/webhooks", get(webhooks::page).post(webhooks::add))
        .route("/console/i/{i}/webhooks/{w}", post(webhooks::change))
        .route("/console/i/{i}/webhooks/{w}/remove", post(webhooks::remove))
        .route("/console/i/{i}/danger", get(danger::page))
        .route("/console/i/{i}/token", post(danger::rotate_token))
        .route("/console/i/{i}/delete", post(danger::delete))
        .route("/console/i/{i}/do/{action}", post(actions::submit))
        .route("/console/i/{i}/share", post(share::share))
        .route("/console/i/{i}/unshare", post(share::unshare))
        .route("/console/accounts", get(accounts::list).post(accounts::create))
        .route("/console/accounts/leave", post(accounts::leave))
        .route("/console/accounts/{a}", get(accounts::page))
        .route("/console/accounts/{a}/enter", post(accounts::enter))
        .route("/console/accounts/{a}/rename", post(accounts::rename))
        .route("/console/accounts/{a}/token", post(accounts::rotate_token))
        .route("/console/accounts/{a}/close", post(accounts::close))
        .route("/link/{link}", get(link::page).post(link::claim))
        .route("/link/{link}/panel", get(link::panel))
        .route("/console/static/{digest}/{name}", get(assets::handler))
        .route("/console/{*rest}", get(unknown).post(unknown))
}

/// A page that there is not.
async fn unknown(place: Place) -> Response {
    Refusal::of(Failure::NotFound).bare(&place)
}
