//! The console: pages for people at `/console`, a door of the gateway in a crate of its own.
//!
//! It uses what every door uses, [`berth_gateway::app`], and nothing else of the gateway but its drawing of QR codes: a page
//! can do what its reader's token can do through the API, and is counted alike. Pages are HTML files in `templates/`,
//! texts Fluent files in `locales/`. Everything works with links and forms alone; with JavaScript what is open stays up to
//! date.

mod assets;
mod facts;
mod filter;
mod form;
mod growth;
mod guard;
mod moment;
mod notices;
mod pages;
mod refusal;
mod session;
mod share;
mod shell;
mod snippets;
mod texts;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use berth_gateway::App;

pub use growth::Growth;
use session::Seal;

/// What every page has at hand. Cheap to clone.
#[derive(Debug, Clone)]
struct Console {
    app: App,
    seal: Arc<Seal>,
    /// The settings of this process, for its operator.
    configuration: Arc<str>,
    growth: Growth,
}

/// The routes of the console. The operator is shown two things of this process besides: `configuration`, its settings without
/// secrets, and the `growth` of the log, as far as somebody [watches](Growth::watch) it.
pub fn router(app: &App, configuration: &str, growth: &Growth) -> Router {
    let seal = Seal::new(|purpose| app.principals.derived_key(purpose));
    let (seal, configuration) = (Arc::new(seal), configuration.into());
    let console = Console { app: app.clone(), seal, configuration, growth: growth.clone() };
    pages::routes().layer(from_fn_with_state(console.clone(), guard::layer)).with_state(console)
}

/// All routes of a gateway that has the console: what a browser opens elsewhere and cannot be shown there leads to it.
pub fn around(gateway: Router) -> Router {
    gateway.layer(from_fn(pages::qr::from_mega))
}
