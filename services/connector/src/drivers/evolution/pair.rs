//! Linking a device: codes are asked for and passed on until one is scanned.

use std::time::Duration;

use berth_proto::event::EndReasonV1;
use berth_upstreams::{UpstreamError, evolution::Connect};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::{
    Evolution, Material, kept,
    probe::There,
    shown::{Shown, hash},
    store,
    unlink::ENDED,
};
use crate::driver::{Link, Next, Report, Reports};

/// How long codes are shown: as long as WhatsApp's own six.
const SHOWN_MAX: Duration = Duration::from_secs(160);
/// Failed questions in a row after which an attempt is given up.
const FAILURES_MAX: u32 = 10;
/// Pause after a failed question.
const FAILED_PAUSE: Duration = Duration::from_secs(1);
/// How long a device that scanned a code may take to log in, until another one is asked for.
const JOINING_MAX: Duration = Duration::from_secs(15);

/// Whether an attempt asks for codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    NotYet,
    /// It does, which is kept for whoever ends what it leaves.
    Kept,
}

/// An attempt that runs, and how far it has come.
pub(super) struct Pairing<'a> {
    at: &'a Evolution,
    link: &'a Link,
    /// The instance's name there.
    name: &'a str,
    /// The number of the device, if a code is to be typed.
    phone: Option<&'a str>,
    reports: &'a dyn Reports,
    /// No former device is in the way any more.
    is_free: bool,
    /// What is shown there was asked for by this attempt, or nothing is.
    is_own: bool,
    /// What was there before was logged out.
    has_logged_out: bool,
    asking: Asking,
    /// Since when the codes that were shown are not any more.
    joining: Option<Instant>,
    /// What the code of the session before hashes to, if it is known.
    former: Option<u64>,
    shown: Shown,
}

/// What is kept of an attempt without a device.
fn begun(name: &str, has_asked: bool) -> Material {
    Material { name: name.to_owned(), jid: None, has_asked }
}

/// Keeps that an attempt has begun; false if that does not work yet. Whoever ran it before may have asked for codes already.
async fn store_begun(link: &Link, name: &str) -> bool {
    match kept(link).await {
        // What one before it asked for may still come.
        Ok(None) => store(link, &begun(name, link.attempt != 1)).await,
        Ok(Some(_)) | Err(_) => true,
    }
}

/// What a question comes to.
enum Progress {
    /// A device is linked, or nobody wants one any more.
    Done,
    /// Ask again.
    Again,
    /// Ask again, but not sooner for a hint.
    Later,
    /// It failed.
    Failed(UpstreamError),
}

impl<'a> Pairing<'a> {
    pub(super) fn new(
        at: &'a Evolution,
        link: &'a Link,
        name: &'a str,
        phone: Option<&'a str>,
        reports: &'a dyn Reports,
    ) -> Self {
        Self {
            at,
            link,
            name,
            phone,
            reports,
            is_free: link.attempt == 1,
            is_own: false,
            has_logged_out: false,
            asking: Asking::NotYet,
            joining: None,
            former: None,
            shown: Shown::default(),
        }
    }

    /// Links a device, or says why there is none.
    pub(super) async fn run(mut self) {
        let Self { at, link, name, reports, .. } = self;
        if !at.upstream.is_driven() {
            // Begun while it was driven: codes are not asked for any more.
            let ended = Report::AttemptEnded { reason: EndReasonV1::Refused, code: 0 };
            reports.report(ended).await;
            return;
        }
        // Once it is deleted another instance may have the name. Whoever deletes it looks after that for what is kept, and here it is kept
        // before that is looked for: so one of the two sees the other.
        while !store_begun(link, name).await {
            at.cadence.pause().await;
        }
        if reports.is_deleted().await {
            let _forgotten_by_the_next_owner = link.keys.delete().await;
            return;
        }
        if let Some(ended) = self.ask().await {
            // Its codes are ended when it is known to be over.
            reports.report(ended).await;
        }
    }

    /// Asks for codes until a device is linked or nobody wants one any more; gives why there is none.
    async fn ask(&mut self) -> Option<Report> {
        let Self { at, link, name, .. } = *self;
        self.former = at.sessions.shown_last(name);
        let until = Instant::now() + SHOWN_MAX;
        let mut failures = 0;
        loop {
            if Instant::now() >= until {
                if !self.shown.is_some() {
                    warn!(instance = %link.instance,
                        "an attempt ends without a code: the login of a former one hangs, or its upstream has none");
                }
                return Some(self.shown.over());
            }
            match self.ask_once().await {
                Progress::Done => return None,
                Progress::Again => failures = 0,
                Progress::Later => {
                    failures = 0;
                    at.cadence.pause().await;
                    continue;
                }
                Progress::Failed(error) if failures + 1 < FAILURES_MAX => {
                    debug!(instance = %link.instance, %error, "no code from an upstream yet");
                    failures += 1;
                    sleep(FAILED_PAUSE.min(at.upstream.settings.poll)).await;
                }
                Progress::Failed(error) => {
                    warn!(instance = %link.instance, %error, "an attempt ends since its upstream gives no code");
                    return Some(Report::AttemptEnded { reason: EndReasonV1::Unreachable, code: 0 });
                }
            }
            at.cadence.pause_unless_hinted(link.instance).await;
        }
    }

    /// One question.
    async fn ask_once(&mut self) -> Progress {
        let Self { at, link, name, phone, reports, .. } = *self;
        let client = &at.upstream.client;
        let there = at.probe.there(name).await;
        if there != Ok(There::Joining) {
            self.joining = None;
        }
        match there {
            // A device that was linked by the last attempt and is still to be unlinked.
            Ok(There::Open) if !self.is_free => {
                if at.probe.is_heard(name).await {
                    self.has_logged_out = true;
                    let _asked = client.logout(name).await;
                }
                return Progress::Again;
            }
            Ok(There::Open) => return self.found().await,
            // That device, which can be unlinked once it is open; or the one that was just linked. A code that was asked for now
            // would make a second connection of the same device, and the two would replace each other for ever.
            Ok(There::Away) => return Progress::Later,
            Ok(There::Joining) if self.shown.is_some() && self.is_joining() => return Progress::Later,
            // The former session was logged out by this attempt: its unlinking would find that of this one.
            Ok(There::Free { closed_by: Some(ENDED) }) if self.has_logged_out => {
                at.sessions.note_freed(name, link);
            }
            Ok(There::Pairing) => {
                if let Some(progress) = self.while_shown().await {
                    return progress;
                }
            }
            Ok(There::Joining | There::Free { .. }) => {}
            Err(UpstreamError::NotFound) => {
                if let Err(error) = client.create(name).await {
                    return Progress::Failed(error);
                }
                self.shown.is_sure = true;
            }
            Err(error) => return Progress::Failed(error),
        }
        self.is_own = true;
        if self.asking == Asking::NotYet {
            if !store(link, &begun(name, true)).await {
                return Progress::Later;
            }
            self.asking = Asking::Kept;
        }
        match client.connect(name, phone).await {
            // The former device came back in between.
            Ok(Connect::Open) if !self.is_free => Progress::Again,
            Ok(Connect::Open) => self.found().await,
            Ok(Connect::NotYet) => {
                self.is_free = true;
                Progress::Again
            }
            // Nobody can scan that any more: there is none yet.
            Ok(Connect::Codes { qr: Some(qr), .. }) if self.former == Some(hash(&qr)) => {
                self.is_free = true;
                Progress::Again
            }
            Ok(Connect::Codes { qr, pairing }) => {
                self.is_free = true;
                if let Some(qr) = &qr {
                    at.sessions.note_shown(name, hash(qr));
                }
                let pairing = pairing.filter(|_| phone.is_some());
                let next = self.shown.pass_on(qr, pairing, reports).await;
                if next == Next::Stop { Progress::Done } else { Progress::Again }
            }
            Err(error) => Progress::Failed(error),
        }
    }

    /// What there is to do while codes are shown; none if they are to be asked for.
    async fn while_shown(&mut self) -> Option<Progress> {
        let Self { at, name, phone, .. } = *self;
        let client = &at.upstream.client;
        // Codes of an earlier attempt: whoever scans one does not know of this one, and there would be none to type.
        if !self.is_own {
            if !at.probe.codes_stand(name).await {
                return Some(Progress::Later);
            }
            self.is_own = true;
            let _asked = client.logout(name).await;
            return Some(Progress::Again);
        }
        let shown = &mut self.shown;
        // It is the same code until it is over. Whoever scans it is about to log in, and a question in that moment would make a second
        // connection of the same device, which never ends.
        if shown.is_valid(at.upstream.settings.poll, phone.is_some()) {
            return Some(Progress::Again);
        }
        if !shown.is_some() {
            return None;
        }
        // It may be an earlier one, but where the upstream does not tell of a scan nothing more is asked for that.
        if !shown.is_sure && !shown.lacks_pairing(phone.is_some()) && client.is_paired(name).await == Ok(None)
        {
            shown.is_sure = true;
            return Some(Progress::Again);
        }
        // It is over, or not all of it was there, or it may be an earlier one; or somebody has just scanned it.
        (!at.probe.codes_stand(name).await).then_some(Progress::Later)
    }

    async fn found(&self) -> Progress {
        let Self { at, link, name, reports, .. } = *self;
        match at.upstream.client.one(name).await {
            Ok(row) => match row.owner_jid.clone() {
                Some(jid) if at.linked(link, row, jid.clone(), reports).await => Progress::Done,
                Some(_) | None => Progress::Again,
            },
            Err(error) => Progress::Failed(error),
        }
    }

    /// Whether a device may still be about to log in.
    fn is_joining(&mut self) -> bool {
        self.joining.get_or_insert_with(Instant::now).elapsed() < JOINING_MAX
    }
}
