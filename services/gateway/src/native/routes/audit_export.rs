//! All pages of a search as one file: lines of JSON, or CSV.

use std::{collections::VecDeque, io};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use serde_json::{Value, json};

use super::audit::{AuditEntryBody, problem};
use crate::{
    app::{App, AuditPage, AuditQuery, Principal},
    native::problem::Problem,
};

/// Events that are read together.
const PAGE: usize = 500;
/// Events of a file.
const ENTRIES_MAX: usize = 100_000;
/// Pages of a file: with [`PAGE`] as many events as it may have, or twenty million places of the log.
const PAGES_MAX: usize = 400;

/// What stands in a line of CSV, and where in an event.
const COLUMNS: [(&str, &str); 14] = [
    ("occurred_at", "/occurred_at"),
    ("account", "/account"),
    ("instance", "/instance"),
    ("version", "/version"),
    ("index", "/index"),
    ("type", "/type"),
    ("principal", "/command/principal"),
    ("via", "/command/via"),
    ("from", "/command/from"),
    ("outcome", "/command/outcome"),
    ("request_id", "/command/request_id"),
    ("command", "/command/id"),
    ("data", "/data"),
    ("about", "/about"),
];

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::native) enum Form {
    Ndjson,
    Csv,
}

impl Form {
    /// Its words.
    pub(in crate::native) const WORDS: [&str; 3] = ["json", "ndjson", "csv"];

    pub(in crate::native) fn of(text: &str) -> Option<Self> {
        match text {
            "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    const fn head(self) -> (&'static str, &'static str) {
        match self {
            Self::Ndjson => ("application/x-ndjson", "attachment; filename=\"audit.ndjson\""),
            Self::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"audit.csv\""),
        }
    }

    fn line(self, event: &Value) -> String {
        match self {
            Self::Ndjson => format!("{event}\n"),
            Self::Csv => row(COLUMNS.iter().map(|(_, place)| cell(event.pointer(place)))),
        }
    }

    /// What stands at the end of a file that is not whole: where to go on.
    fn cut(self, next: &str) -> String {
        match self {
            Self::Ndjson => format!("{}\n", json!({ "cut": true, "next_before": next })),
            Self::Csv => row(["cut: go on with before".to_owned(), next.to_owned()].into_iter()),
        }
    }
}

/// A file that is being written.
struct Export {
    app: App,
    principal: Principal,
    query: AuditQuery,
    form: Form,
    /// Where the next page begins; none after the last one.
    next: Option<String>,
    waiting: VecDeque<String>,
    entries: usize,
    pages: usize,
}

/// The file, page after page as it is read. If the log cannot be read any more the answer breaks off without its end, which a
/// client sees; a file that is cut at a bound says so in its last line.
pub(in crate::native) async fn export(
    app: App,
    principal: Principal,
    query: AuditQuery,
    before: Option<String>,
    form: Form,
) -> Result<Response, Problem> {
    // The first page is read before anything is promised.
    let first = app.audit.page(&principal, &query, before.as_deref(), PAGE).await.map_err(problem)?;
    let mut waiting = VecDeque::new();
    if form == Form::Csv {
        waiting.push_back(row(COLUMNS.iter().map(|(name, _)| (*name).to_owned())));
    }
    let mut export = Export { app, principal, query, form, next: None, waiting, entries: 0, pages: 0 };
    export.take(&first);
    let (kind, disposition) = form.head();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(export.lines())).into_response())
}

impl Export {
    fn take(&mut self, page: &AuditPage) {
        self.pages += 1;
        self.entries += page.entries.len();
        for found in &page.entries {
            let event = serde_json::to_value(AuditEntryBody::of(found)).unwrap_or_default();
            self.waiting.push_back(self.form.line(&event));
        }
        self.next.clone_from(&page.next);
        if self.entries >= ENTRIES_MAX || self.pages >= PAGES_MAX {
            let rest = self.next.take().map(|next| self.form.cut(&next));
            self.waiting.extend(rest);
        }
    }

    fn lines(self) -> impl Stream<Item = io::Result<Bytes>> {
        stream::try_unfold(self, |mut export| async move {
            loop {
                if !export.waiting.is_empty() {
                    let text: String = export.waiting.drain(..).collect();
                    return Ok(Some((Bytes::from(text), export)));
                }
                let Some(before) = export.next.take() else { return Ok(None) };
                let Export { app, principal, query, .. } = &export;
                let page = app.audit.page(principal, query, Some(&before), PAGE).await;
                export.take(&page.map_err(io::Error::other)?);
            }
        })
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A line as RFC 4180 has it. A text that a table would take for a formula gets an apostrophe before it: the id of a request is
/// what its client chose.
fn row(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| {
        let cell = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell };
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    });
    let mut line = quoted.collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_whatever_a_cell_is() {
        let cells = ["a", "b,c", "say \"no\"", "two\nlines", "=1+1", ""].map(str::to_owned);
        assert_eq!(row(cells.into_iter()), "a,\"b,c\",\"say \"\"no\"\"\",\"two\nlines\",'=1+1,\r\n");
    }

    #[test]
    fn an_event_is_one_line_with_all_columns() {
        let event = json!({"about": "instance", "occurred_at": "2026-11-21T10:07:38.691027Z", "instance": "i", "account": null, "version": 6,
            "index": 0, "type": "LoggedOut", "data": {"code": 401}, "command": {"principal": "root", "via": "native"}});
        let line = Form::Csv.line(&event);
        assert_eq!(
            line,
            "2026-11-21T10:07:38.691027Z,,i,6,0,LoggedOut,root,native,,,,,\"{\"\"code\"\":401}\",instance\r\n"
        );
        assert_eq!(Form::Ndjson.line(&event).lines().count(), 1);
    }
}
