//! `GET /console/i/{i}/timeline`: what happened, who did it and through which door; whether nobody changed it; and how the
//! instance stood after any of it.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_domain::instance::has_session;
use berth_gateway::app::{Entry, Failure, HistoryPage, Record};
use berth_log::ChainReport;
use berth_proto::{
    InstanceId,
    commit::{OutcomeCodeV1, PrincipalV1},
    event::Event,
    frame::RejectionCodeV1,
    public,
};
use serde_json::Value;

use crate::{
    facts::{Fact, Piece, overview, sentence},
    form::QueryFields,
    moment::Moment,
    pages::instance::Head,
    shell::{Shell, rendered},
    texts::Texts,
    visit::{Named, Visit},
};

/// Commits of a page.
const COMMITS: u64 = 40;

/// A commit.
struct Row {
    version: u64,
    moment: Option<Moment>,
    /// What happened, in the reader's words and by the name that programs know.
    events: Vec<(String, String)>,
    /// Who asked for it; none if nobody can say any more.
    who: String,
    door: String,
    /// The address that it came from.
    from: Option<String>,
    /// What the command came to, where that is not simply that it was done.
    outcome: Option<String>,
    is_damaged: bool,
    is_shown: bool,
}

/// Commits of one attempt in one session.
struct Group {
    title: String,
    rows: Vec<Row>,
}

/// Whether the history holds.
struct Soundness {
    is_good: bool,
    text: String,
    hash: String,
}

/// One thing, then and now.
struct Difference {
    label: String,
    then: Vec<Piece>,
    now: Vec<Piece>,
    differs: bool,
}

/// The instance after a version.
struct Then {
    version: u64,
    moment: Option<Moment>,
    sentence: Vec<Piece>,
    differences: Vec<Difference>,
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct Page {
    shell: Shell,
    head: Head,
    version: u64,
    at: u64,
    groups: Vec<Group>,
    older: Option<u64>,
    newer: bool,
    soundness: Option<Soundness>,
    then: Option<Then>,
    before: String,
}

/// Shows a page of the history, the latest first.
pub(crate) async fn page(visit: Visit, named: Named, query: QueryFields) -> Response {
    match shown(&visit, named.0, &query).await {
        Ok(page) => rendered(StatusCode::OK, &page),
        Err(failure) => visit.refuse(failure),
    }
}

async fn shown(visit: &Visit, id: InstanceId, query: &QueryFields) -> Result<Page, Failure> {
    let t = visit.place.texts;
    let record = history_of(visit, id).await?;
    // Beyond what can be read there may be commits that are damaged: they belong to the history as well.
    let last = visit.app.histories.page(id, record.version, 1).await?.last_version.max(record.version);
    let before = query.0.get("before").parse::<u64>().ok().filter(|it| *it <= last).unwrap_or(last + 1);
    let after = before.saturating_sub(COMMITS + 1);
    let limit = usize::try_from(before - 1 - after).unwrap_or(1);
    let mut history = visit.app.histories.page(id, after, limit).await?;
    history.entries.retain(|entry| entry.commit.version < before);
    let at = query.0.get("at").parse::<u64>().ok().filter(|at| (1..=last).contains(at));
    let then = match at {
        Some(at) => Some(then(visit, &record, at, t).await?),
        None => None,
    };
    let soundness = if query.0.get("verify") == "1" {
        Some(soundness(&visit.app.histories.verify(id).await?, t))
    } else {
        None
    };
    let began = visit.app.records.as_of_version(id, after).await?;
    Ok(Page {
        shell: Shell::of(visit, "instances"),
        head: Head::of(&record, t, "timeline"),
        version: last,
        at: at.unwrap_or(last),
        groups: groups(&history, began.as_ref(), record.erased, at, t),
        older: (after > 0).then_some(after + 1),
        newer: before <= last,
        soundness,
        then,
        before: if before <= last { before.to_string() } else { String::new() },
    })
}

/// The instance, also one whose history is damaged at its end.
async fn history_of(visit: &Visit, id: InstanceId) -> Result<Record, Failure> {
    match visit.app.records.read_with_deleted(&visit.principal, id).await {
        Err(failure) if failure.rejection() == Some(RejectionCodeV1::Damaged) => {
            visit.app.records.read_readable(&visit.principal, id).await
        }
        other => other,
    }
}

fn groups(
    history: &HistoryPage,
    began: Option<&Record>,
    erased: bool,
    at: Option<u64>,
    t: Texts,
) -> Vec<Group> {
    let (mut session, mut attempt) = began.map_or((1, 0), |it| {
        let runs = has_session(&it.state);
        (it.state.session, if runs { it.state.attempt } else { 0 })
    });
    let mut groups: Vec<((u32, u32), Group)> = Vec::new();
    let mut entries = history.entries.iter().peekable();
    let mut damaged = history.damaged.iter().copied().peekable();
    loop {
        let next = entries.peek().map(|entry| entry.commit.version);
        let row = match (next, damaged.peek().copied()) {
            (Some(version), bad) if bad.is_none_or(|bad| version < bad) => {
                let commit: Vec<&Entry> =
                    std::iter::from_fn(|| entries.next_if(|it| it.commit.version == version)).collect();
                let asked = commit.iter().find_map(|it| match &it.event {
                    Some(Event::ConnectRequested(asked)) => Some(asked.attempt),
                    _ => None,
                });
                attempt = asked.unwrap_or(attempt);
                Row::of(&commit, erased, at, t)
            }
            (_, Some(bad)) => {
                damaged.next();
                Row::damaged(bad, t)
            }
            (_, None) => break,
        };
        let ends = row.events.iter().any(|(_, name)| name == "LoggedOut");
        match groups.last_mut() {
            Some((key, group)) if *key == (session, attempt) => group.rows.push(row),
            _ => groups
                .push(((session, attempt), Group { title: title(session, attempt, t), rows: vec![row] })),
        }
        if ends {
            (session, attempt) = (session + 1, 0);
        }
    }
    let latest_first = groups.into_iter().rev().map(|(_, mut group)| {
        group.rows.reverse();
        group
    });
    latest_first.collect()
}

fn title(session: u32, attempt: u32, t: Texts) -> String {
    match attempt {
        0 => t.with("timeline-session", "session", session),
        _ => t.f("timeline-attempt", &[("session", session.to_string()), ("attempt", attempt.to_string())]),
    }
}

impl Row {
    fn damaged(version: u64, t: Texts) -> Self {
        Self {
            version,
            moment: None,
            events: vec![(t.s("timeline-damaged"), String::new())],
            who: String::new(),
            door: String::new(),
            from: None,
            outcome: None,
            is_damaged: true,
            is_shown: false,
        }
    }

    fn of(entries: &[&Entry], erased: bool, at: Option<u64>, t: Texts) -> Self {
        let commit = entries.first().map(|entry| &entry.commit);
        let receipt = entries.iter().find_map(|entry| public::receipt_of(&entry.commit, entry.index));
        let caller = entries.iter().find_map(|entry| entry.caller.as_ref());
        let from = caller.and_then(|caller| caller.address.clone());
        let version = commit.map_or(0, |commit| commit.version);
        Self {
            version,
            moment: commit.map(|commit| commit.occurred_at.into()),
            events: entries.iter().map(|entry| said(entry, t)).collect(),
            who: receipt.map_or_else(|| t.s("timeline-nobody"), |it| t.f(who_key(&it.principal), &[])),
            door: receipt.map(|receipt| receipt.origin.via.clone()).unwrap_or_default(),
            from: from.or_else(|| {
                (erased && receipt.is_some_and(|it| it.caller.is_some())).then(|| t.s("name-erased"))
            }),
            outcome: receipt.and_then(|receipt| match receipt.outcome.code {
                OutcomeCodeV1::Applied => None,
                OutcomeCodeV1::Unchanged => Some(t.s("outcome-unchanged")),
                OutcomeCodeV1::Joined => Some(t.s("outcome-joined")),
            }),
            is_damaged: false,
            is_shown: at == Some(version),
        }
    }
}

pub(crate) const fn who_key(principal: &PrincipalV1) -> &'static str {
    match principal {
        PrincipalV1::Root => "by-root",
        PrincipalV1::Account { .. } => "by-account",
        PrincipalV1::Instance { .. } => "by-instance",
        PrincipalV1::Service => "by-service",
    }
}

/// An event in words, and its name.
pub(crate) fn said(entry: &Entry, t: Texts) -> (String, String) {
    let Some(event) = &entry.event else { return (t.s("event-unknown"), String::new()) };
    let data = public::event_data(event);
    let args: Vec<(&str, String)> = data
        .iter()
        .filter_map(|(name, value)| match value {
            Value::String(text) => Some((name.as_str(), text.clone())),
            Value::Number(number) => Some((name.as_str(), number.to_string())),
            _ => None,
        })
        .collect();
    let key = format!("event-{}", event.name());
    let text = if t.known(&key).is_some() { t.f(&key, &args) } else { event.name().to_owned() };
    (text, event.name().to_owned())
}

fn soundness(report: &ChainReport, t: Texts) -> Soundness {
    let text = match &report.fault {
        None => t.with("verified", "commits", report.commits),
        Some(fault) => t.with("verify-fault", "version", fault.version),
    };
    Soundness { is_good: report.fault.is_none(), text, hash: report.last_hash.to_string() }
}

async fn then(visit: &Visit, now: &Record, at: u64, t: Texts) -> Result<Then, Failure> {
    let record = visit.app.records.as_of_version(now.id, at).await?.ok_or(Failure::NotFound)?;
    let (before, after) = (overview(&record, t), overview(now, t));
    let mut labels: Vec<&str> = Vec::new();
    for fact in before.iter().chain(&after) {
        if !labels.contains(&fact.label.as_str()) {
            labels.push(&fact.label);
        }
    }
    let differences = labels.into_iter().map(|label| {
        let (then, now) = (values(&before, label), values(&after, label));
        Difference { label: label.to_owned(), differs: then != now, then, now }
    });
    Ok(Then {
        version: record.version,
        moment: Some(record.state.updated_at.into()),
        sentence: sentence(&record, t),
        differences: differences.collect(),
    })
}

/// What facts with this label say: a dash if there is none.
fn values(facts: &[Fact], label: &str) -> Vec<Piece> {
    let text = |text: &str| Piece { text: text.to_owned(), moment: None };
    let mut values: Vec<Piece> = Vec::new();
    for fact in facts.iter().filter(|fact| fact.label == label) {
        if !values.is_empty() {
            values.push(text("; "));
        }
        values.push(Piece { text: fact.value.clone(), moment: fact.moment.clone() });
    }
    if values.is_empty() { vec![text("–")] } else { values }
}
