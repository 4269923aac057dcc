//! The part of a page that changes while it is open: it is asked for again and again, and sent only when it differs.

use std::fmt;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use tracing::error;

use crate::{assets::short, form::Fields};

/// What a part calls itself where its digest has to stand: a part cannot hold the digest of itself otherwise.
const DIGEST: &str = "@digest@";

/// A part, rendered once.
#[derive(Debug)]
pub(crate) struct Part<T>(T);

impl<T: Template> Part<T> {
    pub(crate) const fn new(template: T) -> Self {
        Self(template)
    }
}

/// As HTML that may stand in a page as it is.
impl<T: Template> fmt::Display for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, html) = digested(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&html)
    }
}

fn digested(template: &impl Template) -> Result<(String, String), askama::Error> {
    let html = template.render()?;
    let digest = short(&Sha256::digest(&html));
    let html = html.replacen(DIGEST, &digest, 1);
    Ok((digest, html))
}

/// The part, or 204 if the page has it as it is.
pub(crate) fn answer(template: impl Template, query: &Fields) -> Response {
    match digested(&template) {
        Ok((digest, _)) if digest == query.get("seen") => StatusCode::NO_CONTENT.into_response(),
        Ok((_, html)) => Html(html).into_response(),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "a part of a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
