//! `/console/audit`: who did what, across instances; files of it; and what is signed about the log.

use std::collections::BTreeMap;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use berth_gateway::{
    app::{About, Actor, AuditEntry, AuditPage, AuditQuery, EventsFailure, Failure, KeyKind, Principal},
    native::audit_file,
};
use berth_proto::{InstanceId, Timestamp, frame::RejectionCodeV1, public};
use futures::{StreamExt, stream};

use crate::{
    form::{Fields, QueryFields},
    moment::Moment,
    pages::timeline::{said, who_key},
    refusal::Refusal,
    shell::{Shell, rendered},
    texts::Texts,
    visit::Visit,
};

/// Events of a page.
const ROWS: usize = 50;
/// Instances of a page whose names are read at once.
const NAMES_AT_ONCE: usize = 16;
/// The doors that are offered.
const DOORS: [&str; 10] = [
    "native",
    "console",
    "evolution",
    "evolution-go",
    "ryze",
    "codechat",
    "mega",
    "green",
    "connector",
    "sweeper",
];
/// What an instance may be called here.
const KEYS: [KeyKind; 4] = [KeyKind::Id, KeyKind::Name, KeyKind::Number, KeyKind::Alias];
/// The fields of a search.
const FIELDS: [&str; 6] = ["instance", "actor", "door", "type", "from", "to"];

/// An event.
struct Row {
    at: Moment,
    /// None for what happened to an account itself.
    instance: Option<String>,
    name: String,
    account: Option<String>,
    version: u64,
    text: String,
    event: String,
    who: String,
    door: String,
    from: Option<String>,
}

/// A word that can be chosen.
struct Choice {
    word: String,
    text: String,
    is_chosen: bool,
}

/// The last checkpoint of a shard.
struct Signed {
    shard: u8,
    size: String,
    root: String,
    at: Moment,
}

/// What is signed about the log.
struct Evidence {
    deployment: String,
    signed: Vec<Signed>,
    keys: Vec<String>,
    trouble: Option<String>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    shell: Shell,
    /// Whether all accounts are searched.
    is_everything: bool,
    rows: Vec<Row>,
    /// The query of the next page; none after the last one.
    older: Option<String>,
    is_first: bool,
    /// How far it was looked back.
    looked_back_to: Option<Moment>,
    unreadable: u64,
    /// The query without a page, for files.
    query: String,
    /// What was searched for.
    instance: String,
    from: String,
    to: String,
    actors: Vec<Choice>,
    doors: Vec<Choice>,
    events: Vec<Choice>,
    evidence: Option<Evidence>,
}

/// Searches.
pub(crate) async fn page(visit: Visit, query: QueryFields) -> Response {
    let fields = &query.0;
    let found = async {
        let asked = asked(&visit, fields).await?;
        let before = fields.given("before");
        visit.app.audit.page(&visit.principal, &asked, before.as_deref(), ROWS).await.map_err(refused)
    };
    let shell = Shell::of(&visit, "audit");
    match found.await {
        Ok(found) => {
            let page = page_of(&visit, fields, found, shell).await;
            rendered(StatusCode::OK, &page)
        }
        Err(failure @ (Failure::NotFound | Failure::Invalid { .. })) => {
            let refusal = Refusal::of(failure);
            let shell = shell.with_problem(Some(refusal.text(visit.place.texts)));
            let nothing = AuditPage { entries: Vec::new(), next: None, looked_back_to: None, unreadable: 0 };
            let page = page_of(&visit, fields, nothing, shell).await;
            rendered(refusal.status(), &page)
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// All that is found as a file.
pub(crate) async fn export(visit: Visit, query: QueryFields) -> Response {
    match asked(&visit, &query.0).await {
        Ok(asked) => {
            let file = audit_file(visit.app.clone(), visit.principal, asked, query.0.get("format")).await;
            file.unwrap_or_else(axum::response::IntoResponse::into_response)
        }
        Err(failure) => visit.refuse(failure),
    }
}

fn refused(failure: EventsFailure) -> Failure {
    match failure {
        EventsFailure::Cursor => Failure::Invalid { field: "before", problem: "search again" },
        EventsFailure::Call(failure) => failure,
    }
}

async fn asked(visit: &Visit, fields: &Fields) -> Result<AuditQuery, Failure> {
    if matches!(visit.principal, Principal::Instance { .. }) {
        return Err(Failure::Forbidden);
    }
    let instance = match fields.given("instance") {
        Some(key) => Some(instance(visit, &key).await?),
        None => None,
    };
    let actor = Actor::ALL.into_iter().find(|actor| actor.word() == fields.get("actor"));
    let event = searched().find(|name| *name == fields.get("type"));
    Ok(AuditQuery {
        account: None,
        instance,
        about: Vec::new(),
        actors: actor.into_iter().collect(),
        doors: fields.given("door").into_iter().collect(),
        events: event.map(str::to_owned).into_iter().collect(),
        from: moment("from", fields)?,
        to: moment("to", fields)?,
    })
}

/// The names of the events that are searched: directory entries are for the shell.
fn searched() -> impl Iterator<Item = &'static str> {
    [About::Instance, About::Account].into_iter().flat_map(About::names)
}

/// The instance that is asked for, also one that is deleted or whose history is damaged at its end.
async fn instance(visit: &Visit, key: &str) -> Result<InstanceId, Failure> {
    let own = key.parse::<InstanceId>();
    if visit.principal.account().is_none() {
        return own.map_err(|_| Failure::NotFound);
    }
    let Ok(id) = own else {
        return Ok(visit.app.finder.find(&visit.principal, key, &KEYS).await?.id);
    };
    match visit.app.records.read_with_deleted(&visit.principal, id).await {
        Err(failure) if failure.rejection() == Some(RejectionCodeV1::Damaged) => {
            Ok(visit.app.records.read_readable(&visit.principal, id).await?.id)
        }
        other => Ok(other?.id),
    }
}

/// A moment in UTC as a field for day and time sends it.
fn moment(name: &'static str, fields: &Fields) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = fields.given(name) else { return Ok(None) };
    let text =
        if text.len() == "2026-11-21T12:00".len() { format!("{text}:00Z") } else { format!("{text}Z") };
    let parsed = text.parse::<jiff::Timestamp>();
    let invalid = Failure::Invalid { field: name, problem: "a day and a time are expected" };
    Ok(Some(Timestamp(parsed.map_err(|_| invalid)?.as_microsecond())))
}

async fn page_of(visit: &Visit, fields: &Fields, found: AuditPage, shell: Shell) -> Page {
    let t = shell.t;
    let names = names(visit, &found.entries).await;
    let evidence = evidence(visit).await;
    let encoded = |before: Option<String>| {
        let said = FIELDS.iter().map(|name| (*name, fields.get(name).to_owned()));
        let said =
            said.chain([("before", before.unwrap_or_default())]).filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish()
    };
    let choice = |name: &str, word: &str, text: String| Choice {
        word: word.to_owned(),
        text,
        is_chosen: fields.get(name) == word,
    };
    let mut events: Vec<&str> = searched().collect();
    events.sort_unstable();
    Page {
        is_everything: visit.principal.account().is_none(),
        rows: found.entries.iter().map(|it| Row::of(it, &names, t)).collect(),
        older: found.next.map(|next| encoded(Some(next))),
        is_first: fields.get("before").is_empty(),
        looked_back_to: found.looked_back_to.map(Into::into),
        unreadable: found.unreadable,
        query: encoded(None),
        instance: fields.get("instance").to_owned(),
        from: fields.get("from").to_owned(),
        to: fields.get("to").to_owned(),
        actors: Actor::ALL.iter().map(|it| choice("actor", it.word(), t.f(actor_key(*it), &[]))).collect(),
        doors: DOORS.iter().map(|door| choice("door", door, (*door).to_owned())).collect(),
        events: events.into_iter().map(|name| choice("type", name, name.to_owned())).collect(),
        evidence,
        shell,
    }
}

const fn actor_key(actor: Actor) -> &'static str {
    match actor {
        Actor::Root => "by-root",
        Actor::Account => "by-account",
        Actor::Instance => "by-instance",
        Actor::Service => "by-service",
    }
}

/// The names of the instances of a page, of which the root key sees none; one that cannot be read has none here.
async fn names(visit: &Visit, entries: &[AuditEntry]) -> BTreeMap<InstanceId, String> {
    if visit.principal.account().is_none() {
        return BTreeMap::new();
    }
    let ids: std::collections::BTreeSet<InstanceId> = entries.iter().filter_map(|it| it.instance).collect();
    let read = ids.into_iter().map(|id| async move {
        let record = visit.app.records.read_with_deleted(&visit.principal, id).await.ok()?;
        Some((id, record.name))
    });
    let named = stream::iter(read).buffer_unordered(NAMES_AT_ONCE);
    let named: Vec<Option<(InstanceId, String)>> = named.collect().await;
    named.into_iter().flatten().filter(|(_, name)| !name.is_empty()).collect()
}

/// What is signed about the log; none while nobody tells.
async fn evidence(visit: &Visit) -> Option<Evidence> {
    let latest = visit.app.evidence.latest().await.ok()?;
    let line = |note: &str, place: usize| note.lines().nth(place).unwrap_or_default().to_owned();
    let signed = latest.published.iter().map(|published| Signed {
        shard: published.shard,
        size: line(&published.note, 1),
        root: line(&published.note, 2),
        at: published.published_at.into(),
    });
    Some(Evidence {
        deployment: latest.deployment,
        signed: signed.collect(),
        keys: latest.keys.iter().map(|announcement| line(announcement, 2)).collect(),
        trouble: latest.trouble,
    })
}

impl Row {
    fn of(found: &AuditEntry, names: &BTreeMap<InstanceId, String>, t: Texts) -> Self {
        let AuditEntry { instance, account, name, entry, .. } = found;
        let receipt = public::receipt_of(&entry.commit, entry.index);
        let (text, event) = match (instance, name) {
            // Of an account; what has no words yet is told by its name.
            (None, Some(name)) => match t.known(&format!("event-{name}")) {
                Some(text) => (text, (*name).to_owned()),
                None => ((*name).to_owned(), String::new()),
            },
            _ => said(entry, t),
        };
        let of = instance.map(|id| names.get(&id).cloned().unwrap_or_else(|| id.to_string()));
        Self {
            at: entry.commit.occurred_at.into(),
            instance: instance.map(|instance| instance.to_string()),
            name: of.unwrap_or_else(|| t.f("by-account", &[])),
            account: account.map(|account| account.to_string()),
            version: entry.commit.version,
            text,
            event,
            who: receipt.map_or_else(|| t.s("timeline-nobody"), |it| t.f(who_key(&it.principal), &[])),
            door: receipt.map(|receipt| receipt.origin.via.clone()).unwrap_or_default(),
            from: entry.caller.as_ref().and_then(|caller| caller.address.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Form;

    #[test]
    fn a_moment_is_read_as_browsers_send_it() {
        let read =
            |text: &str| moment("from", &Form::of(format!("from={text}").as_bytes()).fields).ok().flatten();
        let noon = Some(Timestamp(1_735_732_800_000_000));
        assert_eq!(read("2025-01-01T12:00"), noon);
        assert_eq!(read("2025-01-01T12:00:00"), noon);
        assert_eq!(read(""), None);
        assert!(moment("from", &Form::of(b"from=yesterday").fields).is_err());
    }
}
