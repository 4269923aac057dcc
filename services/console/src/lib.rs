//! The console: pages for people at `/console`, a door of the gateway in a crate of its own.
//!
//! It uses what every door uses, [`berth_gateway::app`], and nothing else of the gateway but its drawing of QR codes: a page
//! can do what its reader's token can do through the API, and is counted alike. Pages are HTML files in `templates/`,
//! texts Fluent files in `locales/`. Everything works with links and forms alone; with JavaScript what is open stays up to
//! date.

mod assets;
mod facts;
mod form;
mod guard;
mod moment;
mod notices;
mod pages;
mod refusal;
mod session;
mod share;
mod shell;
mod texts;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use berth_gateway::App;

use session::Seal;

/// What every page has at hand. Cheap to clone.
#[derive(Debug, Clone)]
struct Console {
    app: App,
    seal: Arc<Seal>,
    /// The settings of this process, for its operator.
    configuration: Arc<str>,
}

/// The routes of the console. `configuration` is what the operator is shown of the settings of this process: without secrets.
pub fn router(app: &App, configuration: &str) -> Router {
    let seal = Seal::new(|purpose| app.principals.derived_key(purpose));
    let console = Console { app: app.clone(), seal: Arc::new(seal), configuration: configuration.into() };
    pages::routes().layer(from_fn_with_state(console.clone(), guard::layer)).with_state(console)
}

/// All routes of a gateway that has the console: what a browser opens elsewhere and cannot be shown there leads to it.
pub fn around(gateway: Router) -> Router {
    gateway.layer(from_fn(pages::qr::from_mega))
}
