//! An instance in the reader's words: its state, a sentence, and what can be done with it.

use berth_domain::instance::{connection_word, has_session, link, state_word};
use berth_gateway::app::Record;
use berth_proto::{
    Timestamp,
    instance::{
        ConnectionV1, EndCauseV1, InstanceStateV1, MethodV1, PauseReasonV1, PauseV1, PermissionV1, PhaseV1,
        UnlinkStatusV1,
    },
};

use crate::{moment::Moment, texts::Texts};

/// Stands around a moment in a text.
const MARK: char = '\u{1}';

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// The moment that stands here instead of a text.
    pub(crate) moment: Option<Moment>,
}

/// An instance as a list shows it.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) number: String,
    /// The native word of its state, by which it has its colour and sign.
    pub(crate) state: &'static str,
    /// The same in the reader's language.
    pub(crate) state_text: String,
    /// How the connection of a linked device stands, or why a paused one is stopped.
    pub(crate) detail_text: Option<String>,
    /// Whether the detail wants somebody's attention.
    pub(crate) wants_attention: bool,
    /// The last device: its person and number.
    pub(crate) device: Option<String>,
    /// The native word of what webhooks are told, and the reader's.
    pub(crate) webhooks: &'static str,
    pub(crate) webhooks_text: String,
    pub(crate) updated: Moment,
}

/// A button of the instance.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    /// The last part of the path that it posts to.
    pub(crate) name: &'static str,
    pub(crate) label: String,
    /// What it does; of one that cannot be pressed, why not.
    pub(crate) hint: String,
    pub(crate) is_enabled: bool,
}

/// A thing that the overview says of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) moment: Option<Moment>,
}

impl Facts {
    pub(crate) fn of(record: &Record, t: Texts) -> Self {
        let state = &record.state;
        let word = state_word(&state.phase);
        let webhooks = permission_word(state.permission);
        let detail = match &state.phase {
            PhaseV1::Paused(pause) => Some(t.s(pause_key(pause.reason))),
            phase => connection_word(phase).map(|word| t.f(&format!("connection-{word}"), &[])),
        };
        Self {
            id: record.id.to_string(),
            name: if record.name.is_empty() { t.s("name-erased") } else { record.name.clone() },
            number: state.number.to_string(),
            state: word,
            state_text: state_text(word, t),
            detail_text: detail,
            wants_attention: match &state.phase {
                PhaseV1::Paused(pause) => pause.reason != PauseReasonV1::Asked,
                PhaseV1::Linked(link) => link.connection == ConnectionV1::Lost,
                _ => false,
            },
            device: device(record),
            webhooks,
            webhooks_text: t.f(&format!("webhooks-{}", webhooks.replace('_', "-")), &[]),
            updated: state.updated_at.into(),
        }
    }
}

/// The reader's word for a state.
pub(crate) fn state_text(word: &str, t: Texts) -> String {
    t.f(&format!("state-{}", word.replace('_', "-")), &[])
}

const fn permission_word(permission: PermissionV1) -> &'static str {
    match permission {
        PermissionV1::Open => "open",
        PermissionV1::Silent => "silent",
        PermissionV1::QrOnly => "qr_only",
    }
}

const fn pause_key(reason: PauseReasonV1) -> &'static str {
    match reason {
        PauseReasonV1::Asked => "pause-asked",
        PauseReasonV1::Replaced => "pause-replaced",
        PauseReasonV1::Banned => "pause-banned",
        PauseReasonV1::Outdated => "pause-outdated",
        PauseReasonV1::Refused => "pause-refused",
    }
}

/// The last device: its person, and its number as one writes it.
fn device(record: &Record) -> Option<String> {
    let device = record.device()?;
    let name = device.push_name.or(device.business_name);
    Some(match name {
        Some(name) => format!("{name}, +{}", device.phone),
        None => format!("+{}", device.phone),
    })
}

/// What there is to say first: how it stands, since when, and what webhooks are told.
pub(crate) fn sentence(record: &Record, t: Texts) -> Vec<Piece> {
    let state = &record.state;
    let who = device(record).unwrap_or_else(|| t.s("device-unknown"));
    let stands = match &state.phase {
        PhaseV1::Created => t.s("sentence-created"),
        PhaseV1::Connecting(attempt) => t.with("sentence-connecting", "attempt", attempt.number),
        PhaseV1::Pairing(attempt) => match attempt.method {
            MethodV1::Qr => t.with("sentence-pairing", "attempt", attempt.number),
            MethodV1::PairingCode { .. } => t.with("sentence-pairing-code", "attempt", attempt.number),
        },
        PhaseV1::Linked(link) => {
            let key = match link.connection {
                ConnectionV1::Opening => "sentence-opening",
                ConnectionV1::Open => "sentence-open",
                ConnectionV1::Lost => "sentence-lost",
            };
            t.f(key, &[("who", who), ("linked", at(link.linked_at)), ("since", at(link.since))])
        }
        PhaseV1::Paused(pause) => paused(pause, who, t),
        PhaseV1::LoggedOut { at: moment } => {
            let cause = state.last_end.as_ref().map_or(EndCauseV1::Command, |end| end.cause);
            t.f(ended_key(cause), &[("at", at(*moment)), ("who", who)])
        }
        PhaseV1::Deleted { at: moment } => t.with("sentence-deleted", "at", at(*moment)),
    };
    let webhooks = format!("sentence-webhooks-{}", permission_word(state.permission).replace('_', "-"));
    let webhooks = if record.is_deleted() { String::new() } else { t.f(&webhooks, &[]) };
    pieces(format!("{stands} {webhooks}").trim_end())
}

/// A moment as it stands in a text until [`pieces`] finds it: between marks that no name or text of ours has.
fn at(moment: Timestamp) -> String {
    format!("{MARK}{}{MARK}", moment.0)
}

/// A text with its moments apart, so that a page can show them in the reader's own time. What is between two marks and no
/// moment was in somebody's name, and stays text.
fn pieces(text: &str) -> Vec<Piece> {
    let parts = text.split(MARK).filter(|part| !part.is_empty());
    let piece = |part: &str| match part.parse::<i64>() {
        Ok(moment) if part.len() > 12 => {
            Piece { text: String::new(), moment: Some(Moment::from(Timestamp(moment))) }
        }
        _ => Piece { text: part.to_owned(), moment: None },
    };
    parts.map(piece).collect()
}

fn paused(pause: &PauseV1, who: String, t: Texts) -> String {
    let since = at(pause.since);
    let key = match pause.reason {
        PauseReasonV1::Asked => "sentence-paused-asked",
        PauseReasonV1::Replaced => "sentence-paused-replaced",
        PauseReasonV1::Banned if pause.until.is_some() => "sentence-paused-banned-until",
        PauseReasonV1::Banned => "sentence-paused-banned",
        PauseReasonV1::Outdated => "sentence-paused-outdated",
        PauseReasonV1::Refused => "sentence-paused-refused",
    };
    let until = pause.until.map(at).unwrap_or_default();
    t.f(key, &[("who", who), ("since", since), ("until", until)])
}

const fn ended_key(cause: EndCauseV1) -> &'static str {
    match cause {
        EndCauseV1::Command | EndCauseV1::Delete | EndCauseV1::Attempt | EndCauseV1::Pause => {
            "sentence-logged-out"
        }
        EndCauseV1::Phone => "sentence-logged-out-phone",
        EndCauseV1::Server => "sentence-logged-out-server",
    }
}

/// The buttons of an instance: those that its state does not allow say why.
pub(crate) fn actions(state: &InstanceStateV1, now: Timestamp, t: Texts) -> Vec<Action> {
    let button = |name: &'static str, label: &str, outcome: Result<&str, &str>| Action {
        name,
        label: t.f(label, &[]),
        hint: t.f(outcome.unwrap_or_else(|why| why), &[]),
        is_enabled: outcome.is_ok(),
    };
    let running = matches!(state.phase, PhaseV1::Connecting(_) | PhaseV1::Pairing(_));
    let is_banned = matches!(&state.phase, PhaseV1::Paused(pause)
        if pause.reason == PauseReasonV1::Banned && pause.until.is_some_and(|until| until > now));
    let has_link = link(state).is_some();
    let is_open = matches!(&state.phase, PhaseV1::Linked(link) if link.connection == ConnectionV1::Open);
    let is_paused = matches!(state.phase, PhaseV1::Paused(_));
    let reconnect = match () {
        () if is_banned => Err("why-banned"),
        () if running => Err("why-attempt"),
        () if !has_link => Err("why-no-session"),
        () if is_open => Err("why-open"),
        () => Ok("hint-reconnect"),
    };
    let restart = match () {
        () if is_banned => Err("why-banned"),
        () if !has_link => Err("why-no-session"),
        () => Ok("hint-restart"),
    };
    let disconnect = match () {
        () if is_paused => Err("why-paused"),
        () if has_link => Ok("hint-disconnect"),
        () => Err("why-no-session"),
    };
    let mut buttons = vec![button("reconnect", "action-reconnect", reconnect)];
    buttons.push(button("restart", "action-restart", restart));
    buttons.push(button("disconnect", "action-disconnect", disconnect));
    let logout = match () {
        // That is what the link panel's own button is for.
        () if running => Err("why-attempt"),
        () if has_session(state) => Ok("hint-logout"),
        () => Err("why-nothing-to-end"),
    };
    buttons.push(button("logout", "action-logout", logout));
    buttons
}

/// Everything that the overview lists.
pub(crate) fn overview(record: &Record, t: Texts) -> Vec<Fact> {
    let state = &record.state;
    let fact = |label: &str, value: String| Fact { label: t.f(label, &[]), value, moment: None };
    let dated = |label: &str, at: Timestamp| {
        let moment = Moment::from(at);
        Fact { label: t.f(label, &[]), value: moment.text.clone(), moment: Some(moment) }
    };
    let mut facts =
        vec![fact("fact-state", state_line(record, t)), fact("fact-number", state.number.to_string())];
    if let Some(device) = record.device() {
        facts.push(fact("fact-device", self::device(record).unwrap_or_default()));
        facts.push(fact("fact-jid", device.jid));
        facts.push(fact("fact-platform", device.platform));
    }
    let webhooks = format!("webhooks-{}", permission_word(state.permission).replace('_', "-"));
    facts.push(fact("fact-webhooks", t.f(&webhooks, &[])));
    facts.push(fact("fact-session", state.session.to_string()));
    facts.push(fact("fact-attempt", state.attempt.to_string()));
    if let Some(end) = &state.last_end {
        let cause = t.f(cause_key(end.cause), &[]);
        let text = if end.code == 0 { cause } else { format!("{cause} ({})", end.code) };
        facts.push(fact("fact-last-end", text));
    }
    for unlink in &state.unlinks {
        let key = match unlink.status {
            UnlinkStatusV1::Pending => "unlink-pending",
            UnlinkStatusV1::Confirmed => "unlink-confirmed",
            UnlinkStatusV1::Abandoned => "unlink-abandoned",
        };
        facts.push(fact("fact-unlink", t.with(key, "attempt", unlink.attempt)));
    }
    facts.push(dated("fact-created", state.created_at));
    facts.push(dated("fact-updated", state.updated_at));
    facts.push(fact("fact-version", record.version.to_string()));
    facts.push(fact("fact-id", record.id.to_string()));
    facts
}

fn state_line(record: &Record, t: Texts) -> String {
    let facts = Facts::of(record, t);
    match facts.detail_text {
        Some(detail) => format!("{} – {detail}", facts.state_text),
        None => facts.state_text,
    }
}

const fn cause_key(cause: EndCauseV1) -> &'static str {
    match cause {
        EndCauseV1::Command => "cause-command",
        EndCauseV1::Phone => "cause-phone",
        EndCauseV1::Server => "cause-server",
        EndCauseV1::Delete => "cause-delete",
        EndCauseV1::Attempt => "cause-attempt",
        EndCauseV1::Pause => "cause-pause",
    }
}
