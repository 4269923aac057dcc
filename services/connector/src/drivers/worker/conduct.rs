//! What becomes of what a worker says.

use std::{sync::Arc, time::Duration};

use berth_proto::{
    event::{EndReasonV1, LogoutOriginV1},
    instance::PauseReasonV1,
    worker::{self, AttemptEnd, Next},
};
use berth_runtime::Clock;
use tokio::time::{Instant, sleep_until};

use super::{material::Material, run::Run};
use crate::driver::{self, DeviceFacts, Link, Report, Reports};

/// How long a connection may be away before it counts as lost.
const GRACE: Duration = Duration::from_secs(5);
/// What the platform of a phone is called when nobody says it.
const PLATFORM: &str = "unknown";
/// The code of a connection that another one took the place of.
const REPLACED: u16 = 409;

/// What was said last of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Open,
    Lost,
}

/// How following a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Everything was said.
    Over,
    /// The worker is gone.
    WorkerGone,
}

/// A link, from its first report to its last, over as many runs as it takes.
#[derive(Debug)]
pub(super) struct Conduct<'a> {
    link: &'a Link,
    clock: &'a Arc<dyn Clock>,
    reports: &'a dyn Reports,
    /// The worker that has or makes the keys.
    worker: String,
    pub(super) is_linked: bool,
    said: Said,
    /// Since the connection is away: when that counts, and why it is.
    away: Option<(Instant, u16, String)>,
}

impl<'a> Conduct<'a> {
    /// Of a link whose device is linked, or not yet, by this worker.
    pub(super) fn new(
        link: &'a Link,
        clock: &'a Arc<dyn Clock>,
        reports: &'a dyn Reports,
        material: Material,
    ) -> Self {
        let Material { worker, linked } = material;
        Self { link, clock, reports, worker, is_linked: linked, said: Said::Nothing, away: None }
    }

    /// The connection is away, as far as is known; it counts unless it is back within the grace. The last reason is the one
    /// that keeps it away.
    pub(super) fn is_away(&mut self, code: u16, why: &str) {
        let until = self.away.as_ref().map_or_else(|| Instant::now() + GRACE, |(until, ..)| *until);
        self.away = Some((until, code, why.to_owned()));
    }

    /// A worker opens the connection for the first time: it says itself if it cannot.
    pub(super) fn is_opening(&mut self) {
        if self.said == Said::Nothing {
            self.away = None;
        }
    }

    /// Waits until the connection has been away for longer than the grace and nobody was told; for ever if it is not away.
    pub(super) async fn away_for_long(&self) {
        match &self.away {
            Some((until, ..)) if self.said != Said::Lost => sleep_until(*until).await,
            Some(_) | None => std::future::pending().await,
        }
    }

    /// Says that it is lost.
    pub(super) async fn tell_lost(&mut self) -> driver::Next {
        let (code, source_code) =
            self.away.as_ref().map(|(_, code, why)| (*code, why.clone())).unwrap_or_default();
        self.said = Said::Lost;
        self.reports.report(Report::Lost { code, source_code }).await
    }

    /// Hears what the worker says of a run, and answers it.
    pub(super) async fn follow(&mut self, run: &mut Run) -> Ended {
        loop {
            let said = tokio::select! {
                biased;
                said = run.next() => said,
                () = self.away_for_long() => match self.tell_lost().await {
                    driver::Next::Continue => continue,
                    driver::Next::Stop => return Ended::Over,
                },
            };
            let Some(said) = said else { return Ended::WorkerGone };
            if self.ends_with(&said.report) {
                run.ends_with(said.number);
            }
            let next = if self.is_linked {
                self.of_link(said.report).await
            } else {
                self.of_attempt(said.report).await
            };
            run.answer(said.number, next).await;
            if next != Next::Continue {
                return Ended::Over;
            }
        }
    }

    /// Whether there is no device any more after a report.
    const fn ends_with(&self, said: &worker::Report) -> bool {
        match said {
            worker::Report::Removed { .. }
            | worker::Report::Refused { code: 401 | 403 | 406, .. }
            | worker::Report::AttemptEnded { .. } => true,
            worker::Report::Refused { .. } | worker::Report::Replaced {} | worker::Report::NoDevice {} => {
                !self.is_linked
            }
            worker::Report::Qr { .. }
            | worker::Report::PairingCode { .. }
            | worker::Report::PairingCodeRefused { .. }
            | worker::Report::Linked { .. }
            | worker::Report::Open {}
            | worker::Report::Lost { .. }
            | worker::Report::Unlinked {}
            | worker::Report::UnlinkFailed { .. } => false,
        }
    }

    /// Reports, and says what that means for the worker while it is to go on.
    async fn report(&self, report: Report) -> Next {
        match self.reports.report(report).await {
            driver::Next::Continue => Next::Continue,
            driver::Next::Stop => Next::Stop,
        }
    }

    // === while no device is linked ===

    async fn of_attempt(&mut self, said: worker::Report) -> Next {
        let valid = Duration::from_millis;
        match said {
            worker::Report::Qr { text, valid_ms } => {
                self.report(Report::Qr { text, valid: valid(valid_ms) }).await
            }
            worker::Report::PairingCode { text, valid_ms } => {
                self.report(Report::PairingCode { text, valid: valid(valid_ms) }).await
            }
            worker::Report::PairingCodeRefused { code, backoff_seconds } => {
                self.report(Report::PairingCodeRefused { code, backoff_seconds }).await
            }
            worker::Report::Linked { device } => self.linked(device).await,
            worker::Report::AttemptEnded { reason, code } => {
                let reason = match reason {
                    AttemptEnd::Unreachable => EndReasonV1::Unreachable,
                    AttemptEnd::CodesExhausted => EndReasonV1::CodesExhausted,
                    AttemptEnd::PairError => EndReasonV1::PairError,
                };
                self.ended(reason, code).await
            }
            worker::Report::Refused { code, .. } | worker::Report::Removed { code } => {
                self.ended(EndReasonV1::Refused, code).await
            }
            worker::Report::Replaced {} => self.ended(EndReasonV1::Refused, REPLACED).await,
            worker::Report::NoDevice {} => self.ended(EndReasonV1::Unreachable, 0).await,
            // There is nothing yet that could be open or unlinked.
            worker::Report::Open {}
            | worker::Report::Lost { .. }
            | worker::Report::Unlinked {}
            | worker::Report::UnlinkFailed { .. } => Next::Continue,
        }
    }

    /// The attempt is over, and no device came of it.
    async fn ended(&self, reason: EndReasonV1, code: u16) -> Next {
        self.reports.report(Report::AttemptEnded { reason, code }).await;
        // Where keys would have been; what stays of it leads to a question that the worker answers with no.
        let _kept_until_asked = self.link.keys.delete().await;
        Next::Wipe
    }

    async fn linked(&mut self, device: worker::Device) -> Next {
        let material = Material { worker: self.worker.clone(), linked: true };
        if material.keep(self.link).await.is_err() {
            // Nobody was told: the device is found by what was kept before, and unlinked.
            return Next::Stop;
        }
        let next = self.report(Report::Linked(facts(device))).await;
        self.is_linked = next == Next::Continue;
        next
    }

    // === while one is ===

    async fn of_link(&mut self, said: worker::Report) -> Next {
        match said {
            worker::Report::Open {} => {
                self.away = None;
                let before = std::mem::replace(&mut self.said, Said::Open);
                if before == Said::Open { Next::Continue } else { self.report(Report::Open).await }
            }
            worker::Report::Lost { code, source_code } => {
                self.is_away(code, &source_code);
                Next::Continue
            }
            worker::Report::Removed { code } => self.logged_out(LogoutOriginV1::Phone, code).await,
            worker::Report::Refused { code: code @ (401 | 403 | 406), .. } => {
                self.logged_out(LogoutOriginV1::Server, code).await
            }
            worker::Report::Refused { code, ban_code, ban_seconds } => {
                self.paused(code, ban_code, ban_seconds).await
            }
            worker::Report::Replaced {} => self.paused(REPLACED, 0, 0).await,
            // The folder of a worker can be lost and come back; nobody makes up an end of the session.
            worker::Report::NoDevice {} => {
                self.said = Said::Lost;
                self.report(Report::Lost { code: 0, source_code: "keys_lost".to_owned() }).await;
                Next::Stop
            }
            // Nothing that a link with a device could say.
            worker::Report::Qr { .. }
            | worker::Report::PairingCode { .. }
            | worker::Report::PairingCodeRefused { .. }
            | worker::Report::AttemptEnded { .. }
            | worker::Report::Linked { .. }
            | worker::Report::Unlinked {}
            | worker::Report::UnlinkFailed { .. } => Next::Continue,
        }
    }

    /// The session was ended from outside. Its keys are worth nothing, unless the log knows it otherwise.
    async fn logged_out(&self, origin: LogoutOriginV1, code: u16) -> Next {
        if self.report(Report::LoggedOut { origin, code }).await == Next::Stop {
            return Next::Stop;
        }
        // What is left would be found, and deleted, by nobody else.
        let _kept_until_deleted = self.link.keys.delete().await;
        Next::Wipe
    }

    /// The link must not be tried again by itself; its keys stay.
    async fn paused(&self, code: u16, ban_code: u16, ban_seconds: u32) -> Next {
        let (reason, code, until) = match code {
            402 => {
                let until = (ban_seconds > 0).then(|| self.clock.now().plus_seconds(ban_seconds.into()));
                (PauseReasonV1::Banned, if ban_code == 0 { code } else { ban_code }, until)
            }
            405 => (PauseReasonV1::Outdated, code, None),
            REPLACED => (PauseReasonV1::Replaced, code, None),
            _ => (PauseReasonV1::Refused, code, None),
        };
        self.report(Report::Paused { reason, code, until }).await;
        Next::Stop
    }
}

fn facts(device: worker::Device) -> DeviceFacts {
    let worker::Device { jid, lid, push_name, business_name, picture_url, platform } = device;
    let phone = jid.split(['@', ':']).next().unwrap_or_default().to_owned();
    let platform = if platform.is_empty() { PLATFORM.to_owned() } else { platform };
    DeviceFacts { jid, lid, phone, push_name, business_name, picture_url, platform }
}
