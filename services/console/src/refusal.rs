//! Failures as people read them: in their language, with what to do.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use berth_gateway::{app::Failure, native::Problem};

use crate::{
    shell::{Shell, rendered},
    texts::Texts,
    visit::{Place, Visit},
};

/// Why something was not done.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: String,
    /// What exactly is wrong with a field, in English, where a code says too little.
    detail: Option<String>,
    retry_after: Option<HeaderValue>,
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct Page {
    shell: Shell,
    title: String,
    text: String,
}

/// A page that says why something is not done at this moment.
pub(crate) fn refused(visit: &Visit, text: String) -> Response {
    let shell = Shell::of(visit, "");
    let title = shell.t.s("title-refused");
    rendered(StatusCode::CONFLICT, &Page { shell, title, text })
}

impl Refusal {
    pub(crate) fn of(failure: Failure) -> Self {
        let detail = match &failure {
            Failure::Invalid { field, problem } => Some(format!("{field}: {problem}")),
            _ => None,
        };
        // The table of codes and statuses is the API's; a page has other words for them.
        let problem = Problem::from(failure);
        let code = problem.code().to_owned();
        let answer = problem.into_response();
        let retry_after = answer.headers().get(RETRY_AFTER).cloned();
        Self { status: answer.status(), code, detail, retry_after }
    }

    /// The text for people.
    pub(crate) fn text(&self, texts: Texts) -> String {
        let text = texts.known(&format!("problem-{}", self.code.replace('_', "-")));
        let text = text.unwrap_or_else(|| texts.s("problem-other"));
        match &self.detail {
            Some(detail) => format!("{text} {detail}."),
            None => text,
        }
    }

    /// The status.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// A page for somebody who is signed in.
    pub(crate) fn page(&self, visit: &Visit) -> Response {
        self.rendered(Shell::of(visit, ""))
    }

    /// A page for somebody of whom nothing is known.
    pub(crate) fn bare(&self, place: &Place) -> Response {
        self.rendered(Shell::bare(place))
    }

    fn rendered(&self, shell: Shell) -> Response {
        let texts = shell.t;
        let page = Page { shell, title: self.title(texts), text: self.text(texts) };
        let mut answer = rendered(self.status, &page);
        if let Some(seconds) = &self.retry_after {
            answer.headers_mut().insert(RETRY_AFTER, seconds.clone());
        }
        answer
    }

    fn title(&self, texts: Texts) -> String {
        match self.status {
            StatusCode::NOT_FOUND => texts.s("title-not-found"),
            StatusCode::SERVICE_UNAVAILABLE => texts.s("title-unavailable"),
            _ => texts.s("title-refused"),
        }
    }
}
