//! What surrounds every page, and how a page is sent.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header::LOCATION},
    response::{Html, IntoResponse, Response},
};
use berth_gateway::app::Principal;
use tracing::error;

use crate::{
    assets,
    form::Fields,
    texts::{Language, Texts},
    visit::{Place, Visit},
};

/// What was done, as a redirect names it: the page that follows says it. A word that is not among these says nothing.
const DONE: [&str; 22] = [
    "reconnected",
    "restarted",
    "disconnected",
    "cancelled",
    "logged-out",
    "deleted",
    "played",
    "unchanged",
    "signed-out",
    "webhook-changed",
    "webhook-removed",
    "account-changed",
    "account-closed",
    "unshared",
    "resent",
    "retried",
    "retried-some",
    "recovered",
    "recovered-some",
    "secret-rotated",
    "renamed",
    "moved-here",
];

/// What surrounds a page.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub(crate) t: Texts,
    /// The way back to the console's first page: `./`, `../`, …
    pub(crate) root: String,
    /// The page itself, below the console: where a choice of language leads back to.
    /// None on a page that stands beside the console, which leads nowhere.
    pub(crate) path: Option<String>,
    /// Who is signed in, in words; none on the page to sign in.
    pub(crate) who: Option<String>,
    /// The part of the navigation that the page belongs to.
    pub(crate) nav: &'static str,
    /// Whether there is a list of instances to go to.
    pub(crate) has_instances: bool,
    /// Whether the operator is signed in.
    pub(crate) is_operator: bool,
    /// Whether phones are only played.
    pub(crate) simulated: bool,
    /// What was just done.
    pub(crate) done: Option<String>,
    /// Why something was not done.
    pub(crate) problem: Option<String>,
    /// Tells one release's style and script from the next one's.
    pub(crate) assets: &'static str,
}

impl Shell {
    /// Around a page of somebody who is signed in.
    pub(crate) fn of(visit: &Visit, nav: &'static str) -> Self {
        let t = visit.place.texts;
        let who = match visit.principal {
            Principal::Root => t.s("who-root"),
            Principal::Operator { .. } => t.s("who-operator"),
            Principal::Account { .. } => t.s("who-account"),
            Principal::Instance { .. } => t.s("who-instance"),
        };
        Self {
            who: Some(who),
            nav,
            has_instances: visit.principal.is_account(),
            is_operator: visit.is_operator(),
            simulated: visit.app.settings().simulated_driver,
            ..Self::bare(&visit.place)
        }
    }

    /// Around a page of anybody.
    pub(crate) fn bare(place: &Place) -> Self {
        Self {
            t: place.texts,
            root: place.root.clone(),
            path: Some(place.path.clone()),
            who: None,
            nav: "",
            has_instances: false,
            is_operator: false,
            simulated: false,
            done: None,
            problem: None,
            assets: assets::digest(),
        }
    }

    /// Says what the query names as done.
    #[must_use]
    pub(crate) fn saying(mut self, query: &Fields) -> Self {
        let word = DONE.iter().find(|word| **word == query.get("done"));
        let count: u64 = query.get("count").parse().unwrap_or_default();
        self.done = word.map(|word| self.t.f(&format!("done-{word}"), &[("count", count.to_string())]));
        self
    }

    /// Says why something was not done.
    #[must_use]
    pub(crate) fn with_problem(mut self, problem: Option<String>) -> Self {
        self.problem = problem;
        self
    }

    /// The languages that are offered, and whether each is the present one.
    pub(crate) fn languages(&self) -> Vec<(&'static str, &'static str, bool)> {
        Language::ALL.map(|it| (it.tag(), it.name(), it == self.t.0)).into()
    }

    pub(crate) fn is_at(&self, nav: &str) -> bool {
        self.nav == nav
    }
}

/// A page as it is sent.
pub(crate) fn rendered(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Sends the browser to another page: 303, so that a reload repeats no form.
pub(crate) fn see(location: &str) -> Response {
    let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("./"));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

/// A page below the console that a query or a form names, if it is one: nothing leads out of the console.
pub(crate) fn inside(path: &str) -> Option<&str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_?=&.%+".contains(&byte);
    let leads_out = path.starts_with('/') || path.contains("//") || path.contains("..");
    (!leads_out && path.len() <= 1_024 && path.bytes().all(fits)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_the_console() {
        for path in ["", "i/06gv/timeline?at=3", "?state=linked&q=a%20b"] {
            assert_eq!(inside(path), Some(path));
        }
        for path in
            ["/", "//evil.example", "https://evil.example", "../v1", "i/../../x", "javascript:x", "a\nb"]
        {
            assert_eq!(inside(path), None, "{path}");
        }
    }
}
