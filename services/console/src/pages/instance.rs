//! `GET /console/i/{i}`: an instance, its sentence, its buttons, and while it links a device the code to scan.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use berth_domain::instance::{attempt, binding};
use berth_gateway::{
    App,
    app::{Failure, LiveCode, Record},
    http::qr,
};
use berth_proto::instance::{ConnectionV1, MethodV1, PhaseV1};

use crate::{
    facts::{Action, Fact, Facts, Piece, actions, overview, sentence},
    form::QueryFields,
    moment::Moment,
    pages::live::{self, Part},
    shell::{Shell, rendered},
    texts::Texts,
    visit::{Named, Visit},
};

/// What every tab of an instance has above it.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) facts: Facts,
    pub(crate) tab: &'static str,
    pub(crate) is_deleted: bool,
}

impl Head {
    pub(crate) fn of(record: &Record, t: Texts, tab: &'static str) -> Self {
        Self { facts: Facts::of(record, t), tab, is_deleted: record.is_deleted() }
    }

    pub(crate) fn is_at(&self, tab: &str) -> bool {
        self.tab == tab
    }
}

/// A code that can be used now.
pub(crate) struct Code {
    /// A QR code as a picture, or none for a pairing code.
    pub(crate) picture: Option<String>,
    /// A pairing code as one reads it aloud.
    pub(crate) text: Option<String>,
    pub(crate) index: String,
    pub(crate) until: Moment,
    /// Whole seconds that it lasts, for a bar.
    pub(crate) lasts_seconds: i64,
}

/// An attempt to link a device that runs.
pub(crate) struct Linking {
    pub(crate) is_qr: bool,
    pub(crate) code: Option<Code>,
    /// The steps on the phone.
    pub(crate) steps: Vec<String>,
    pub(crate) deadline: Moment,
}

#[derive(Template)]
#[template(path = "instance_panel.html")]
struct Panel {
    t: Texts,
    root: String,
    facts: Facts,
    sentence: Vec<Piece>,
    linking: Option<Linking>,
    /// Whether a connect would begin something.
    can_connect: bool,
    actions: Vec<Action>,
    overview: Vec<Fact>,
    is_deleted: bool,
    key: String,
    /// The simulated phone, if phones are only played.
    phone: Option<Phone>,
}

#[derive(Template)]
#[template(path = "instance.html")]
struct Page {
    shell: Shell,
    head: Head,
    part: Part<Panel>,
}

/// What the simulated phone can do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phone {
    /// Scan the code that is shown.
    Scan,
    /// Type the code that is shown.
    Enter,
    /// What a linked phone can, or may happen to it.
    Linked,
    /// The same while its connection is lost.
    Lost,
    /// Nothing while the connection of a linked phone is stopped.
    Stopped,
    /// Nothing.
    Nothing,
}

/// Shows the instance.
pub(crate) async fn page(visit: Visit, named: Named, query: QueryFields) -> Response {
    let record = match visit.app.records.read_with_deleted(&visit.principal, named.0).await {
        Ok(record) => record,
        Err(failure) => return visit.refuse(failure),
    };
    match panel_of(&visit, &record).await {
        Ok(panel) => {
            let shell = Shell::of(&visit, "instances").saying(&query.0);
            let head = Head::of(&record, shell.t, "overview");
            rendered(StatusCode::OK, &Page { shell, head, part: Part::new(panel) })
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// The changing part alone, if it differs from what the page has.
pub(crate) async fn panel(visit: Visit, named: Named, query: QueryFields) -> Response {
    let read = async {
        let record = visit.app.records.read_with_deleted(&visit.principal, named.0).await?;
        panel_of(&visit, &record).await
    };
    match read.await {
        Ok(panel) => live::answer(panel, &query.0),
        Err(failure) => visit.refuse(failure),
    }
}

async fn panel_of(visit: &Visit, record: &Record) -> Result<Panel, Failure> {
    let (t, now) = (visit.place.texts, visit.app.now());
    Ok(Panel {
        t,
        // Parts of a page are read in the place of the page, which is one step higher than their own address.
        root: "../".to_owned(),
        facts: Facts::of(record, t),
        sentence: sentence(record, t),
        linking: linking(&visit.app, t, record).await?,
        can_connect: matches!(record.state.phase, PhaseV1::Created | PhaseV1::LoggedOut { .. }),
        actions: if record.is_deleted() { Vec::new() } else { actions(&record.state, now, t) },
        overview: overview(record, t),
        is_deleted: record.is_deleted(),
        // The same command for as long as the instance stands as it does: a double click is one attempt.
        key: format!("console-{}-{}", record.id, record.version),
        phone: is_simulated(visit, record).then(|| Phone::of(record)),
    })
}

/// Whether the phone of the instance is only played: it has neither an upstream nor a worker.
fn is_simulated(visit: &Visit, record: &Record) -> bool {
    visit.app.settings().simulated_driver && !record.is_deleted() && binding(&record.state).is_none()
}

/// The attempt that runs, with its code.
pub(crate) async fn linking(app: &App, t: Texts, record: &Record) -> Result<Option<Linking>, Failure> {
    let Some(running) = attempt(&record.state) else { return Ok(None) };
    let (codes, now) = (app.codes.live_codes(record).await?, app.now());
    let is_qr = matches!(running.method, MethodV1::Qr);
    let (shown, live) = if is_qr { (&running.qr, codes.qr) } else { (&running.pairing_code, codes.pairing) };
    let lasts = shown.as_ref().map_or(0, |code| code.expires_at.seconds() - code.issued_at.seconds());
    let code = match live.filter(|code| code.expires_at > now) {
        Some(code) => Some(Code::of(code, is_qr, lasts, t).await),
        None => None,
    };
    let steps = if is_qr {
        ["step-open", "step-devices", "step-scan"]
    } else {
        ["step-open", "step-devices", "step-type"]
    };
    let steps = steps.iter().map(|key| t.f(key, &[])).collect();
    Ok(Some(Linking { is_qr, code, steps, deadline: running.deadline.into() }))
}

impl Code {
    async fn of(code: LiveCode, is_qr: bool, lasts_seconds: i64, t: Texts) -> Self {
        let picture = if is_qr { qr::svg(&code.text).await.ok() } else { None };
        let picture = picture.map(|svg| format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg)));
        let text = (!is_qr).then(|| match code.text.split_at_checked(4) {
            Some((first, second)) if !second.is_empty() => {
                format!("{first}-{}", second.trim_start_matches('-'))
            }
            _ => code.text.clone(),
        });
        let index = t.with("code-index", "index", code.index);
        Self { picture, text, index, until: code.expires_at.into(), lasts_seconds }
    }
}

impl Phone {
    fn of(record: &Record) -> Self {
        match (&record.state.phase, attempt(&record.state).map(|attempt| &attempt.method)) {
            (_, Some(MethodV1::Qr)) => Self::Scan,
            (_, Some(MethodV1::PairingCode { .. })) => Self::Enter,
            (PhaseV1::Linked(link), _) if link.connection == ConnectionV1::Lost => Self::Lost,
            (PhaseV1::Linked(_), _) => Self::Linked,
            (PhaseV1::Paused(_), _) => Self::Stopped,
            _ => Self::Nothing,
        }
    }

    fn is_asked_for_a_person(self) -> bool {
        matches!(self, Self::Scan | Self::Enter)
    }

    fn is_linked(self) -> bool {
        matches!(self, Self::Linked | Self::Lost)
    }
}
