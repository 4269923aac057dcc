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
mod pages;
mod refusal;
mod session;
mod share;
mod shell;
mod texts;
mod visit;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};
use berth_gateway::App;

use session::Seal;

/// What every page has at hand. Cheap to clone.
#[derive(Debug, Clone)]
struct Console {
    app: App,
    seal: Arc<Seal>,
}

/// The routes of the console.
pub fn router(app: &App) -> Router {
    let seal = Seal::new(|purpose| app.principals.derived_key(purpose));
    let console = Console { app: app.clone(), seal: Arc::new(seal) };
    pages::routes().layer(from_fn_with_state(console.clone(), guard::layer)).with_state(console)
}
