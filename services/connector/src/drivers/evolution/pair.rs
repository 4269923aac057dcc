//! Linking a device: codes are asked for and passed on until one is scanned.

use std::time::Duration;

use berth_proto::event::EndReasonV1;
use berth_upstreams::{UpstreamError, evolution::Connect};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::{
    Evolution, Material, kept,
    shown::{Shown, hash},
    store,
    there::There,
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

/// How far an attempt has come.
struct Progress {
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

impl Progress {
    /// Whether a device may still be about to log in.
    fn is_joining(&mut self) -> bool {
        self.joining.get_or_insert_with(Instant::now).elapsed() < JOINING_MAX
    }
}

/// What is kept of an attempt without a device.
fn begun(name: &str, has_asked: bool) -> Material {
    Material { name: name.to_owned(), jid: None, has_asked }
}

/// Keeps that an attempt has begun; false if that does not work yet. Whoever ran it before may have asked for codes already.
async fn store_begun(link: &Link, name: &str) -> bool {
    match kept(link).await {
        Ok(None) => store(link, &begun(name, false)).await,
        Ok(Some(_)) | Err(_) => true,
    }
}

/// What a question comes to.
enum Step {
    /// A device is linked, or nobody wants one any more.
    Done,
    /// Ask again.
    Again,
    /// Ask again, but not sooner for a hint.
    Later,
    /// It failed.
    Failed(UpstreamError),
}

impl Evolution {
    /// Links a device, or says why there is none.
    pub(super) async fn pair(&self, link: &Link, name: &str, phone: Option<&str>, reports: &dyn Reports) {
        if !self.drives() {
            // Begun while it was driven: codes are not asked for any more.
            let ended = Report::AttemptEnded { reason: EndReasonV1::Refused, code: 0 };
            reports.report(ended).await;
            return;
        }
        // Once it is deleted another instance may have the name. Whoever deletes it looks after that for what is kept, and here it is kept
        // before that is looked for: so one of the two sees the other.
        while !store_begun(link, name).await {
            self.pause().await;
        }
        if reports.is_deleted().await {
            let _forgotten_by_the_next_owner = link.keys.delete().await;
            return;
        }
        let until = Instant::now() + SHOWN_MAX;
        let mut failures = 0;
        let mut progress = Progress {
            is_free: link.attempt == 1,
            is_own: false,
            has_logged_out: false,
            asking: Asking::NotYet,
            joining: None,
            former: self.sessions.shown_last(name),
            shown: Shown::default(),
        };
        let ended = loop {
            if Instant::now() >= until {
                if !progress.shown.is_some() {
                    warn!(instance = %link.instance,
                        "an attempt ends without a code: the login of a former one hangs, or its upstream has none");
                }
                break progress.shown.over();
            }
            match self.step(link, name, phone, &mut progress, reports).await {
                Step::Done => return,
                Step::Again => failures = 0,
                Step::Later => {
                    failures = 0;
                    self.pause().await;
                    continue;
                }
                Step::Failed(error) if failures + 1 < FAILURES_MAX => {
                    debug!(instance = %link.instance, %error, "no code from an upstream yet");
                    failures += 1;
                    sleep(FAILED_PAUSE.min(self.upstream.settings.poll)).await;
                }
                Step::Failed(error) => {
                    warn!(instance = %link.instance, %error, "an attempt ends since its upstream gives no code");
                    break Report::AttemptEnded { reason: EndReasonV1::Unreachable, code: 0 };
                }
            }
            self.pause_unless_hinted(link).await;
        };
        // Its codes are ended when it is known to be over.
        reports.report(ended).await;
    }

    /// One question.
    async fn step(
        &self,
        link: &Link,
        name: &str,
        phone: Option<&str>,
        progress: &mut Progress,
        reports: &dyn Reports,
    ) -> Step {
        let client = &self.upstream.client;
        let there = self.there(name).await;
        if there != Ok(There::Joining) {
            progress.joining = None;
        }
        match there {
            // A device that was linked by the last attempt and is still to be unlinked.
            Ok(There::Open) if !progress.is_free => {
                if self.is_heard(name).await {
                    progress.has_logged_out = true;
                    let _asked = client.logout(name).await;
                }
                return Step::Again;
            }
            Ok(There::Open) => return self.found(link, name, reports).await,
            // That device, which can be unlinked once it is open; or the one that was just linked. A code that was asked for now
            // would make a second connection of the same device, and the two would replace each other for ever.
            Ok(There::Away) => return Step::Later,
            Ok(There::Joining) if progress.shown.is_some() && progress.is_joining() => return Step::Later,
            // The former session was logged out by this attempt: its unlinking would find that of this one.
            Ok(There::Free { closed_by: Some(ENDED) }) if progress.has_logged_out => {
                self.sessions.note_freed(name, link);
            }
            Ok(There::Pairing) => {
                if let Some(step) = self.while_shown(name, phone, progress).await {
                    return step;
                }
            }
            Ok(There::Joining | There::Free { .. }) => {}
            Err(UpstreamError::NotFound) => {
                if let Err(error) = client.create(name).await {
                    return Step::Failed(error);
                }
                progress.shown.is_sure = true;
            }
            Err(error) => return Step::Failed(error),
        }
        progress.is_own = true;
        if progress.asking == Asking::NotYet {
            if !store(link, &begun(name, true)).await {
                return Step::Later;
            }
            progress.asking = Asking::Kept;
        }
        match client.connect(name, phone).await {
            // The former device came back in between.
            Ok(Connect::Open) if !progress.is_free => Step::Again,
            Ok(Connect::Open) => self.found(link, name, reports).await,
            Ok(Connect::NotYet) => {
                progress.is_free = true;
                Step::Again
            }
            // Nobody can scan that any more: there is none yet.
            Ok(Connect::Codes { qr: Some(qr), .. }) if progress.former == Some(hash(&qr)) => {
                progress.is_free = true;
                Step::Again
            }
            Ok(Connect::Codes { qr, pairing }) => {
                progress.is_free = true;
                if let Some(qr) = &qr {
                    self.sessions.note_shown(name, hash(qr));
                }
                let pairing = pairing.filter(|_| phone.is_some());
                let next = progress.shown.pass_on(qr, pairing, reports).await;
                if next == Next::Stop { Step::Done } else { Step::Again }
            }
            Err(error) => Step::Failed(error),
        }
    }

    /// What there is to do while codes are shown; none if they are to be asked for.
    async fn while_shown(&self, name: &str, phone: Option<&str>, progress: &mut Progress) -> Option<Step> {
        let client = &self.upstream.client;
        // Codes of an earlier attempt: whoever scans one does not know of this one, and there would be none to type.
        if !progress.is_own {
            if !self.codes_stand(name).await {
                return Some(Step::Later);
            }
            progress.is_own = true;
            let _asked = client.logout(name).await;
            return Some(Step::Again);
        }
        let shown = &mut progress.shown;
        // It is the same code until it is over. Whoever scans it is about to log in, and a question in that moment would make a second
        // connection of the same device, which never ends.
        if shown.is_valid(self.upstream.settings.poll, phone.is_some()) {
            return Some(Step::Again);
        }
        if !shown.is_some() {
            return None;
        }
        // It may be an earlier one, but where the upstream does not tell of a scan nothing more is asked for that.
        if !shown.is_sure && !shown.lacks_pairing(phone.is_some()) && client.is_paired(name).await == Ok(None)
        {
            shown.is_sure = true;
            return Some(Step::Again);
        }
        // It is over, or not all of it was there, or it may be an earlier one; or somebody has just scanned it.
        (!self.codes_stand(name).await).then_some(Step::Later)
    }

    async fn found(&self, link: &Link, name: &str, reports: &dyn Reports) -> Step {
        match self.upstream.client.one(name).await {
            Ok(row) => match row.owner_jid.clone() {
                Some(jid) if self.linked(link, row, jid.clone(), reports).await => Step::Done,
                Some(_) | None => Step::Again,
            },
            Err(error) => Step::Failed(error),
        }
    }
}
