//! The life of one simulated link.

use std::time::Duration;

use berth_proto::{
    Hash,
    event::{EndReasonV1, LogoutOriginV1},
    instance::PauseReasonV1,
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Simulated, codes,
    mailbox::Mailbox,
    play::{Action, Done, Person, Play, Reply},
    timing::QR_CODES,
};
use crate::{
    driver::{DeviceFacts, Link, Next, Report, Reports, Start},
    keys::LinkKeysError,
    simulate::Refused,
};

/// Pause before keys that cannot be stored or read are tried again.
const KEYS_RETRY: Duration = Duration::from_secs(1);
/// Bytes of made-up key material.
const MATERIAL_BYTES: usize = 64;

/// A link that runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) driver: &'a Simulated,
    pub(super) link: &'a Link,
    pub(super) reports: &'a dyn Reports,
}

/// The codes that can be used at this moment.
#[derive(Debug, Default)]
struct Shown {
    qr_index: u32,
    qr_until: Option<Instant>,
    code_until: Option<Instant>,
}

impl Shown {
    /// When the next code ends.
    fn next_end(&self) -> Option<Instant> {
        self.qr_until.into_iter().chain(self.code_until).min()
    }
}

impl Run<'_> {
    pub(super) async fn start(&self, start: Start, plays: &Mailbox) {
        match start {
            Start::Resume | Start::Reopen => {
                if self.has_keys().await {
                    self.linked(plays).await;
                } else {
                    // Without keys WhatsApp knows no such device.
                    self.reports
                        .report(Report::LoggedOut { origin: LogoutOriginV1::Server, code: 401 })
                        .await;
                }
            }
            // Nobody links a device behind our back here.
            Start::Watch => std::future::pending().await,
            // Pairing takes minutes and a link may last for years: boxed, the one takes no room in the other.
            Start::PairByQr => Box::pin(self.pair(None, plays)).await,
            Start::PairByCode { phone } => Box::pin(self.pair(Some(phone), plays)).await,
        }
    }

    async fn has_keys(&self) -> bool {
        loop {
            match self.link.keys.get().await {
                Ok(keys) => return keys.is_some(),
                Err(LinkKeysError::Damaged) => return false,
                Err(LinkKeysError::Store(_)) => sleep(KEYS_RETRY).await,
            }
        }
    }

    /// Shows codes until a phone uses one or all were shown. `by_code` is the number that a pairing code is
    /// asked for.
    async fn pair(&self, by_code: Option<String>, plays: &Mailbox) {
        let mut shown = Shown::default();
        if !self.driver.faults_of(self.link.instance).no_code {
            if self.next_qr(&mut shown).await == Next::Stop {
                return;
            }
            if by_code.is_some() && self.pairing_code(&mut shown).await == Next::Stop {
                return;
            }
        }
        loop {
            let play = match shown.next_end() {
                None => plays.take().await,
                Some(end) => tokio::select! {
                    play = plays.take() => play,
                    () = sleep_until(end) => {
                        if self.rotate(&mut shown).await == Next::Stop {
                            return;
                        }
                        continue;
                    }
                },
            };
            let Play { action, reply } = play;
            match action {
                Action::Scan(person) if shown.qr_until.is_some() => {
                    return self.link_device(person, reply, plays).await;
                }
                Action::EnterCode(mut person) if shown.code_until.is_some() => {
                    person.phone = person.phone.or(by_code);
                    return self.link_device(person, reply, plays).await;
                }
                Action::PairError => {
                    let _done = Done::when_dropped(reply);
                    self.reports
                        .report(Report::AttemptEnded { reason: EndReasonV1::PairError, code: 0 })
                        .await;
                    return;
                }
                Action::Scan(_) | Action::EnterCode(_) => {
                    let _gone = reply.send(refused("no_live_code", "No such code is shown at this moment."));
                }
                _ => {
                    let _gone = reply.send(refused("not_linked", "No device is linked yet."));
                }
            }
        }
    }

    /// Shows the next QR code, or ends the attempt when all codes were shown.
    async fn rotate(&self, shown: &mut Shown) -> Next {
        let now = Instant::now();
        shown.code_until = shown.code_until.filter(|until| *until > now);
        if shown.qr_until.is_some_and(|until| until <= now) {
            shown.qr_until = None;
            if shown.qr_index < QR_CODES {
                return self.next_qr(shown).await;
            }
        }
        if shown.next_end().is_some() {
            return Next::Continue;
        }
        self.reports.report(Report::AttemptEnded { reason: EndReasonV1::CodesExhausted, code: 0 }).await;
        Next::Stop
    }

    async fn next_qr(&self, shown: &mut Shown) -> Next {
        shown.qr_index += 1;
        let valid = self.driver.timing.qr(shown.qr_index);
        shown.qr_until = Some(Instant::now() + valid);
        self.reports.report(Report::Qr { text: codes::qr(&*self.driver.entropy), valid }).await
    }

    async fn pairing_code(&self, shown: &mut Shown) -> Next {
        if let Some(code) = self.driver.faults_of(self.link.instance).pairing_refused {
            return self.reports.report(Report::PairingCodeRefused { code, backoff_seconds: 60 }).await;
        }
        let valid = self.driver.timing.pairing_code;
        shown.code_until = Some(Instant::now() + valid);
        self.reports.report(Report::PairingCode { text: codes::pairing(&*self.driver.entropy), valid }).await
    }

    /// Stores keys, reports the device, answers the play, and goes on as a linked device.
    async fn link_device(&self, person: Person, reply: Reply, plays: &Mailbox) {
        let mut material = [0; MATERIAL_BYTES];
        self.driver.entropy.fill(&mut material);
        while self.link.keys.put(&material).await.is_err() {
            sleep(KEYS_RETRY).await;
        }
        let next = self.reports.report(Report::Linked(self.device(person))).await;
        let _gone = reply.send(match next {
            Next::Continue => Ok(()),
            Next::Stop => refused("attempt_over", "The attempt was ended in the meantime."),
        });
        if next == Next::Continue {
            self.linked(plays).await;
        }
    }

    /// A device with the given phone, or one made from the instance's id: always the same, and another for
    /// each instance.
    fn device(&self, person: Person) -> DeviceFacts {
        let phone = person.phone.unwrap_or_else(|| {
            let digest = Hash::over(b"berth.v1.simulated.phone", &[self.link.instance.as_bytes()]);
            let number =
                digest.0.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes)) % 100_000_000;
            format!("55119{number:08}")
        });
        DeviceFacts {
            jid: format!("{phone}@s.whatsapp.net"),
            lid: Some(format!("{}@lid", phone.chars().rev().collect::<String>())),
            push_name: Some(person.push_name.unwrap_or_else(|| "Simulated phone".to_owned())),
            business_name: person.business_name,
            picture_url: None,
            platform: "simulated".to_owned(),
            phone,
        }
    }

    async fn linked(&self, plays: &Mailbox) {
        if self.reports.report(Report::Open).await == Next::Stop {
            return;
        }
        loop {
            let Play { action, reply } = plays.take().await;
            let (report, ends) = match action {
                Action::Drop { returns } => {
                    let _gone = reply.send(Ok(()));
                    if Box::pin(self.away(returns, plays)).await == Next::Stop {
                        return;
                    }
                    continue;
                }
                Action::LogoutFromPhone => (self.logged_out(LogoutOriginV1::Phone, 401).await, true),
                Action::LogoutFromServer => (self.logged_out(LogoutOriginV1::Server, 403).await, true),
                Action::Ban { seconds } => {
                    let until = Some(self.driver.clock.now().plus_seconds(seconds));
                    (Report::Paused { reason: PauseReasonV1::Banned, code: 101, until }, true)
                }
                Action::Replace => (paused(PauseReasonV1::Replaced, 409), true),
                Action::Outdated => (paused(PauseReasonV1::Outdated, 405), true),
                Action::Refuse => (paused(PauseReasonV1::Refused, 400), true),
                Action::Return => (Report::Open, false),
                Action::Scan(_) | Action::EnterCode(_) | Action::PairError | Action::Arm(_) => {
                    let _gone = reply.send(refused("already_linked", "A device is linked already."));
                    continue;
                }
            };
            let _done = Done::when_dropped(reply);
            let next = self.reports.report(report).await;
            if ends || next == Next::Stop {
                return;
            }
        }
    }

    async fn logged_out(&self, origin: LogoutOriginV1, code: u16) -> Report {
        while self.link.keys.delete().await.is_err() {
            sleep(KEYS_RETRY).await;
        }
        Report::LoggedOut { origin, code }
    }

    /// The connection is away: nothing is said within the grace, then that it is lost, and when it is back. A
    /// device that the phone removed meanwhile is refused when it comes back.
    async fn away(&self, returns: bool, plays: &Mailbox) -> Next {
        let mut removed = false;
        let grace = Some(Instant::now() + self.driver.timing.grace);
        let mut ending = absence(plays, grace, &mut removed).await;
        let told_lost = ending == Absence::TimeOver;
        if told_lost {
            let lost = Report::Lost { code: 503, source_code: "simulated".to_owned() };
            if self.reports.report(lost).await == Next::Stop {
                return Next::Stop;
            }
            let back = returns.then(|| Instant::now() + self.driver.timing.away);
            ending = absence(plays, back, &mut removed).await;
        }
        match ending {
            Absence::Returned | Absence::TimeOver if removed => {
                self.reports.report(self.logged_out(LogoutOriginV1::Server, 401).await).await;
                Next::Stop
            }
            Absence::Returned | Absence::TimeOver if told_lost => self.reports.report(Report::Open).await,
            Absence::Returned | Absence::TimeOver => Next::Continue,
        }
    }
}

/// How an absence ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absence {
    /// It was told to return.
    Returned,
    /// It lasted as long as it may.
    TimeOver,
}

/// Waits for a `return`, at most until a moment. The phone may remove the device meanwhile, other plays are
/// refused.
async fn absence(plays: &Mailbox, until: Option<Instant>, removed: &mut bool) -> Absence {
    loop {
        let play = match until {
            None => plays.take().await,
            Some(until) => tokio::select! {
                play = plays.take() => play,
                () = sleep_until(until) => return Absence::TimeOver,
            },
        };
        let Play { action, reply } = play;
        let answer = match action {
            Action::Return => {
                let _gone = reply.send(Ok(()));
                return Absence::Returned;
            }
            Action::LogoutFromPhone => {
                *removed = true;
                Ok(())
            }
            _ => refused("not_connected", "The connection is lost at this moment."),
        };
        let _gone = reply.send(answer);
    }
}

const fn paused(reason: PauseReasonV1, code: u16) -> Report {
    Report::Paused { reason, code, until: None }
}

fn refused(code: &'static str, message: &str) -> Result<(), Refused> {
    Err(Refused { code, message: message.to_owned() })
}
